"""Every interleaving of the broadcast lease, and of what would be wrong."""

from functools import cache

import pytest

from simulation.lease_model import Order
from simulation.lease_model import explore as explore_anew

explore = cache(explore_anew)

RIGHT = (Order.RIGHT, Order.VALUE_FIRST)


@pytest.mark.parametrize(
    ("clickers", "expiries", "crashes"),
    [(1, 0, 0), (2, 1, 1), (3, 1, 0), (3, 1, 1), (4, 0, 0)],
)
@pytest.mark.parametrize("order", RIGHT)
def test_no_client_is_left_stale(order: Order, clickers: int, expiries: int, crashes: int) -> None:
    states, stale = explore(order, clickers, expiries, crashes)
    assert states > 10
    assert [end.path for end in stale] == []


@pytest.mark.parametrize("order", [order for order in Order if order not in RIGHT])
def test_every_other_order_leaves_a_client_stale(order: Order) -> None:
    _, stale = explore(order, 2, 0, 0)
    assert stale, "the model cannot tell right from wrong"


def test_the_state_space_is_no_accident() -> None:
    """A model that stopped exploring would find nothing wrong, too."""
    states = [explore(Order.RIGHT, clickers, 1, 1)[0] for clickers in (1, 2, 3)]
    assert states[0] < states[1] / 3 < states[2] / 9
