"""The checker of the soak finds planted errors, and none in a right history."""

from dataclasses import replace

import pytest

from counter_service.history.events import (
    Acknowledged,
    Clicked,
    ClickedWithoutId,
    Displayed,
    Event,
    FailedWithoutId,
    Loud,
    Named,
    Opened,
    Quiet,
    Received,
    Stored,
)
from counter_service.history.figures import doubled, foreign, invented, lost, reordered, totals
from counter_service.history.invariants import Violation, examples, violations

# Two clicks of a client, one of a tab and one without an op id. A listener watches.
HISTORY: list[Event] = [
    Opened("listener", 1),
    Opened("client", 2),
    Clicked("client", "a:1"),
    Received(2, 1),
    Acknowledged("client", "a:1", 1),
    Displayed(10.0, "client", 1),
    Received(1, 1),
    Displayed(10.1, "listener", 1),
    Clicked("tab", None),
    Named("tab", "t:1"),
    Acknowledged("tab", "t:1", 2),
    ClickedWithoutId("direct"),
    Clicked("client", "a:2"),
    Received(2, 4),
    Acknowledged("client", "a:2", 4),
    Displayed(20.0, "client", 4),
    Quiet(20.0, 4, {"client": 5.0, "listener": 5.0}),
    Received(1, 4),
    Displayed(22.0, "listener", 4),
    Loud(),
]
OP_IDS = frozenset({"a:1", "a:2", "t:1"})
STORED = Stored(4, OP_IDS)


def problems(history: list[Event], stored: Stored = STORED) -> list[str]:
    return [violation.problem for violation in violations(history, stored)]


def without(*events: Event) -> list[Event]:
    return [event for event in HISTORY if event not in events]


def test_a_right_history_breaks_no_invariant() -> None:
    assert problems(HISTORY) == []
    found = totals(HISTORY)
    assert found.acknowledged == found.clicked == OP_IDS
    assert found.convergence == {"client": [0.0], "listener": [2.0]}


@pytest.mark.parametrize(
    ("stored", "figures", "problem"),
    [
        (Stored(3, OP_IDS - {"a:1"}), (1, 0, 0), "1 clicks were lost"),
        (replace(STORED, value=3), (1, 0, 0), "1 clicks were lost"),
        (replace(STORED, value=6), (0, 2, 0), "2 clicks were doubled"),
        (Stored(5, OP_IDS | {"x:1"}), (0, 0, 1), "1 clicks were invented"),
    ],
    ids=["lost row", "lost increment", "doubled", "invented"],
)
def test_a_wrong_table_is_found(
    stored: Stored, figures: tuple[int, int, int], problem: str
) -> None:
    assert problem in problems(HISTORY, stored)
    assert tuple(count(totals(HISTORY), stored) for count in (lost, doubled, invented)) == figures


@pytest.mark.parametrize(
    ("value", "is_shared", "figures"),
    [
        (103, False, (1, 0, 0)),
        (104, False, (0, 0, 0)),
        (106, False, (0, 2, 0)),
        (103, True, (1, 0, 0)),
        (106, True, (0, 0, 2)),
    ],
)
def test_growth_of_the_value_shows_lost_doubled_and_foreign_clicks(
    value: int, is_shared: bool, figures: tuple[int, int, int]
) -> None:
    stored = Stored(value, before=100, is_shared=is_shared)
    assert tuple(count(totals(HISTORY), stored) for count in (lost, doubled, foreign)) == figures


def test_an_unacknowledged_click_may_have_counted_if_only_the_value_is_known() -> None:
    history = without(Acknowledged("client", "a:2", 4))
    for value, figures in {2: (1, 0), 3: (0, 0), 4: (0, 0), 5: (0, 1)}.items():
        stored = Stored(value)
        assert tuple(count(totals(history), stored) for count in (lost, doubled)) == figures


