from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import pytest

from counter_service.runtime.core.access import Access
from counter_service.runtime.core.assembly import assemble
from counter_service.runtime.core.backoff import ATTEMPTS
from counter_service.runtime.core.broadcast import (
    GONE_AGE_SECONDS,
    LEASE_SECONDS,
    MAX_BROADCAST_SECONDS,
)
from counter_service.runtime.core.errors import OutcomeUnknown, StoreBusy, StoreUnavailable
from counter_service.runtime.core.events import Connect, ContinueBroadcast, Disconnect, Message
from counter_service.runtime.core.origins import OriginPolicy, OriginProblem
from counter_service.runtime.core.outcome import Outcome
from counter_service.runtime.core.ports import Connection, Delivery, TokenProblem
from counter_service.runtime.core.protocol import MAX_MESSAGE_BYTES, MESSAGES, ErrorCode
from counter_service.runtime.core.service import CounterService
from simulation.fakes import (
    FakeClock,
    FakeOutbox,
    FakeSelfInvoker,
    FakeTokens,
    InMemoryConnectionStore,
    InMemoryCounterStore,
    InMemoryLease,
    fake_ports,
)
from tests.unit.outcomes import outcome

NOW = 1_772_545_400
SITE = "https://site.example"
TWO_HOURS = 2 * 60 * 60
INCREMENT = '{"action":"increment"}'
GET_CURRENT = '{"action":"get-current"}'
OP_ID = "q7Rk_3sYd-2oFiAC:1"
CLICK = f'{{"action":"increment","id":"{OP_ID}"}}'
BUSY = StoreBusy("test", "TransactionConflict")
UNAVAILABLE = StoreUnavailable("test", "ThrottlingException")

INVALID = {
    ErrorCode.TOO_LARGE: "x" * (MAX_MESSAGE_BYTES + 1),
    ErrorCode.NOT_TEXT: None,
    ErrorCode.NOT_JSON: "increment",
    ErrorCode.NOT_AN_OBJECT: "[]",
    ErrorCode.MISSING_ACTION: "{}",
    ErrorCode.UNKNOWN_ACTION: '{"action":"reset"}',
    ErrorCode.BAD_ID: '{"action":"increment","id":7}',
}


@dataclass
class World:
    """The service among its fakes. Ann, Bob and Eve are connected for two minutes."""

    counter: InMemoryCounterStore = field(default_factory=lambda: InMemoryCounterStore(41))
    connections: InMemoryConnectionStore = field(default_factory=InMemoryConnectionStore)
    lease: InMemoryLease = field(default_factory=InMemoryLease)
    self_invoker: FakeSelfInvoker = field(default_factory=FakeSelfInvoker)
    outbox: FakeOutbox = field(default_factory=FakeOutbox)
    clock: FakeClock = field(default_factory=lambda: FakeClock(NOW))
    access: Access = field(default_factory=lambda: Access(OriginPolicy(allowed=frozenset({SITE}))))
    clicks_per_second: int = 0

    def __post_init__(self) -> None:
        for name in ("ann", "bob", "eve"):
            self.join(name)

    @property
    def service(self) -> CounterService:
        ports = fake_ports(
            counter=self.counter,
            connections=self.connections,
            lease=self.lease,
            outbox=self.outbox,
            self_invoker=self.self_invoker,
            clock=self.clock,
        )
        return assemble(ports, self.access, clicks_per_second=self.clicks_per_second)

    def join(self, name: str, *, seconds_ago: int = 120, is_open: bool = True) -> None:
        self.connections.put(Connection(name, NOW - seconds_ago))
        if is_open:
            self.outbox.open.add(name)

    def says(self, name: str, body: str | None) -> Outcome:
        return self.service.handle(Message(name, NOW - 120, body))


@pytest.fixture
def world() -> World:
    return World()


def update(value: int, **op_id: str) -> dict[str, object]:
    return {"type": "counter-update", "value": value, **op_id}


