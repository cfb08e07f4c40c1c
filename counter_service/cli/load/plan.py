"""What a load consists of, and when each of its connects and clicks is due. Pure."""

from dataclasses import dataclass
from typing import Final

# AWS's quota of an account and region, and what this command does without --ramp-up.
MAX_CONNECTS_PER_SECOND: Final = 500
CONNECTS_PER_SECOND: Final = 50

MAX_CLIENTS: Final = 10_000  # one process could not follow more
MAX_CLICKS_PER_SECOND: Final = 2_000
MAX_SECONDS: Final = 600  # the history of a run is in memory


@dataclass(frozen=True, slots=True)
class Plan:
    """A load.

    Attributes:
        clients: Number of clients.
        clicks_per_second: Of all clients together.
        seconds: In which they click.
        ramp_up: Seconds in which they connect.
    """

    clients: int
    clicks_per_second: float
    seconds: float
    ramp_up: float

    def __post_init__(self) -> None:
        """Raises ValueError with a sentence if the ramp-up exceeds AWS's quota."""
        least = self.clients / MAX_CONNECTS_PER_SECOND
        if self.ramp_up < least:
            raise ValueError(
                f"{self.clients:,} clients cannot connect in {self.ramp_up:g} s, because API "
                f"Gateway accepts {MAX_CONNECTS_PER_SECOND} new connections a second. Give "
                f"--ramp-up {least:g} or more."
            )

    @property
    def clicks(self) -> int:
        """Number of clicks."""
        return round(self.clicks_per_second * self.seconds)

    def connect_at(self, number: int) -> float:
        """When the client with this number connects, in seconds after the first one."""
        return number * self.ramp_up / self.clients

    def click_at(self, number: int) -> float:
        """When the click with this number is due, in seconds after the first one."""
        return number / self.clicks_per_second