@pytest.mark.parametrize(("is_least", "found"), [(True, []), (False, ["listener never showed 4"])])
def test_a_shared_counter_may_be_greater_than_its_last_click(
    is_least: bool, found: list[str]
) -> None:
    quiet = Quiet(20.0, 4, {"listener": 5.0}, is_least)
    shown = Displayed(21.0, "listener", 5)
    history: list[Event] = [quiet if isinstance(event, Quiet) else event for event in HISTORY]
    history.insert(-1, shown)
    stored = replace(STORED, is_shared=is_least)
    assert [each for each in problems(history, stored) if "never" in each] == found


def test_values_that_are_lower_than_an_earlier_one_on_their_connection_are_reordered() -> None:
    assert reordered(HISTORY) == 0
    late: list[Event] = [Received(1, 3), Opened("listener", 3), Received(3, 3), Received(3, 4)]
    assert reordered([*HISTORY, *late]) == 1


def test_a_value_below_the_first_is_found() -> None:
    stored = Stored(104, before=100)
    assert "connection 2 received 1, although 100 was acknowledged before it was opened" in (
        problems(HISTORY, stored)
    )


def test_only_some_examples_of_each_invariant_are_listed() -> None:
    broken = [Violation("read", str(number)) for number in range(7)] + [Violation("count", "1")]
    assert list(examples(broken, most=2)) == ["read: 0", "read: 1", "count: 1", "read: 5 more"]


@pytest.mark.parametrize(
    ("may_have_counted", "right_values"), [(False, {3}), (True, {3, 4})], ids=["no", "perhaps"]
)
def test_a_failed_increment_without_id_counts_only_if_it_may_have(
    may_have_counted: bool, right_values: set[int]
) -> None:
    history = [*HISTORY, FailedWithoutId("direct", may_have_counted)]
    values = {
        value for value in range(2, 6) if problems(history, replace(STORED, value=value)) == []
    }
    assert values == right_values


def test_an_unresolved_click_is_found() -> None:
    history = without(Acknowledged("client", "a:2", 4))
    assert problems(history) == ["1 clicks never resolved: a:2"]


def test_a_tab_click_that_was_never_sent_is_found() -> None:
    history = without(Named("tab", "t:1"), Acknowledged("tab", "t:1", 2))
    assert "1 clicks never resolved: tab" in problems(history)


def test_a_decreasing_display_is_found() -> None:
    history = [*HISTORY, Displayed(30.0, "listener", 3)]
    assert problems(history) == ["listener showed 3 after 4"]


def test_an_invented_value_is_found() -> None:
    history = [*HISTORY, Received(1, 9), Displayed(30.0, "listener", 9)]
    assert problems(history) == [
        "connection 1 received 9 after 4 increments",
        "listener showed 9 after 4 increments",
    ]


def test_a_value_that_is_older_than_its_connection_is_found() -> None:
    history = [*HISTORY, Opened("listener", 3), Received(3, 3)]
    assert problems(history) == [
        "connection 3 received 3, although 4 was acknowledged before it was opened"
    ]


@pytest.mark.parametrize(("value", "is_right"), [(4, False), (5, True)])
def test_an_acknowledgement_with_a_value_from_before_its_click_is_found(
    value: int, is_right: bool
) -> None:
    history = [*HISTORY, Clicked("client", "a:3"), Acknowledged("client", "a:3", value)]
    stored = Stored(5, OP_IDS | {"a:3"})
    assert (problems(history, stored) == []) is is_right


@pytest.mark.parametrize(
    ("display", "problem"),
    [
        (None, "listener never showed 4"),
        (Displayed(25.1, "listener", 4), "listener showed 4 after 5.1 s instead of 5 s"),
    ],
    ids=["never", "late"],
)
def test_a_client_that_does_not_converge_is_found(display: Displayed | None, problem: str) -> None:
    shown = Displayed(22.0, "listener", 4)
    history = [replaced for event in HISTORY if (replaced := display if event == shown else event)]
    assert problems(history) == [problem]