def error(code: ErrorCode, **op_id: str) -> dict[str, object]:
    return {"type": "error", "code": str(code), "message": MESSAGES[code], **op_id}


class TestConnect:
    def test_adds_a_row_for_two_hours(self, world: World) -> None:
        assert world.service.handle(Connect("new", NOW, SITE)) == outcome("connect")
        assert world.connections.rows["new"] == Connection("new", NOW)
        assert world.connections.rows["new"].expires_at == NOW + TWO_HOURS

    def test_posts_nothing(self, world: World) -> None:
        """The socket is not open yet."""
        world.service.handle(Connect("ann", NOW - 120, SITE))
        assert world.outbox.delivered == []

    def test_fails_when_the_row_cannot_be_written(self, world: World) -> None:
        """Then API Gateway refuses the handshake and the client tries again."""
        world.connections.fail_next("put", UNAVAILABLE)
        with pytest.raises(StoreUnavailable):
            world.service.handle(Connect("new", NOW, SITE))
        assert "new" not in world.connections.rows


class TestRefusedConnect:
    @pytest.mark.parametrize(
        ("origin", "error"),
        [(None, OriginProblem.MISSING), ("https://evil.test", OriginProblem.FOREIGN)],
    )
    def test_of_a_wrong_origin(self, world: World, origin: str | None, error: str) -> None:
        rows = dict(world.connections.rows)
        report = world.service.handle(Connect("new", NOW, origin))
        assert report == outcome("connect", error=error, status=403, origin=origin)
        assert world.connections.rows == rows
        assert world.outbox.delivered == []
        assert not report.is_our_failure

    def test_says_no_more_of_the_origin_than_fits(self, world: World) -> None:
        report = world.service.handle(Connect("new", NOW, "https://" + "x" * 200))
        assert report.origin == "https://" + "x" * 92

    def test_without_a_token(self, world: World) -> None:
        world.access = Access(world.access.origins, FakeTokens("good"))
        report = world.service.handle(Connect("new", NOW, SITE))
        assert report == outcome("connect", error="missing-token", status=401, origin=SITE)
        assert "new" not in world.connections.rows

    @pytest.mark.parametrize("problem", TokenProblem)
    def test_with_a_wrong_token(self, world: World, problem: TokenProblem) -> None:
        world.access = Access(world.access.origins, FakeTokens("good", problem=problem))
        report = world.service.handle(Connect("new", NOW, SITE, token="bad"))
        assert report == outcome("connect", error=problem, status=401, origin=SITE)
        assert "new" not in world.connections.rows
        # That the issuer cannot be asked is no fault of the client's.
        assert report.is_our_failure is (problem is TokenProblem.KEYS_UNAVAILABLE)

    def test_with_a_good_token_is_none(self, world: World) -> None:
        world.access = Access(world.access.origins, FakeTokens("good"))
        offers = ("counter", "bearer.good")
        report = world.service.handle(Connect("new", NOW, SITE, subprotocols=offers))
        assert report == outcome("connect", subprotocol="counter")
        assert "new" in world.connections.rows


class TestClickLimit:
    def test_answers_the_sender_and_counts_nothing(self, world: World) -> None:
        world.clicks_per_second = 2
        reports = [world.says("bob", INCREMENT) for _ in range(3)]
        assert [report.error for report in reports] == [None, None, "too-many-clicks"]
        assert world.counter.count == 43
        assert world.outbox.received("bob")[-1] == error(ErrorCode.TOO_MANY_CLICKS)
        assert world.outbox.received("ann") == [update(42), update(43)]
        assert not reports[-1].is_our_failure

    def test_is_for_each_connection_and_each_second(self, world: World) -> None:
        world.clicks_per_second = 1
        assert world.says("bob", INCREMENT).value == 42
        assert world.says("ann", INCREMENT).value == 43
        world.clock.time += 1
        assert world.says("bob", INCREMENT).value == 44

    def test_is_not_for_other_messages(self, world: World) -> None:
        world.clicks_per_second = 1
        assert [world.says("bob", GET_CURRENT).error for _ in range(3)] == [None] * 3

    def test_off_writes_nothing(self, world: World) -> None:
        world.connections.fail_next("admit_click", UNAVAILABLE)
        assert world.says("bob", INCREMENT).value == 42
        assert world.connections.clicks == {}

    def test_that_cannot_be_checked_counts_nothing(self, world: World) -> None:
        world.clicks_per_second = 1
        world.connections.fail_next("admit_click", UNAVAILABLE)
        report = world.says("bob", INCREMENT)
        assert report == outcome("increment", error="unavailable")
        assert report.is_our_failure
        assert world.counter.count == 41


