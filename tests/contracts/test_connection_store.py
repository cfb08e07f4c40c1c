from concurrent.futures import ThreadPoolExecutor

import pytest

from counter_service.runtime.core.ports import Connection, ConnectionStore

T0 = 1_772_545_400
TWO_HOURS = 2 * 60 * 60
IDS = [f"{number:02}Yd2oFiACEQg=" for number in range(7)]  # more than fit on a page


def put(connections: ConnectionStore, *ids: str, connected_at: int = T0) -> None:
    for connection_id in ids:
        connections.put(Connection(connection_id, connected_at))


def audience(connections: ConnectionStore, now: int = T0) -> list[str]:
    return sorted(connections.audience(now))


@pytest.mark.parametrize("ids", [[], IDS[:2], IDS], ids=["empty", "one page", "many pages"])
def test_audience_lists_each_row_once(connections: ConnectionStore, ids: list[str]) -> None:
    put(connections, *ids)
    assert audience(connections) == ids


@pytest.mark.parametrize("odd_id", ["a", "a+b/c==", "L0SM9cOFvHcCIhw=", "ö", "x" * 128])
def test_connection_id_is_stored_unchanged(connections: ConnectionStore, odd_id: str) -> None:
    put(connections, odd_id)
    assert audience(connections) == [odd_id]
    connections.remove(odd_id)
    assert audience(connections) == []


@pytest.mark.parametrize(
    ("age", "is_listed"),
    [(-60, True), (0, True), (TWO_HOURS - 1, True), (TWO_HOURS, False), (TWO_HOURS + 1, False)],
)
def test_audience_leaves_out_expired_rows(
    connections: ConnectionStore, age: int, is_listed: bool
) -> None:
    put(connections, "a")
    assert audience(connections, T0 + age) == (["a"] if is_listed else [])


def test_audience_continues_after_a_page_of_expired_rows(connections: ConnectionStore) -> None:
    put(connections, *IDS[:-1], connected_at=T0 - TWO_HOURS)
    put(connections, IDS[-1])
    assert audience(connections) == IDS[-1:]


def test_audience_can_be_read_while_rows_are_removed(connections: ConnectionStore) -> None:
    put(connections, *IDS)
    for connection_id in connections.audience(T0):
        connections.remove(connection_id)
    assert audience(connections) == []


@pytest.mark.parametrize("is_removed", [False, True])
def test_audience_continues_after_any_row_in_the_same_order(
    connections: ConnectionStore, is_removed: bool
) -> None:
    put(connections, *IDS)
    order = list(connections.audience(T0))
    for place, last in enumerate(order):
        if is_removed:
            connections.remove(last)
        assert list(connections.audience(T0, after=last)) == order[place + 1 :]


def test_put_does_not_overwrite_a_row(connections: ConnectionStore) -> None:
    put(connections, "a")
    put(connections, "a", connected_at=T0 + 1000)
    assert audience(connections) == ["a"]
    assert audience(connections, T0 + TWO_HOURS) == []
    connections.remove_gone(["a"], connected_before=T0 + 1)
    assert audience(connections) == []


def test_put_after_a_removal_adds_a_new_row(connections: ConnectionStore) -> None:
    put(connections, "a")
    connections.remove("a")
    put(connections, "a", connected_at=T0 + 1000)
    assert audience(connections, T0 + TWO_HOURS) == ["a"]


def test_remove_deletes_only_its_row_and_may_be_repeated(connections: ConnectionStore) -> None:
    put(connections, "a", "b")
    for _ in range(2):
        connections.remove("a")
        assert audience(connections) == ["b"]


@pytest.mark.parametrize(
    ("connected_before", "is_removed"),
    [(T0 - 1, False), (T0, False), (T0 + 1, True), (T0 + 1000, True)],
)
def test_remove_gone_deletes_only_an_older_row(
    connections: ConnectionStore, connected_before: int, is_removed: bool
) -> None:
    put(connections, "a", "b", "c")
    connections.remove_gone(["a", "missing", "b"], connected_before)
    assert audience(connections) == (["c"] if is_removed else ["a", "b", "c"])


@pytest.mark.parametrize(
    ("most", "messages", "numbers"),
    [
        (1, [("a", T0)] * 3, [1, 2, 2]),
        (3, [("a", T0)] * 5, [1, 2, 3, 4, 4]),
        (1, [("a", T0 + each) for each in (0, 0, 1, 1, 90)], [1, 2, 1, 2, 1]),
        (2, [("a", T0 + each) for each in (1, 0, 0, 1)], [1, 2, 3, 3]),
        (1, [(name, T0) for name in "aabb"], [1, 2, 1, 2]),
        (1, [("missing", T0)] * 3, [0, 0, 0]),
    ],
    ids=["one", "three", "each second", "clock behind", "each connection", "no row"],
)
def test_count_message_counts_up_to_a_limit_in_a_second(
    connections: ConnectionStore,
    most: int,
    messages: list[tuple[str, int]],
    numbers: list[int],
) -> None:
    put(connections, "a", "b")
    assert [connections.count_message(name, second, most) for name, second in messages] == numbers
    assert audience(connections) == ["a", "b"]


def test_count_message_does_not_renew_the_row(connections: ConnectionStore) -> None:
    put(connections, "a")
    connections.count_message("a", T0 + 60, 1)
    put(connections, "a", connected_at=T0 + 1000)
    assert connections.count_message("a", T0 + 60, 1) == 2
    assert audience(connections, T0 + TWO_HOURS - 1) == ["a"]
    assert audience(connections, T0 + TWO_HOURS) == []


def test_count_message_counts_from_zero_in_a_new_row(connections: ConnectionStore) -> None:
    for _ in range(2):
        put(connections, "a")
        assert connections.count_message("a", T0, 1) == 1
        connections.remove("a")


def test_count_message_counts_concurrent_messages_once(connections: ConnectionStore) -> None:
    put(connections, "a")
    with ThreadPoolExecutor(8) as pool:
        numbers = pool.map(lambda _: connections.count_message("a", T0, 5), range(16))
    assert sorted(numbers) == [1, 2, 3, 4, 5] + [6] * 11
