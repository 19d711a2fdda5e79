"""The room protocol: what crosses the socket and the REST surface. `schema.py` writes the TypeScript side from it."""