class TestDisconnect:
    def test_removes_the_row(self, world: World) -> None:
        assert world.service.handle(Disconnect("bob")) == outcome("disconnect")
        assert set(world.connections.rows) == {"ann", "eve"}

    def test_may_come_twice(self, world: World) -> None:
        world.service.handle(Disconnect("bob"))
        assert world.service.handle(Disconnect("bob")) == outcome("disconnect")
        assert set(world.connections.rows) == {"ann", "eve"}

    def test_tells_nobody(self, world: World) -> None:
        world.service.handle(Disconnect("bob"))
        assert world.outbox.delivered == []


class TestGetCurrent:
    def test_answers_the_sender_alone(self, world: World) -> None:
        assert world.says("bob", GET_CURRENT) == outcome("get-current", 41, delivered=1)
        assert world.outbox.inboxes() == {"bob": [update(41)]}

    def test_changes_nothing(self, world: World) -> None:
        rows = dict(world.connections.rows)
        world.says("bob", GET_CURRENT)
        assert world.counter.count == 41
        assert world.connections.rows == rows

    def test_brings_a_lost_row_back(self, world: World) -> None:
        del world.connections.rows["bob"]
        world.says("bob", GET_CURRENT)
        assert world.connections.rows["bob"] == Connection("bob", NOW - 120)

    def test_does_not_renew_a_row(self, world: World) -> None:
        before = world.connections.rows["bob"]
        world.service.handle(Message("bob", NOW, GET_CURRENT))
        assert world.connections.rows["bob"] is before

    def test_misses_no_click_while_it_reads(self, world: World) -> None:
        """The row is there before the value is read, so the broadcast of a click that comes
        right after the reading finds it."""

        class ClickedMeanwhile(InMemoryCounterStore):
            clicked = False

            def value(self) -> int:
                value = super().value()
                if not self.clicked:
                    self.clicked = True
                    world.says("ann", INCREMENT)
                return value

        world.counter = ClickedMeanwhile(41)
        del world.connections.rows["bob"]
        world.says("bob", GET_CURRENT)
        assert update(42) in world.outbox.received("bob")

    @pytest.mark.parametrize("failure", [UNAVAILABLE, BUSY])
    @pytest.mark.parametrize("store", ["connections", "counter"])
    def test_says_when_a_store_is_unavailable(
        self, world: World, store: str, failure: StoreUnavailable
    ) -> None:
        if store == "connections":
            world.connections.fail_next("put", failure)
        else:
            world.counter.fail_next("value", failure)
        assert world.says("bob", GET_CURRENT) == outcome("get-current", error="unavailable")
        assert world.outbox.inboxes() == {"bob": [error(ErrorCode.UNAVAILABLE)]}

    def test_forgets_a_sender_that_left_meanwhile(self, world: World) -> None:
        world.outbox.close("bob")
        assert world.says("bob", GET_CURRENT) == outcome("get-current", 41, gone=1)
        assert set(world.connections.rows) == {"ann", "eve"}


