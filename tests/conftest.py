"""Fixtures of every test."""

import os

from counter_service.toolchain.settings import without_proxy_for_loopback

# Tests start servers on this machine, and clients such as urllib's use a person's proxy for them.
os.environ.update(without_proxy_for_loopback(os.environ))
