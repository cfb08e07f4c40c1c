"""The use cases of the service. They reach AWS and the clock only through the ports.

The path of one click: `handle_message` parses it; `increment` counts it, acknowledges it to the
sender and broadcasts the new value, unless another invocation already broadcasts.
"""

from dataclasses import dataclass, replace
from typing import Final

from . import protocol
from .access import Access, subprotocol_for
from .broadcast import Broadcaster, SentValue
from .counting import ClickCounter
from .errors import OutcomeUnknown, StoreBusy, StoreError, StoreUnavailable
from .events import Connect, ContinueBroadcast, Disconnect, Event, Message
from .outcome import DeliveryStats, Outcome
from .ports import Clock, Connection, ConnectionStore, CounterStore, Outbox, Progress
from .protocol import Action, ErrorCode, GetCurrent, Increment, Invalid, Request

# A connection that sends more than this many times its limit within a second is closed.
FLOOD_FACTOR: Final = 10

# Maximum length of a rejected origin in the log.
ORIGIN_CHARACTERS: Final = 100


@dataclass(slots=True, eq=False, kw_only=True)
class CounterService:
    """Serves events, one at a time. `assembly.assemble` creates an instance."""

    counter: CounterStore
    connections: ConnectionStore
    outbox: Outbox
    clock: Clock
    access: Access
    click_counter: ClickCounter
    broadcaster: Broadcaster
    messages_per_second: int  # per connection; 0 means no limit

    def handle(self, event: Event, deadline_ms: float) -> Outcome:
        """Serve one event in an invocation that is killed at the epoch millisecond `deadline_ms`.

        Raises:
            StoreUnavailable: The row of a new connection could not be stored, so API Gateway
                rejects the handshake; or the row of a closed one could not be deleted, and the next
                broadcast finds it.
        """
        match event:
            case Connect():
                return self.connect(event)
            case Disconnect(connection_id):
                self.connections.remove(connection_id)
                return Outcome(Action.DISCONNECT)
            case Message():
                return self.handle_message(event, deadline_ms)
            case ContinueBroadcast(progress):
                return self.continue_broadcast(progress, deadline_ms)

    def connect(self, event: Connect) -> Outcome:
        """Accept a handshake and store its connection, or reject it with 401 or 403."""
        if rejection := self.access.check(event):
            return Outcome(
                Action.CONNECT,
                error=rejection.problem,
                status=rejection.status,
                origin=event.origin and event.origin[:ORIGIN_CHARACTERS],
            )
        self.connections.put(Connection(event.connection_id, event.connected_at))
        return Outcome(Action.CONNECT, subprotocol=subprotocol_for(event))

    def handle_message(self, message: Message, deadline_ms: float) -> Outcome:
        """Serve one frame. A new action gets its case here and its use case below."""
        sender = Connection(message.connection_id, message.connected_at)
        request = protocol.parse(message.body)
        if rejected := self._check_rate(sender, request):
            return rejected
        match request:
            case Increment(op_id):
                return self.increment(sender, op_id, deadline_ms)
            case GetCurrent():
                return self.get_current(sender, deadline_ms)
            case Invalid(code):
                return self._reply_error(sender, request.action, code)

    def increment(self, sender: Connection, op_id: str | None, deadline_ms: float) -> Outcome:
        """Count a click, acknowledge it to its sender, and broadcast the new value.

        Args:
            op_id: Idempotency key of the click. None: the click counts each time that it arrives.
            deadline_ms: Epoch millisecond at which the invocation is killed.
        """
        try:
            counted = self.click_counter.count(op_id)
        except StoreError as failure:
            outcome = self._reply_error(sender, Action.INCREMENT, _code(failure), op_id)
            retries = failure.attempts - 1 if isinstance(failure, StoreBusy) else 0
            return replace(outcome, retries=retries)
        # Acknowledge before broadcasting, so that the sender does not wait for the audience.
        stats, error, already_sent = DeliveryStats(), None, None
        if counted.value is None:
            # Counted, but the new value could not be read. A client with an op id retries.
            error = ErrorCode.UNAVAILABLE if op_id else ErrorCode.UNKNOWN_OUTCOME
            self._post_error(sender, error, op_id)
        else:
            stats = self.broadcaster.send_value(sender.id, counted.value, op_id)
            if stats.delivered or stats.gone:
                already_sent = SentValue(sender.id, counted.value)
        # Broadcast even if this op id was counted before, because the invocation that counted it
        # may have crashed before it broadcast.
        stats += self.broadcaster.broadcast(deadline_ms, already_sent)
        return Outcome(
            Action.INCREMENT,
            counted.value,
            error=error or stats.problem,
            retries=counted.retries,
            counted=not counted.before,
            counted_before=counted.before,
            deliveries=stats,
        )

    def get_current(self, sender: Connection, deadline_ms: float) -> Outcome:
        """Send the value to the sender, whose row is restored if it is missing.

        Also resumes a broadcast whose invocation crashed.

        Args:
            sender: The connection that asked for the value.
            deadline_ms: Epoch millisecond at which the invocation is killed.
        """
        try:
            # Put the row before reading the value, so that a click that is counted in between is
            # broadcast to this client too. The other order could leave it with an old value.
            self.connections.put(sender)
            value = self.counter.value()
        except StoreUnavailable:
            return self._reply_error(sender, Action.GET_CURRENT, ErrorCode.UNAVAILABLE)
        stats = self.broadcaster.send_value(sender.id, value)
        stats += self.broadcaster.resume_abandoned_broadcast(deadline_ms)
        return Outcome(Action.GET_CURRENT, value, error=stats.problem, deliveries=stats)

    def continue_broadcast(self, progress: Progress, deadline_ms: float) -> Outcome:
        """Continue a broadcast that another invocation had no time left for."""
        stats = self.broadcaster.continue_broadcast(progress, deadline_ms)
        return Outcome(Action.CONTINUE_BROADCAST, error=stats.problem, deliveries=stats)

    def _check_rate(self, sender: Connection, request: Request) -> Outcome | None:
        """Record the message, and reject it if it exceeds the connection's limit.

        Every kind of message counts, because every kind costs an invocation and a response. A
        connection that exceeds FLOOD_FACTOR times its limit is closed.
        """
        limit = self.messages_per_second
        if not limit:
            return None
        action = request.action
        op_id = request.op_id if isinstance(request, Increment) else None
        most = limit * FLOOD_FACTOR
        try:
            messages = self.connections.count_message(sender.id, self.clock.now_s(), most)
        except StoreUnavailable:
            return self._reply_error(sender, action, ErrorCode.UNAVAILABLE, op_id)
        if messages <= limit:
            return None
        if messages > most:
            self.outbox.close_connection(sender.id)
            return Outcome(action, error=ErrorCode.TOO_MANY_CLICKS)
        return self._reply_error(sender, action, ErrorCode.TOO_MANY_CLICKS, op_id)

    def _reply_error(
        self, sender: Connection, action: Action, code: ErrorCode, op_id: str | None = None
    ) -> Outcome:
        self._post_error(sender, code, op_id)
        return Outcome(action, error=code)

    def _post_error(self, sender: Connection, code: ErrorCode, op_id: str | None) -> None:
        self.outbox.post(protocol.error(code, op_id), [sender.id])


def _code(failure: StoreError) -> ErrorCode:
    match failure:
        case OutcomeUnknown():
            return ErrorCode.UNKNOWN_OUTCOME
        case StoreBusy():
            return ErrorCode.BUSY
    return ErrorCode.UNAVAILABLE