class TestIncrement:
    def test_counts_and_tells_everyone_once(self, world: World) -> None:
        assert world.says("bob", INCREMENT) == outcome("increment", 42, broadcasts=1, delivered=3)
        assert world.counter.count == 42
        assert world.outbox.inboxes() == {name: [update(42)] for name in ("ann", "bob", "eve")}

    @pytest.mark.parametrize("sender", ["ann", "bob", "eve"])
    def test_tells_the_sender_first(self, world: World, sender: str) -> None:
        world.says(sender, INCREMENT)
        assert world.outbox.delivered[0][0] == sender

    def test_answers_a_sender_without_a_row(self, world: World) -> None:
        del world.connections.rows["bob"]
        world.says("bob", INCREMENT)
        assert world.outbox.received("bob") == [update(42)]

    def test_every_click_counts(self, world: World) -> None:
        for sender in ("ann", "bob", "ann", "eve"):
            world.says(sender, INCREMENT)
        assert world.counter.count == 45
        assert world.outbox.received("eve") == [update(42), update(43), update(44), update(45)]

    @pytest.mark.parametrize(
        ("seconds_ago", "is_told"),
        [(TWO_HOURS - 1, True), (TWO_HOURS, False), (TWO_HOURS + 1, False)],
        ids=["a second before", "on the second", "a second after"],
    )
    def test_passes_over_expired_rows(self, world: World, seconds_ago: int, is_told: bool) -> None:
        world.join("old", seconds_ago=seconds_ago)
        report = world.says("ann", INCREMENT)
        assert bool(world.outbox.received("old")) is is_told
        assert report.deliveries.delivered == 3 + is_told

    def test_time_passes(self, world: World) -> None:
        world.clock.time += TWO_HOURS
        assert world.says("ann", INCREMENT) == outcome("increment", 42, broadcasts=1, delivered=1)

    @pytest.mark.parametrize(
        ("seconds_ago", "stays"),
        [
            (GONE_AGE_SECONDS + 1, False),
            (GONE_AGE_SECONDS, True),
            (GONE_AGE_SECONDS - 1, True),
            (0, True),
        ],
    )
    def test_forgets_the_gone_unless_they_have_just_come(
        self, world: World, seconds_ago: int, stays: bool
    ) -> None:
        world.join("ghost", seconds_ago=seconds_ago, is_open=False)
        assert world.says("ann", INCREMENT) == outcome(
            "increment", 42, broadcasts=1, delivered=3, gone=1
        )
        assert ("ghost" in world.connections.rows) is stays
        assert {"ann", "bob", "eve"} <= set(world.connections.rows)

    def test_a_handshake_in_progress_hears_the_next_click(self, world: World) -> None:
        world.service.handle(Connect("new", NOW, SITE))
        world.says("ann", INCREMENT)
        world.outbox.open.add("new")
        world.says("ann", INCREMENT)
        assert world.outbox.received("new") == [update(43)]

    def test_keeps_whom_the_gateway_refuses(self, world: World) -> None:
        """403 and 429 tell about us, not about the connection."""
        world.outbox.refuse("ann")
        world.outbox.forbid("bob")
        rows = dict(world.connections.rows)
        report = world.says("ann", INCREMENT)
        # Ann a second time: she was not told, so the broadcast does not leave her out.
        assert (
            report.deliveries.delivered,
            report.deliveries.skipped,
            report.deliveries.forbidden,
        ) == (1, 2, 1)
        assert world.connections.rows == rows
        assert world.outbox.inboxes() == {"eve": [update(42)]}

    def test_counts_a_click_of_somebody_who_left(self, world: World) -> None:
        world.outbox.close("bob")
        assert world.says("bob", INCREMENT) == outcome(
            "increment", 42, broadcasts=1, delivered=2, gone=1
        )
        assert world.outbox.inboxes() == {"ann": [update(42)], "eve": [update(42)]}


class TestIncrementWhileAnotherBroadcasts:
    def test_counts_and_tells_the_sender_alone(self, world: World) -> None:
        world.lease.request("another", NOW, NOW + LEASE_SECONDS)
        assert world.says("bob", INCREMENT) == outcome("increment", 42, delivered=1)
        assert world.outbox.inboxes() == {"bob": [update(42)]}
        assert world.lease.tickets == 2  # which the other one will see


