"""The ports of the use cases, which adapters and the tests' fakes implement."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum, auto
from typing import Final, Protocol

# API Gateway closes every connection after 2 h. The row of an open one must not expire earlier.
CONNECTION_TTL_SECONDS: Final = 2 * 60 * 60


@dataclass(frozen=True, slots=True)
class Connection:
    """A row of the connections table."""

    id: str
    connected_at: int  # epoch seconds

    @property
    def expires_at(self) -> int:
        """Epoch seconds."""
        return self.connected_at + CONNECTION_TTL_SECONDS


class CounterStore(Protocol):
    """The counter. Its value only grows.

    Every method raises StoreUnavailable if it is safe to retry, and StoreBusy if a retry is likely
    to succeed soon, because concurrent writes were in the way.
    """

    def increment(self) -> int | None:
        """Add one, atomically and at most once.

        Returns the new value, or None if it has to be read with `value`.

        Raises:
            StoreUnavailable: Nothing was counted.
            OutcomeUnknown: The click may have been counted, so it must not be retried.
        """

    def increment_once(self, op_id: str, expires_at: int) -> bool:
        """Add one unless this op id was counted before. Returns whether it was counted now.

        The op id is stored at least until the epoch second `expires_at`. After StoreUnavailable
        the click may have been counted, and a retry finds out.
        """

    def value(self) -> int:
        """The value, strongly consistent; 0 before the first increment.

        Contains every click that was counted before the call, and none that was not counted before
        the return.
        """


class ConnectionStore(Protocol):
    """The open connections. Every method raises StoreUnavailable if the table does not respond."""

    def put(self, connection: Connection) -> None:
        """Add the row unless it exists."""

    def remove(self, connection_id: str) -> None:
        """Delete the row if it exists."""

    def remove_gone(self, connection_ids: Sequence[str], connected_before: int) -> None:
        """Delete the rows that exist and are older than this epoch second, several at a time."""

    def count_message(self, connection_id: str, second: int, most: int) -> int:
        """Record a message, and return how many the connection sent in the epoch second `second`.

        After `most` messages nothing more is recorded, and the result is `most` + 1. If the
        connection's row is missing, the result is 0 and no row is created: get-current restores the
        row, and until then only the stage's throttle limits the connection.
        """

    def audience(
        self, now_s: int, until_ms: float = float("inf"), after: str | None = None
    ) -> Iterator[str]:
        """Ids of the rows that are not expired at the epoch second `now_s`, strongly consistent.

        Every listing has the same order. With `after`, a listing begins after this id, even if its
        row was deleted. The table is listed while the iterator is read. StoreUnavailable is raised
        then, not by the call, so that the connections before a failure can still be served. It is
        also raised if the table has not responded by the epoch millisecond `until_ms`.
        """


class Delivery(StrEnum):
    """The result of one post."""

    DELIVERED = auto()
    GONE = auto()  # 410: closed, or not open yet
    FORBIDDEN = auto()  # 403: the role or the endpoint is wrong, not the connection
    SKIPPED = auto()  # rejected, no response, or no time left; a later value replaces this one


@dataclass(frozen=True, slots=True)
class PostResult:
    """The results of the posts of one message."""

    deliveries: dict[str, Delivery]  # by connection id, in the order of the audience
    throttled: int = 0  # responses 429, after each of which the post was retried or skipped
    is_complete: bool = True  # False: time was up, and the rest of the audience was not read


class Outbox(Protocol):
    """Sends messages to connections."""

    def post(
        self, message: str, audience: Iterable[str], until_ms: float = float("inf")
    ) -> PostResult:
        """Post one message to many connections, in order.

        Never raises because of a single connection. Reads the audience while it posts, and the
        audience must not raise. After the epoch millisecond `until_ms` it starts no post, and
        leaves the rest of the audience unread.
        """

    def close_connection(self, connection_id: str) -> None:
        """Close a connection from this side. Never raises."""


class BroadcastLease(Protocol):
    """The right to broadcast, which at most one invocation owns. Times are epoch seconds.

    Each request takes a ticket, the next higher number. A newer ticket tells the owner that another
    click was counted. Every method raises StoreUnavailable if the table does not respond.
    """

    def request(self, owner: str, now: int, until: int) -> int | None:
        """Take a ticket, and acquire the lease until `until` if it is free or expired at `now`.

        Returns the ticket if the lease was acquired. None means that another invocation owns the
        lease, and will broadcast again because of the newer ticket.
        """

    def release(self, owner: str, ticket: int, until: int) -> int | None:
        """Release the lease, or renew it until `until` if a ticket newer than `ticket` was taken.

        Returns the newest ticket if the lease was renewed. None means that the lease is released,
        or that it expired and belongs to another owner.
        """

    def renew(self, owner: str, until: int) -> bool:
        """Extend the lease to `until`. Returns whether it still belongs to this owner."""

    def abandon(self, owner: str) -> None:
        """Release the lease even if newer tickets exist."""

    def is_expired(self, now: int) -> bool:
        """Whether the lease expired by `now` without a release, because its owner crashed."""


@dataclass(frozen=True, slots=True)
class Progress:
    """The state of an unfinished broadcast.

    Attributes:
        owner: The owner of the lease. An invocation that continues the broadcast keeps this name.
        ticket: The newest ticket that was taken before the broadcast began. Every client gets a
            value that contains all clicks that were counted before this ticket was taken.
        reached: The last connection that was posted to; None: the broadcast has not begun.
    """

    owner: str
    ticket: int
    reached: str | None = None


class SelfInvoker(Protocol):
    """Invokes the function again."""

    def continue_broadcast(self, progress: Progress) -> None:
        """Have another invocation continue, without waiting for it. Raises StoreUnavailable."""


class TokenProblem(StrEnum):
    """Why a token is rejected, for the log."""

    MISSING = "missing-token"
    MALFORMED = "malformed-token"
    EXPIRED = "expired-token"
    NOT_YET_VALID = "token-not-yet-valid"
    WRONG_ISSUER = "wrong-issuer"
    WRONG_AUDIENCE = "wrong-audience"
    WRONG_ALGORITHM = "wrong-algorithm"
    UNKNOWN_KEY = "unknown-key"
    BAD_SIGNATURE = "bad-signature"
    KEYS_UNAVAILABLE = "keys-unavailable"  # our failure or the issuer's, not the client's


class TokenVerifier(Protocol):
    """Verifies the tokens of handshakes."""

    def check(self, token: str) -> TokenProblem | None:
        """None if the token is valid now. Never raises, whatever the text."""


class Clock(Protocol):
    """The time, and waiting."""

    def now_s(self) -> int:
        """Epoch seconds."""

    def now_ms(self) -> int:
        """Epoch milliseconds."""

    def sleep_until_ms(self, moment_ms: int) -> None:
        """Return at this epoch millisecond, or at once if it has passed."""


@dataclass(slots=True, eq=False, kw_only=True)
class Ports:
    """Everything that the service gets from outside of `core`."""

    counter: CounterStore
    connections: ConnectionStore
    lease: BroadcastLease
    outbox: Outbox
    self_invoker: SelfInvoker
    clock: Clock
    random: Callable[[], float]  # at least 0, less than 1
    new_owner: Callable[[], str]  # a unique name for each call
