"""What every test needs."""

import os

from counter_service.local.environment import bypass_proxies

# Tests start servers on this machine, and clients such as urllib's use a person's proxy for them.
bypass_proxies(os.environ)