class TestTakeOver:
    def test_says_when_it_hands_over_again(self, world: World) -> None:
        class Endless(FakeOutbox):
            def post(self, message: str, audience: Iterable[str]) -> Mapping[str, Delivery]:
                world.clock.time += MAX_BROADCAST_SECONDS
                world.lease.tickets += 1
                return super().post(message, audience)

        world.outbox = Endless("ann")
        assert world.service.handle(ContinueBroadcast()).deliveries.handed_over
        assert world.self_invoker.calls == 1

    def test_broadcasts_what_was_left(self, world: World) -> None:
        assert world.service.handle(ContinueBroadcast()) == outcome(
            "continue-broadcast", broadcasts=1, delivered=3
        )
        assert world.outbox.received("eve") == [update(41)]

    def test_says_when_it_cannot(self, world: World) -> None:
        world.lease.fail_next("request", UNAVAILABLE)
        report = world.service.handle(ContinueBroadcast())
        assert report == outcome("continue-broadcast", error="broadcast-incomplete")


class TestAfterACrash:
    def test_the_next_get_current_broadcasts(self, world: World) -> None:
        world.lease.request("crashed", NOW - LEASE_SECONDS, NOW)
        report = world.says("bob", GET_CURRENT)
        assert report == outcome("get-current", 41, broadcasts=1, delivered=4)
        assert world.outbox.received("eve") == [update(41)]

    def test_a_lease_that_cannot_be_read_costs_the_sender_nothing(self, world: World) -> None:
        world.lease.fail_next("is_expired", UNAVAILABLE)
        report = world.says("bob", GET_CURRENT)
        assert report == outcome("get-current", 41, error="broadcast-incomplete", delivered=1)
        assert world.outbox.inboxes() == {"bob": [update(41)]}


class TestIncrementThatFails:
    def test_unavailable(self, world: World) -> None:
        world.counter.fail_next("increment", UNAVAILABLE)
        assert world.says("bob", INCREMENT) == outcome("increment", error="unavailable")
        assert world.counter.count == 41
        assert world.outbox.inboxes() == {"bob": [error(ErrorCode.UNAVAILABLE)]}

    def test_lost_reply(self, world: World) -> None:
        """Counted, as it happens, but nobody can know: once at most is the promise."""
        world.counter.lose_next_reply()
        assert world.says("bob", INCREMENT) == outcome("increment", error="unknown-outcome")
        assert world.counter.count == 42
        assert world.outbox.inboxes() == {"bob": [error(ErrorCode.UNKNOWN_OUTCOME)]}

    def test_the_next_click_makes_up_for_a_lost_reply(self, world: World) -> None:
        world.counter.lose_next_reply()
        world.says("bob", INCREMENT)
        world.says("ann", INCREMENT)
        assert world.outbox.received("eve") == [update(43)]

    def test_no_listing(self, world: World) -> None:
        """Counted, so the sender must not hear of an error and click again."""
        world.connections.fail_next("audience", UNAVAILABLE)
        report = world.says("bob", INCREMENT)
        assert report == outcome("increment", 42, error="broadcast-incomplete", delivered=1)
        assert world.counter.count == 42
        assert world.outbox.inboxes() == {"bob": [update(42)]}

    def test_the_next_click_makes_up_for_it(self, world: World) -> None:
        """Nobody keeps the lease who does not broadcast."""
        world.connections.fail_next("audience", UNAVAILABLE)
        world.says("bob", INCREMENT)
        world.says("ann", INCREMENT)
        assert world.outbox.received("eve") == [update(43)]

    def test_half_a_listing(self, world: World) -> None:
        """Who was listed is told, and the report knows of it."""
        world.connections.fail_audience_after(1, UNAVAILABLE)
        report = world.says("bob", INCREMENT)
        assert report == outcome("increment", 42, error="broadcast-incomplete", delivered=2)
        assert world.outbox.inboxes() == {"bob": [update(42)], "ann": [update(42)]}

    def test_no_cleanup(self, world: World) -> None:
        world.outbox.close("eve")
        world.connections.fail_next("remove_gone", UNAVAILABLE)
        report = world.says("bob", INCREMENT)
        assert report == outcome(
            "increment", 42, error="cleanup-incomplete", broadcasts=1, delivered=2, gone=1
        )
        assert "eve" in world.connections.rows
        assert world.outbox.inboxes() == {"ann": [update(42)], "bob": [update(42)]}

    def test_the_next_click_cleans_up(self, world: World) -> None:
        world.outbox.close("eve")
        world.connections.fail_next("remove_gone", UNAVAILABLE)
        world.says("bob", INCREMENT)
        world.says("bob", INCREMENT)
        assert set(world.connections.rows) == {"ann", "bob"}


