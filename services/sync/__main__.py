"""`python -m services.sync`."""

import sys

from services.common.serving import main
from services.sync.app import build
from services.sync.config import SyncSettings

sys.exit(main("sync", SyncSettings, build, sys.argv[1:]))
