"""Which requests of a client are due, which wait for a response, and when its connection is dead.

It never reads a clock: every method takes the time, in seconds.
"""

import random
from collections.abc import Iterable
from dataclasses import dataclass
from math import inf
from typing import Final

from .messages import Failure, Update

HEARTBEAT: Final = ""  # the key of get-current; the key of a click is its op id
MAX_RESPONSE_SECONDS: Final = 60.0  # API Gateway responds within 29 s, the rest is the link's
MAX_RETRY_SECONDS: Final = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Times of a client in seconds. The defaults are the page's.

    Attributes:
        reconnect: Mean delay before a reconnect. It doubles with each failure, up to tenfold.
        response: A connection is dead after this silence while a response is due. It doubles with
            each connection that died, and is never less than twice the last round trip.
        heartbeat: After the last value, the client requests it again when this time has passed.
        retry: Shortest delay before a failed request is retried. It doubles with each failure.
    """

    reconnect: float = 3.0
    response: float = 5.0
    heartbeat: float = 60.0
    retry: float = 0.5


class Requests:
    """The requests of one client, on one connection after another.

    Attributes:
        round_trip: Seconds from the last request to its response; None before the first.
        patience: Longest silence in seconds while a response is due.
        alive_at: When the last frame arrived, or else when the connection was opened.
        sent: Number of requests that were taken so far.
    """

    def __init__(self, times: Times) -> None:
        self.round_trip: float | None = None
        self.patience = times.response
        self._times = times
        self._due: dict[str, float] = {}  # when to send each request
        self._sent: dict[str, float] = {}  # when each request without a response was sent
        self.alive_at = 0.0
        self.sent = 0
        self._failures = 0  # since the last value
        self._retry_at = 0.0

    @property
    def due_at(self) -> float:
        """When the next request is due."""
        return min(self._due.values(), default=inf)

    @property
    def dead_at(self) -> float:
        """When the connection is dead unless a frame arrives.

        Any frame proves that the server is alive, but a connection may have lost its other
        direction. So frames postpone the end only until twice the patience has passed.
        """
        oldest = min(self._sent.values(), default=inf)
        return min(max(oldest, self.alive_at) + self.patience, oldest + 2 * self.patience)

    def connected(self, op_ids: Iterable[str], now: float) -> None:
        """The heartbeat and all pending clicks are due on a new connection."""
        self.alive_at = now
        self._sent.clear()
        self._due = dict.fromkeys([HEARTBEAT, *op_ids], now)

    def died(self) -> None:
        """The connection was silent for too long."""
        self.patience = min(2 * self.patience, MAX_RESPONSE_SECONDS)

    def add(self, op_id: str, now: float) -> None:
        """A click is due. After a failure, it waits with those that are retried."""
        self._due[op_id] = max(now, self._retry_at)

    def remove(self, op_id: str) -> None:
        """The click is settled, or its caller does not wait any more."""
        self._due.pop(op_id, None)
        self._sent.pop(op_id, None)

    def take(self, now: float) -> list[str]:
        """The keys of the requests to send now. They wait for a response from now on."""
        keys = [key for key, at in self._due.items() if at <= now]
        for key in keys:
            del self._due[key]
        self._sent |= dict.fromkeys(keys, now)
        self.sent += len(keys)
        return keys

    def settle(self, message: Update | Failure, now: float) -> None:
        """Schedule what follows from a message. Any frame responds to a heartbeat."""
        self.alive_at = now
        sent_at = self._sent.get(message.op_id or HEARTBEAT)
        if sent_at is not None:
            self.round_trip = now - sent_at
            self.patience = max(self.patience / 2, self._times.response, 2 * self.round_trip)
        keys = {HEARTBEAT, message.op_id or HEARTBEAT}
        if isinstance(message, Failure) and message.is_about_any:
            keys |= self._sent.keys()
        settled = [key for key in self._sent if key in keys]
        for key in settled:
            del self._sent[key]
        if isinstance(message, Update):
            self._failures = 0
            self._due[HEARTBEAT] = now + self._times.heartbeat
            return
        if now >= self._retry_at:  # the failures of requests that were sent together count once
            delay = min(self._times.retry * 2**self._failures, MAX_RETRY_SECONDS)
            self._retry_at = now + delay * random.uniform(1, 1.5)
            self._failures += 1
        self._due |= dict.fromkeys(settled, self._retry_at)
