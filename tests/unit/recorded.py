"""The recorded events of API Gateway in tests/events/."""

import json
from pathlib import Path
from typing import Any, Final

_EVENTS: Final = Path(__file__).parents[1] / "events"

CONNECTION_ID: Final = "Rk3sYd2oFiACEQg="
CONNECTED_AT: Final = 1_772_545_387  # epoch seconds


def recorded(name: str) -> dict[str, Any]:
    """A new copy of the event, which a test may change."""
    event: dict[str, Any] = json.loads((_EVENTS / f"{name}.json").read_text(encoding="utf-8"))
    return event
