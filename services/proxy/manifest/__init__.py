"""Rewriting of manifests: every URL in them becomes one of ours. Pure: text in, text out."""
