"""`python -m services.resolver`."""

from services.resolver.process import run

run()
