"""`python -m services.operator rooms|bans|cache|cookies|doctor`, in any service's image."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence

from services.common import logs
from services.operator.command import COMMANDS, run

__all__ = ["COMMANDS", "main"]


def main(argv: Sequence[str]) -> int:
    """The command, with this process' environment. Gives the exit status."""
    logs.configure("operator", level="error")
    return asyncio.run(run(argv, os.environ))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
