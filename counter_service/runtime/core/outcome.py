"""The outcome of one event. The service returns it; the handler writes it to log and metrics."""

from collections import Counter
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Final, Self

from .origins import OriginProblem
from .ports import Delivery, TokenProblem
from .protocol import Action, ErrorCode

HTTP_OK: Final = 200


class BroadcastProblem(StrEnum):
    """Work that a broadcast left undone. The next broadcast makes up for it."""

    INCOMPLETE = "broadcast-incomplete"  # DynamoDB failed, so not every client has the value
    STALE_ROWS_LEFT = "cleanup-incomplete"  # rows of closed connections could not be deleted


Problem = BroadcastProblem | ErrorCode | OriginProblem | TokenProblem

# Failures of the service, of DynamoDB or of the token issuer, which are worth an alarm. All others
# are the client's mistakes.
_OUR_PROBLEMS: Final = frozenset(
    {
        *BroadcastProblem,
        *(ErrorCode.BUSY, ErrorCode.UNAVAILABLE, ErrorCode.UNKNOWN_OUTCOME),
        TokenProblem.KEYS_UNAVAILABLE,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryStats:
    """The results of an event's posts."""

    broadcasts: int = 0  # values that were posted to the whole audience
    delivered: int = 0
    gone: int = 0
    skipped: int = 0
    forbidden: int = 0
    throttled: int = 0  # 429s, after each of which the post was retried or skipped
    handed_over: bool = False  # another invocation continues to broadcast
    incomplete: bool = False  # see BroadcastProblem
    stale_rows_left: bool = False

    @classmethod
    def of(cls, deliveries: Counter[Delivery], throttled: int) -> Self:
        """The stats of one fan-out, from its number of posts by result."""
        return cls(
            delivered=deliveries[Delivery.DELIVERED],
            gone=deliveries[Delivery.GONE],
            skipped=deliveries[Delivery.SKIPPED],
            forbidden=deliveries[Delivery.FORBIDDEN],
            throttled=throttled,
        )

    def __add__(self, other: Self) -> Self:
        """The stats of both: numbers are added, and a flag is set if one of them has it."""
        merged = {}
        for field in fields(self):
            mine, others = getattr(self, field.name), getattr(other, field.name)
            merged[field.name] = mine or others if isinstance(mine, bool) else mine + others
        return type(self)(**merged)

    @property
    def problem(self) -> BroadcastProblem | None:
        """The most serious problem of the broadcast, or None."""
        if self.incomplete:
            return BroadcastProblem.INCOMPLETE
        return BroadcastProblem.STALE_ROWS_LEFT if self.stale_rows_left else None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The status of the response to an event, and what its log line says.

    Contains nothing that a client wrote except the origin of a rejected handshake, shortened.
    """

    action: Action
    value: int | None = None
    error: Problem | None = None
    retries: int = 0  # attempts to count the click after the first
    counted: bool = False  # by this event
    counted_before: bool = False  # by an earlier message with the same op id
    deliveries: DeliveryStats = DeliveryStats()
    status: int = HTTP_OK
    origin: str | None = None
    subprotocol: str | None = None  # the one that the handshake's response names

    @property
    def is_our_failure(self) -> bool:
        """Whether something failed that is not the client's mistake."""
        return self.error in _OUR_PROBLEMS
