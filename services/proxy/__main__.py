"""`python -m services.proxy`."""

import sys

from services.common.serving import main
from services.proxy.app import build
from services.proxy.config import ProxySettings

sys.exit(main("proxy", ProxySettings, build, sys.argv[1:]))
