"""What a load sends, receives and costs, from the model of `counter cost`. Pure."""

from dataclasses import dataclass

from counter_service.costs.bill import bill, total
from counter_service.costs.forecast import Load, expected
from counter_service.costs.prices import REGION
from counter_service.costs.units import Sizing, usage

from .plan import Plan


@dataclass(frozen=True, slots=True)
class Estimate:
    """About what a load takes. `dollars` are US dollars for all that AWS bills."""

    messages_sent: float
    messages_received: float
    dollars: float

    def __str__(self) -> str:
        """The estimate as a sentence."""
        price = "less than $0.01" if self.dollars < 0.01 else f"about ${self.dollars:,.2f}"
        return (
            f"The load sends about {_rounded(self.messages_sent)} messages, receives about "
            f"{_rounded(self.messages_received)}, and costs {price} (list prices of {REGION}, "
            "without free tiers and taxes)."
        )


def estimate(plan: Plan, sizing: Sizing) -> Estimate:
    """The estimate for a stack with these settings."""
    load = Load(
        clients=plan.clients,
        clicks_per_second=plan.clicks_per_second,
        hours=plan.seconds / 3600,
        days=1,
    )
    used = usage(expected(load, sizing), plan.clients, sizing)
    return Estimate(used.messages_in, used.messages_out, total(bill(used)))


def _rounded(number: float) -> str:
    return f"{float(f'{number:.2g}'):,.0f}"