class TestIncrementWithAnOpId:
    def test_acknowledges_to_the_sender_and_broadcasts_without_it(self, world: World) -> None:
        assert world.says("bob", CLICK) == outcome("increment", 42, broadcasts=1, delivered=3)
        assert world.outbox.inboxes() == {
            "ann": [update(42)],
            "bob": [update(42, id=OP_ID)],
            "eve": [update(42)],
        }
        assert world.counter.operations == {OP_ID: NOW + 24 * 60 * 60}

    def test_counts_once_and_acknowledges_as_often_as_it_is_asked(self, world: World) -> None:
        world.says("bob", CLICK)
        report = world.says("bob", CLICK)
        assert (report.value, report.counted_before) == (42, True)
        assert world.counter.count == 42
        assert world.outbox.received("bob") == [update(42, id=OP_ID)] * 2

    def test_acknowledges_on_whichever_connection_asks_again(self, world: World) -> None:
        """The first one may have died: a page comes back with the same ids."""
        world.says("bob", CLICK)
        world.says("ann", CLICK)
        assert world.outbox.received("ann")[-1] == update(42, id=OP_ID)
        assert world.counter.count == 42

    def test_acknowledges_the_value_of_the_moment(self, world: World) -> None:
        world.says("bob", CLICK)
        world.says("ann", INCREMENT)
        world.says("bob", CLICK)
        assert world.outbox.received("bob")[-1] == update(43, id=OP_ID)

    def test_what_counted_before_is_broadcast_all_the_same(self, world: World) -> None:
        """Whoever counted it may have died before anybody knew."""
        world.counter.increment_once(OP_ID, NOW)
        report = world.says("bob", CLICK)
        assert report == outcome("increment", 42, counted_before=True, broadcasts=1, delivered=3)
        assert world.outbox.received("ann") == world.outbox.received("eve") == [update(42)]

    def test_a_lost_reply_is_asked_again_for(self, world: World) -> None:
        world.counter.lose_next_reply()
        assert world.says("bob", CLICK) == outcome("increment", error="unavailable")
        assert world.outbox.received("bob") == [error(ErrorCode.UNAVAILABLE, id=OP_ID)]
        assert world.says("bob", CLICK).value == 42
        assert world.counter.count == 42
        assert world.outbox.received("eve") == [update(42)]

    def test_a_value_that_cannot_be_read_is_no_acknowledgement(self, world: World) -> None:
        """It is counted. The sender asks again and learns so, the others learn it at once."""
        world.counter.fail_next("value", UNAVAILABLE)
        report = world.says("bob", CLICK)
        assert report == outcome("increment", error="unavailable", broadcasts=1, delivered=3)
        assert world.outbox.inboxes() == {
            "ann": [update(42)],
            "bob": [error(ErrorCode.UNAVAILABLE, id=OP_ID), update(42)],
            "eve": [update(42)],
        }
        world.says("bob", CLICK)
        assert world.outbox.received("bob")[-1] == update(42, id=OP_ID)
        assert world.counter.count == 42

    def test_a_click_too_many_is_refused_by_its_id(self, world: World) -> None:
        world.clicks_per_second = 1
        world.says("bob", INCREMENT)
        assert world.says("bob", CLICK).error == "too-many-clicks"
        assert world.outbox.received("bob")[-1] == error(ErrorCode.TOO_MANY_CLICKS, id=OP_ID)
        assert world.counter.operations == {}

    @pytest.mark.parametrize("broken", ["7", "null", '"q7Rk_3sYd-2oFiAC"', '"global"'])
    def test_an_id_that_is_none_is_not_repeated(self, world: World, broken: str) -> None:
        world.says("bob", f'{{"action":"increment","id":{broken}}}')
        assert world.outbox.inboxes() == {"bob": [error(ErrorCode.BAD_ID)]}
        assert world.counter.count == 41


