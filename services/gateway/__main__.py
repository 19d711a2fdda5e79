"""`python -m services.gateway`."""

import sys

from services.common.serving import main
from services.gateway.app import build
from services.gateway.config import GatewaySettings

sys.exit(main("gateway", GatewaySettings, build, sys.argv[1:]))
