"""Outcomes of the service, written in one line."""

from typing import Any

from counter_service.runtime.core.outcome import DeliveryStats, Outcome
from counter_service.runtime.core.protocol import Action


def outcome(
    action: str, value: int | None = None, *, error: str | None = None, **fields: Any
) -> Outcome:
    """An outcome. `fields` may include those of its deliveries.

    A click with a value was counted by this event, unless `fields` says that it was before.
    """
    is_click = action == Action.INCREMENT and value is not None
    fields.setdefault("counted", is_click and not fields.get("counted_before"))
    deliveries = {
        name: fields.pop(name) for name in DeliveryStats.__dataclass_fields__ if name in fields
    }
    stats = DeliveryStats(
        incomplete=error == "broadcast-incomplete",
        stale_rows_left=error == "cleanup-incomplete",
        **deliveries,
    )
    problem: Any = error  # an enum of text
    return Outcome(Action(action), value, problem, deliveries=stats, **fields)
