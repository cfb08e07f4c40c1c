from concurrent.futures import ThreadPoolExecutor

import pytest

from counter_service.runtime.core.ports import Connection, ConnectionStore

T0 = 1_772_545_400
TWO_HOURS = 2 * 60 * 60
IDS = [f"{number:02}Yd2oFiACEQg=" for number in range(7)]


def audience(connections: ConnectionStore, now: int = T0) -> list[str]:
    return sorted(connections.audience(now))


def test_starts_empty(connections: ConnectionStore) -> None:
    assert audience(connections) == []


def test_lists_what_was_put(connections: ConnectionStore) -> None:
    for connection_id in IDS[:2]:
        connections.put(Connection(connection_id, T0))
    assert audience(connections) == IDS[:2]


@pytest.mark.parametrize("odd_id", ["a", "a+b/c==", "L0SM9cOFvHcCIhw=", "ö", "x" * 128])
def test_keeps_an_id_as_it_is(connections: ConnectionStore, odd_id: str) -> None:
    connections.put(Connection(odd_id, T0))
    assert audience(connections) == [odd_id]
    connections.remove(odd_id)
    assert audience(connections) == []


class TestPut:
    def test_twice_is_one_row(self, connections: ConnectionStore) -> None:
        connections.put(Connection("a", T0))
        connections.put(Connection("a", T0))
        assert audience(connections) == ["a"]

    def test_does_not_overwrite(self, connections: ConnectionStore) -> None:
        connections.put(Connection("a", T0))
        connections.put(Connection("a", T0 + 1000))
        assert audience(connections, T0 + TWO_HOURS) == []
        assert connections.remove_gone("a", connected_before=T0 + 1)

    def test_after_a_removal_is_a_new_row(self, connections: ConnectionStore) -> None:
        connections.put(Connection("a", T0))
        connections.remove("a")
        connections.put(Connection("a", T0 + 1000))
        assert audience(connections, T0 + TWO_HOURS) == ["a"]


class TestRemove:
    def test_removes_one_row(self, connections: ConnectionStore) -> None:
        connections.put(Connection("a", T0))
        connections.put(Connection("b", T0))
        connections.remove("a")
        assert audience(connections) == ["b"]

    def test_is_idempotent(self, connections: ConnectionStore) -> None:
        connections.put(Connection("b", T0))
        connections.remove("a")
        connections.remove("a")
        assert audience(connections) == ["b"]


class TestRemoveGone:
    @pytest.mark.parametrize(
        ("connected_before", "is_removed"),
        [(T0 - 1, False), (T0, False), (T0 + 1, True), (T0 + 1000, True)],
        ids=["long before", "on the second", "a second after", "long after"],
    )
    def test_spares_the_young(
        self, connections: ConnectionStore, connected_before: int, is_removed: bool
    ) -> None:
        connections.put(Connection("a", T0))
        connections.put(Connection("b", T0))
        assert connections.remove_gone("a", connected_before) is is_removed
        assert audience(connections) == (["b"] if is_removed else ["a", "b"])

    def test_of_an_absent_row_is_nothing(self, connections: ConnectionStore) -> None:
        connections.put(Connection("b", T0))
        assert connections.remove_gone("a", T0 + 1000) is False
        assert audience(connections) == ["b"]

    def test_twice(self, connections: ConnectionStore) -> None:
        connections.put(Connection("a", T0))
        assert connections.remove_gone("a", T0 + 1) is True
        assert connections.remove_gone("a", T0 + 1) is False


class TestAdmitClick:
    @pytest.mark.parametrize("limit", [1, 3])
    def test_admits_as_many_as_the_limit(self, connections: ConnectionStore, limit: int) -> None:
        connections.put(Connection("a", T0))
        clicks = [connections.admit_click("a", T0, limit) for _ in range(limit + 2)]
        assert clicks == [True] * limit + [False, False]

    def test_begins_anew_with_each_second(self, connections: ConnectionStore) -> None:
        connections.put(Connection("a", T0))
        seconds = [T0, T0, T0 + 1, T0 + 1, T0 + 90]
        clicks = [connections.admit_click("a", second, 1) for second in seconds]
        assert clicks == [True, False, True, False, True]

    def test_a_clock_behind_counts_in_the_latest_second(self, connections: ConnectionStore) -> None:
        connections.put(Connection("a", T0))
        seconds = [T0 + 1, T0, T0, T0 + 1]
        clicks = [connections.admit_click("a", second, 2) for second in seconds]
        assert clicks == [True, True, False, False]

    def test_is_for_each_connection(self, connections: ConnectionStore) -> None:
        connections.put(Connection("a", T0))
        connections.put(Connection("b", T0))
        assert [connections.admit_click(name, T0, 1) for name in "aabb"] == [True, False] * 2

    def test_without_a_row_admits_and_makes_none(self, connections: ConnectionStore) -> None:
        assert [connections.admit_click("a", T0, 1) for _ in range(3)] == [True] * 3
        assert audience(connections) == []

    def test_leaves_the_row_as_it_is(self, connections: ConnectionStore) -> None:
        connections.put(Connection("a", T0))
        connections.admit_click("a", T0 + 60, 1)
        connections.put(Connection("a", T0 + 1000))
        assert connections.admit_click("a", T0 + 60, 1) is False
        assert audience(connections, T0 + TWO_HOURS - 1) == ["a"]
        assert audience(connections, T0 + TWO_HOURS) == []

    def test_a_new_row_begins_anew(self, connections: ConnectionStore) -> None:
        connections.put(Connection("a", T0))
        connections.admit_click("a", T0, 1)
        connections.remove("a")
        connections.put(Connection("a", T0))
        assert connections.admit_click("a", T0, 1) is True

    def test_concurrent_clicks_share_the_limit(self, connections: ConnectionStore) -> None:
        connections.put(Connection("a", T0))
        with ThreadPoolExecutor(8) as pool:
            clicks = list(pool.map(lambda _: connections.admit_click("a", T0, 5), range(16)))
        assert sum(clicks) == 5


class TestAudience:
    @pytest.mark.parametrize(
        ("age", "is_live"),
        [(-60, True), (0, True), (TWO_HOURS - 1, True), (TWO_HOURS, False), (TWO_HOURS + 1, False)],
        ids=["a clock behind", "new", "a second before", "on the second", "a second after"],
    )
    def test_passes_over_expired_rows(
        self, connections: ConnectionStore, age: int, is_live: bool
    ) -> None:
        connections.put(Connection("a", T0))
        assert audience(connections, T0 + age) == (["a"] if is_live else [])

    def test_lists_all_of_many_once(self, connections: ConnectionStore) -> None:
        """More than fit on a page."""
        for connection_id in IDS:
            connections.put(Connection(connection_id, T0))
        assert audience(connections) == IDS

    def test_goes_on_after_a_page_of_expired_rows(self, connections: ConnectionStore) -> None:
        for connection_id in IDS[:-1]:
            connections.put(Connection(connection_id, T0 - TWO_HOURS))
        connections.put(Connection(IDS[-1], T0))
        assert audience(connections) == IDS[-1:]

    def test_can_be_read_while_rows_are_removed(self, connections: ConnectionStore) -> None:
        for connection_id in IDS:
            connections.put(Connection(connection_id, T0))
        for connection_id in connections.audience(T0):
            connections.remove(connection_id)
        assert audience(connections) == []
