"""The actions and observations of a soak's clients, and the counter's table at the end."""

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

    at: float  # seconds since the epoch
    client: str
    value: int


@dataclass(frozen=True, slots=True)
class Quiet:
    """All clicks are acknowledged and no fault is left. No click follows until `Loud`."""

    at: float  # seconds since the epoch, of the last acknowledgement
    value: int  # in the table
    limits: Mapping[str, float]  # seconds within which each live client shows the value


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
    """The counter's table at the end. It was empty at the start."""

    value: int
    op_ids: frozenset[str]
