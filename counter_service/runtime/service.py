"""The use cases, on the ports alone: no AWS, no clock, no logging.

The path of one click: `handle_message` parses it, `increment` counts it in the store, tells the
sender, and sees to it that everyone is told: by `broadcast`, here or where one is going on.
"""

from dataclasses import dataclass
from typing import Final

from . import protocol
from .access import Access, subprotocol_for
from .broadcast import Broadcaster, Posted
from .errors import OutcomeUnknown, StoreError, StoreUnavailable
from .events import Connect, Disconnect, Event, Message, TakeOver
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
        *(ErrorCode.UNAVAILABLE, ErrorCode.UNKNOWN_OUTCOME, TokenProblem.KEYS_UNAVAILABLE),
        *(BROADCAST_INCOMPLETE, CLEANUP_INCOMPLETE),
    }
)


@dataclass(frozen=True, slots=True)
class Report:
    """What one event came to: the status that answers it, and the rest for the log.

    Holds nothing that a client wrote but the origin of a refused handshake, cut.
    """

    action: str
    value: int | None = None
    error: str | None = None
    broadcasts: int = 0
    delivered: int = 0
    gone: int = 0
    skipped: int = 0
    forbidden: int = 0
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
    broadcaster: Broadcaster
    clicks_per_second: int = 0  # of one connection; 0: no limit

    def handle(self, event: Event) -> Report:
        """Serve one event.

        Raises StoreUnavailable when a handshake cannot be recorded, which refuses it, or a
        disconnect: there is nobody to answer, and the next broadcast finds the row.
        """
        match event:
            case Connect():
                return self.connect(event)
            case Disconnect():
                self.connections.remove(event.connection_id)
                return Report("disconnect")
            case Message():
                return self.handle_message(event)
            case TakeOver():
                return self.take_over()

    def connect(self, event: Connect) -> Report:
        if refusal := self.access.refusal(event):
            origin = event.origin and event.origin[:ORIGIN_CHARACTERS]
            return Report("connect", error=refusal.problem, status=refusal.status, origin=origin)
        self.connections.put(Connection(event.connection_id, event.connected_at))
        return Report("connect", subprotocol=subprotocol_for(event))

    def handle_message(self, message: Message) -> Report:
        """Serve one frame: a new action gets its case here and its use case below."""
        sender = message.connection_id
        request = (
            Invalid(ErrorCode.NOT_TEXT) if message.body is None else protocol.parse(message.body)
        )
        client = Connection(sender, message.connected_at)
        match request:
            case Increment():
                return self.increment(client)
            case GetCurrent():
                return self.get_current(client)
            case Invalid(code):
                return self._refuse(sender, "invalid", code)

    def increment(self, sender: Connection) -> Report:
        try:
            if not self._may_click(sender.id):
                return self._refuse(sender.id, "increment", ErrorCode.TOO_MANY_CLICKS)
            value = self.counter.increment()
        except StoreError as failure:
            return self._refuse(sender.id, "increment", _code(failure))
        # The sender first: its answer does not wait for the audience.
        posted = Posted()
        knows = self.broadcaster.tell(sender.id, value, posted)
        error = self._broadcast(posted, (sender.id, value) if knows else None)
        return self._report("increment", value, posted, error)

    def get_current(self, sender: Connection) -> Report:
        try:
            # Row first, value second: a click counted in between is then broadcast to this
            # client too. The other order could leave it with a stale number.
            self.connections.put(sender)
            value = self.counter.value()
        except StoreError as failure:
            return self._refuse(sender.id, "get-current", _code(failure))
        posted = Posted()
        self.broadcaster.tell(sender.id, value, posted)
        try:
            self.broadcaster.broadcast_if_forgotten(posted)
        except StoreUnavailable:
            return self._report("get-current", value, posted, BROADCAST_INCOMPLETE)
        return self._report("get-current", value, posted)

    def take_over(self) -> Report:
        """Broadcast what an invocation at the end of its time has left."""
        posted = Posted()
        return self._report("take-over", None, posted, self._broadcast(posted))

    def _broadcast(self, posted: Posted, told: tuple[str, int] | None = None) -> str | None:
        try:
            self.broadcaster.broadcast(posted, told)
        except StoreUnavailable:
            # Counted, and the sender knows: only the news is late, until the next click.
            return BROADCAST_INCOMPLETE
        return None

    def _may_click(self, sender: str) -> bool:
        limit = self.clicks_per_second
        return not limit or self.connections.admit_click(sender, self.clock.now(), limit)

    def _report(
        self, action: str, value: int | None, posted: Posted, error: str | None = None
    ) -> Report:
        return Report(
            action,
            value,
            error=error or (None if posted.clean else CLEANUP_INCOMPLETE),
            broadcasts=posted.broadcasts,
            delivered=posted.outcomes[Delivery.DELIVERED],
            gone=posted.outcomes[Delivery.GONE],
            skipped=posted.outcomes[Delivery.SKIPPED],
            forbidden=posted.outcomes[Delivery.FORBIDDEN],
        )

    def _refuse(self, sender: str, action: str, code: ErrorCode) -> Report:
        self.outbox.post(protocol.error(code), [sender])
        return Report(action, error=code)


def _code(failure: StoreError) -> ErrorCode:
    unknown = isinstance(failure, OutcomeUnknown)
    return ErrorCode.UNKNOWN_OUTCOME if unknown else ErrorCode.UNAVAILABLE
