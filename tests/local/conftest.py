"""Undoes what a command changes in its process, which here is the process of the tests."""

import os
import signal
from collections.abc import Iterator
from unittest.mock import patch

import pytest

from counter_service.local.errors import SIGNALS


@pytest.fixture
def _restored_process() -> Iterator[None]:
    """Restores the signal handlers and the environment after the test."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    with patch.dict(os.environ):
        yield
    for number, handler in before.items():
        signal.signal(number, handler)
