"""What the use cases need from the world. Adapters implement these; tests fake them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Final, Protocol

# API Gateway closes every connection after 2 h, and the row of a live client must not end earlier.
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
    """The value only grows. Every method raises StoreUnavailable when it is safe to ask again, and
    StoreBusy when it is safe and soon worth it: others were in the way."""

    def increment(self) -> int | None:
        """Add one, atomically and at most once; return the new value, or None if it has to be
        read.

        Raises StoreUnavailable if nothing was counted, OutcomeUnknown if nobody can tell.
        """

    def increment_once(self, op_id: str, expires_at: int) -> bool:
        """Add one unless this op id was counted before; say if it was counted now.

        The op id is remembered until the epoch second `expires_at` at least. Behind
        StoreUnavailable an answer may have been lost; asking again tells.
        """

    def value(self) -> int:
        """The value, strongly consistent: all that was counted before the call is in it, and
        nothing that was not counted by its return. 0 before the first increment."""


class ConnectionStore(Protocol):
    """Every method raises StoreUnavailable when the table cannot be reached."""

    def put(self, connection: Connection) -> None:
        """Add the row unless it is there."""

    def remove(self, connection_id: str) -> None:
        """Delete the row if it is there."""

    def remove_gone(self, connection_id: str, connected_before: int) -> bool:
        """Delete the row if it is there and older than the epoch second; say if it was."""

    def admit_click(self, connection_id: str, second: int, limit: int) -> bool:
        """Note one more click in the epoch second; False if there were `limit` already.

        A connection without a row may click, and gets none: its row was lost by us, comes back
        with get-current, and the stage's throttle holds meanwhile.
        """

    def audience(self, now: int) -> Iterator[str]:
        """Ids of the rows not expired at the epoch second `now`, strongly consistent.

        Lists while it is read: a table that fails raises then, not at the call, so whoever comes
        before the audience is not held up by it.
        """


class Delivery(Enum):
    """What became of one post."""

    DELIVERED = "delivered"
    GONE = "gone"  # 410: closed, or not open yet
    FORBIDDEN = "forbidden"  # 403: our own role or endpoint is wrong, not the connection
    SKIPPED = "skipped"  # refused or unanswered; a newer value will supersede it


class Outbox(Protocol):
    def post(self, message: str, audience: Iterable[str]) -> Mapping[str, Delivery]:
        """Post one message to many connections in order; say what became of each. Never raises
        for what a single connection does. Reads the audience, which must not raise, meanwhile."""


class BroadcastLease(Protocol):
    """Who broadcasts. Times are epoch seconds. Every method raises StoreUnavailable."""

    def request(self, owner: str, now: int, until: int) -> int | None:
        """Draw a ticket. Return one if the lease was free, or had expired at `now`, and is now
        `owner`'s until `until`; None if somebody else holds it, who will see the ticket."""

    def release(self, owner: str, ticket: int, until: int) -> int | None:
        """Let go, unless a ticket was drawn after `ticket`: then keep the lease until `until` and
        return the newest. None: released, or somebody else's by now."""

    def abandon(self, owner: str) -> None:
        """Let go whatever was drawn."""

    def is_expired(self, now: int) -> bool:
        """Somebody held the lease and never let go."""


class SelfInvoker(Protocol):
    def take_over(self) -> None:
        """Let another invocation broadcast, soon. Raises StoreUnavailable."""


class TokenProblem(StrEnum):
    """Why a token does not open the door, for the log."""

    MISSING = "missing-token"
    MALFORMED = "malformed-token"
    EXPIRED = "expired-token"
    NOT_YET_VALID = "token-not-yet-valid"
    WRONG_ISSUER = "wrong-issuer"
    WRONG_AUDIENCE = "wrong-audience"
    WRONG_ALGORITHM = "wrong-algorithm"
    UNKNOWN_KEY = "unknown-key"
    BAD_SIGNATURE = "bad-signature"
    KEYS_UNAVAILABLE = "keys-unavailable"  # ours or the issuer's, not the client's


class TokenVerifier(Protocol):
    def check(self, token: str) -> TokenProblem | None:
        """None if the token is good now. Never raises, whatever the text."""


class Clock(Protocol):
    def now(self) -> int:
        """Epoch seconds."""

    def milliseconds(self) -> int:
        """Epoch milliseconds."""

    def sleep_until(self, milliseconds: int) -> None:
        """Return at that moment, at once if it has passed."""
