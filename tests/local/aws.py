"""An emulator that is never started, and whose clients record calls."""

from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

from counter_service.local.emulator import MiniStack


class RecordingMiniStack(MiniStack):
    """Returns the same client for every service. The client accepts every call and does nothing."""

    def __init__(self, region: str = "eu-central-1") -> None:
        super().__init__(region, Path("never-started"))
        self.recorded = MagicMock()

    def client(self, service: str) -> Any:
        return self.recorded