class TestIncrementThatMeetsOthers:
    """A refusal wrote nothing, so what was refused is tried again, with or without an op id."""

    @pytest.mark.parametrize(
        ("click", "operation"), [(INCREMENT, "increment"), (CLICK, "increment_once")]
    )
    def test_is_tried_again_until_it_counts(self, world: World, click: str, operation: str) -> None:
        world.counter.fail_next(operation, BUSY, times=3)
        report = world.says("bob", click)
        assert report == outcome("increment", 42, retries=3, broadcasts=1, delivered=3)
        assert world.counter.count == 42
        assert world.clock.sleeps[:3] == [10, 20, 40]

    @pytest.mark.parametrize(
        ("click", "operation", "op_id"),
        [(INCREMENT, "increment", {}), (CLICK, "increment_once", {"id": OP_ID})],
    )
    def test_is_refused_in_the_end(
        self, world: World, click: str, operation: str, op_id: dict[str, str]
    ) -> None:
        world.counter.fail_next(operation, BUSY, times=100)
        report = world.says("bob", click)
        assert report == outcome("increment", error="busy", retries=ATTEMPTS - 1)
        assert world.counter.count == 41
        assert world.outbox.inboxes() == {"bob": [error(ErrorCode.BUSY, **op_id)]}
        assert report.is_our_failure

    def test_is_not_counted_again_when_reading_meets_others(self, world: World) -> None:
        """The count is committed: trying that again would count twice."""

        class Sharded(InMemoryCounterStore):
            def increment(self) -> int | None:  # type: ignore[override]
                super().increment()
                return None

        world.counter = Sharded(41)
        world.counter.fail_next("value", BUSY)
        report = world.says("bob", INCREMENT)
        assert report == outcome("increment", error="unknown-outcome", broadcasts=1, delivered=3)
        assert world.counter.count == 42
        assert world.outbox.received("bob") == [error(ErrorCode.UNKNOWN_OUTCOME), update(42)]

    def test_an_unknown_outcome_is_not_tried_again(self, world: World) -> None:
        world.counter.fail_next("increment", OutcomeUnknown("test", "ReadTimeoutError"))
        assert world.says("bob", INCREMENT) == outcome("increment", error="unknown-outcome")
        assert world.clock.sleeps == []


class TestInvalid:
    @pytest.mark.parametrize(("code", "body"), INVALID.items(), ids=list(INVALID))
    def test_answers_the_sender_alone(
        self, world: World, code: ErrorCode, body: str | None
    ) -> None:
        assert world.says("bob", body) == outcome("invalid", error=code)
        assert world.outbox.inboxes() == {"bob": [error(code)]}

    @pytest.mark.parametrize("body", INVALID.values(), ids=list(INVALID))
    def test_changes_nothing(self, world: World, body: str | None) -> None:
        del world.connections.rows["bob"]
        rows = dict(world.connections.rows)
        world.says("bob", body)
        assert world.counter.count == 41
        assert world.connections.rows == rows

    def test_the_table_above_is_complete(self) -> None:
        ours = {ErrorCode.BUSY, ErrorCode.UNAVAILABLE, ErrorCode.UNKNOWN_OUTCOME}
        assert set(INVALID) == set(ErrorCode) - ours - {ErrorCode.TOO_MANY_CLICKS}

    def test_a_sender_that_left_is_no_failure(self, world: World) -> None:
        world.outbox.close("bob")
        assert world.says("bob", "nonsense") == outcome("invalid", error="not-json")
        assert world.outbox.delivered == []
