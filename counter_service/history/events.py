"""The actions and observations of a counter's clients, and the counter at the end."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Clicked:
    """A click with an op id, before its first message. None: a tab's, and `Named` has its id."""

    client: str
    op_id: str | None


@dataclass(frozen=True, slots=True)
class Named:
    """The op id of a tab's click, which is observed after the message was sent."""

    client: str
    op_id: str


@dataclass(frozen=True, slots=True)
class ClickedWithoutId:
    """An increment without an op id, before its message."""

    client: str


@dataclass(frozen=True, slots=True)
class FailedWithoutId:
    """The response to an increment without an op id was an error, or there was none."""

    client: str
    may_have_counted: bool


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The server acknowledged a click."""

    client: str
    op_id: str
    value: int


@dataclass(frozen=True, slots=True)
class Opened:
    """A client begins to open a connection."""

    client: str
    connection: int  # unique in the history


@dataclass(frozen=True, slots=True)
class Received:
    """A value arrived, in an acknowledgement, a broadcast or a response."""

    connection: int
    value: int


@dataclass(frozen=True, slots=True)
class Displayed:
    """The number that a client shows changed."""

    at: float  # seconds, on the clock of the history
    client: str
    value: int


@dataclass(frozen=True, slots=True)
class Quiet:
    """All clicks are acknowledged and no fault is left. No click follows until `Loud`.

    Attributes:
        at: When the last click was acknowledged, in seconds on the clock of the history.
        value: The counter's value.
        limits: Seconds within which each live client shows the value.
        is_least: Whether clients outside of the history may raise the value.
    """

    at: float
    value: int
    limits: Mapping[str, float]
    is_least: bool = False


@dataclass(frozen=True, slots=True)
class Loud:
    """Clicks start again."""


Event = (
    Clicked
    | Named
    | ClickedWithoutId
    | FailedWithoutId
    | Acknowledged
    | Opened
    | Received
    | Displayed
    | Quiet
    | Loud
)


@dataclass(frozen=True, slots=True)
class Stored:
    """The counter at the end.

    Attributes:
        value: Its value.
        op_ids: The op ids in its table. None: only the value is known.
        before: Its value before the history.
        is_shared: Whether clients outside of the history may have clicked too.
    """

    value: int
    op_ids: frozenset[str] | None = None
    before: int = 0
    is_shared: bool = False
