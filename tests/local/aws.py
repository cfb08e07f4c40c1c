"""An AWS whose clients record calls."""

from typing import Any
from unittest.mock import MagicMock


class RecordingAws:
    """Returns the same client for every service. The client accepts every call and does nothing."""

    def __init__(self, region: str = "eu-central-1") -> None:
        self.region = region
        self.recorded = MagicMock()

    def client(self, service: str) -> Any:
        return self.recorded

    def websocket_url(self, api_id: str) -> str:
        return f"ws://emulator.test/{api_id}"
