"""The use cases, on the ports alone: no AWS, no clock, no logging.

The path of one click: `handle_message` parses it, `increment` has it counted, tells the sender,
and sees to it that everyone is told: by `broadcast`, here or where one is going on.
"""

from dataclasses import dataclass, replace
from typing import Final

from . import protocol
from .access import Access, subprotocol_for
from .broadcast import Broadcaster, DeliveryStats
from .counting import ClickCounter
from .errors import OutcomeUnknown, StoreBusy, StoreError, StoreUnavailable
from .events import Connect, ContinueBroadcast, Disconnect, Event, Message
from .ports import (
    Clock,
    Connection,
    ConnectionStore,
    CounterStore,
    Delivery,
    Outbox,
    TokenProblem,
)
from .protocol import ErrorCode, GetCurrent, Increment, Invalid

# Of a refused origin, in the log.
ORIGIN_CHARACTERS: Final = 100

HTTP_OK: Final = 200

BROADCAST_INCOMPLETE: Final = "broadcast-incomplete"
CLEANUP_INCOMPLETE: Final = "cleanup-incomplete"
_OUR_FAILURES: Final = frozenset(
    {
        *(ErrorCode.BUSY, ErrorCode.UNAVAILABLE, ErrorCode.UNKNOWN_OUTCOME),
        *(BROADCAST_INCOMPLETE, CLEANUP_INCOMPLETE, TokenProblem.KEYS_UNAVAILABLE),
    }
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one event came to: the status that answers it, and the rest for the log.

    Holds nothing that a client wrote but the origin of a refused handshake, cut.
    """

    action: str
    value: int | None = None
    error: str | None = None
    retries: int = 0  # of the count
    counted_before: bool = False  # by an earlier message with the same op id
    broadcasts: int = 0
    delivered: int = 0
    gone: int = 0
    skipped: int = 0
    forbidden: int = 0
    handed_over: bool = False  # to another invocation that goes on broadcasting
    status: int = HTTP_OK
    origin: str | None = None
    subprotocol: str | None = None  # the one that the handshake's answer names

    @property
    def is_our_failure(self) -> bool:
        """Whether something failed that is not the client's own affair."""
        return self.error in _OUR_FAILURES


@dataclass(frozen=True, slots=True)
class CounterService:
    counter: CounterStore
    connections: ConnectionStore
    outbox: Outbox
    clock: Clock
    access: Access
    tally: ClickCounter
    broadcaster: Broadcaster
    clicks_per_second: int = 0  # of one connection; 0: no limit

    def handle(self, event: Event) -> Outcome:
        """Serve one event.

        Raises StoreUnavailable when a handshake cannot be recorded, which refuses it, or a
        disconnect: there is nobody to answer, and the next broadcast finds the row.
        """
        match event:
            case Connect():
                return self.connect(event)
            case Disconnect():
                self.connections.remove(event.connection_id)
                return Outcome("disconnect")
            case Message():
                return self.handle_message(event)
            case ContinueBroadcast():
                return self.take_over()

    def connect(self, event: Connect) -> Outcome:
        if refusal := self.access.refusal(event):
            origin = event.origin and event.origin[:ORIGIN_CHARACTERS]
            return Outcome("connect", error=refusal.problem, status=refusal.status, origin=origin)
        self.connections.put(Connection(event.connection_id, event.connected_at))
        return Outcome("connect", subprotocol=subprotocol_for(event))

    def handle_message(self, message: Message) -> Outcome:
        """Serve one frame: a new action gets its case here and its use case below."""
        sender = message.connection_id
        request = (
            Invalid(ErrorCode.NOT_TEXT) if message.body is None else protocol.parse(message.body)
        )
        client = Connection(sender, message.connected_at)
        match request:
            case Increment(op_id):
                return self.increment(client, op_id)
            case GetCurrent():
                return self.get_current(client)
            case Invalid(code):
                return self._refuse(sender, "invalid", code)

    def increment(self, sender: Connection, op_id: str | None = None) -> Outcome:
        began = self.clock.milliseconds()
        try:
            if not self._may_click(sender.id):
                return self._refuse(sender.id, "increment", ErrorCode.TOO_MANY_CLICKS, op_id)
            counted = self.tally.count(op_id)
        except StoreError as failure:
            report = self._refuse(sender.id, "increment", _code(failure), op_id)
            retries = failure.attempts - 1 if isinstance(failure, StoreBusy) else 0
            return replace(report, retries=retries)
        # The sender first: its answer does not wait for the audience.
        posted = DeliveryStats()
        told = error = None
        if counted.value is None:
            # CountResult, but there is no value to say so with. With an id the client asks again.
            error = ErrorCode.UNAVAILABLE if op_id else ErrorCode.UNKNOWN_OUTCOME
            self.outbox.post(protocol.error(error, op_id), [sender.id])
        elif self.broadcaster.tell(sender.id, counted.value, posted, op_id):
            told = (sender.id, counted.value)
        # Also what was counted before: whoever counted it may have died before anybody knew.
        incomplete = self._broadcast(posted, began, told)
        report = self._report("increment", counted.value, posted, error or incomplete)
        return replace(report, retries=counted.retries, counted_before=counted.before)

    def get_current(self, sender: Connection) -> Outcome:
        began = self.clock.milliseconds()
        try:
            # Row first, value second: a click counted in between is then broadcast to this
            # client too. The other order could leave it with a stale number.
            self.connections.put(sender)
            value = self.counter.value()
        except StoreUnavailable:
            return self._refuse(sender.id, "get-current", ErrorCode.UNAVAILABLE)
        posted = DeliveryStats()
        self.broadcaster.tell(sender.id, value, posted)
        try:
            self.broadcaster.resume_abandoned_broadcast(posted, began)
        except StoreUnavailable:
            return self._report("get-current", value, posted, BROADCAST_INCOMPLETE)
        return self._report("get-current", value, posted)

    def take_over(self) -> Outcome:
        """Broadcast what an invocation at the end of its time has left."""
        posted = DeliveryStats()
        incomplete = self._broadcast(posted, self.clock.milliseconds())
        return self._report("take-over", None, posted, incomplete)

    def _broadcast(
        self, posted: DeliveryStats, began: int, told: tuple[str, int] | None = None
    ) -> str | None:
        try:
            self.broadcaster.broadcast(posted, began, told)
        except StoreUnavailable:
            # CountResult, and the sender knows: only the news is late, until the next click.
            return BROADCAST_INCOMPLETE
        return None

    def _may_click(self, sender: str) -> bool:
        limit = self.clicks_per_second
        return not limit or self.connections.admit_click(sender, self.clock.now(), limit)

    def _report(
        self, action: str, value: int | None, posted: DeliveryStats, error: str | None = None
    ) -> Outcome:
        return Outcome(
            action,
            value,
            error=error or (None if posted.clean else CLEANUP_INCOMPLETE),
            broadcasts=posted.broadcasts,
            delivered=posted.outcomes[Delivery.DELIVERED],
            gone=posted.outcomes[Delivery.GONE],
            skipped=posted.outcomes[Delivery.SKIPPED],
            forbidden=posted.outcomes[Delivery.FORBIDDEN],
            handed_over=posted.handed_over,
        )

    def _refuse(
        self, sender: str, action: str, code: ErrorCode, op_id: str | None = None
    ) -> Outcome:
        self.outbox.post(protocol.error(code, op_id), [sender])
        return Outcome(action, error=code)


def _code(failure: StoreError) -> ErrorCode:
    match failure:
        case OutcomeUnknown():
            return ErrorCode.UNKNOWN_OUTCOME
        case StoreBusy():
            return ErrorCode.BUSY
    return ErrorCode.UNAVAILABLE
