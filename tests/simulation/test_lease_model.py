from functools import cache

import pytest

from simulation import lease_model
from simulation.lease_model import Order

explore = cache(lease_model.explore)

RIGHT = (Order.RIGHT, Order.VALUE_FIRST)


@pytest.mark.parametrize(
    ("clickers", "expiries", "crashes", "pauses"),
    [(1, 0, 0, 1), (2, 1, 1, 2), (3, 0, 0, 1), (3, 1, 0, 0), (3, 1, 1, 0), (4, 0, 0, 0)],
)
@pytest.mark.parametrize("order", RIGHT)
def test_lease_leaves_no_client_with_an_old_value(
    order: Order, clickers: int, expiries: int, crashes: int, pauses: int
) -> None:
    states, stale = explore(order, clickers, expiries, crashes, pauses)
    assert states > 10
    assert [end.path for end in stale] == []


@pytest.mark.parametrize("order", [order for order in Order if order not in RIGHT])
def test_lease_model_finds_the_mistake_in_every_other_order(order: Order) -> None:
    _, stale = explore(order, 2, 0, 0, 1)
    assert stale != []


def test_lease_model_explores_more_states_with_more_clickers() -> None:
    """A model that stopped early would also find no mistake."""
    states = [explore(Order.RIGHT, clickers, 1, 1, 0)[0] for clickers in (1, 2, 3)]
    assert states[0] < states[1] / 3 < states[2] / 9
