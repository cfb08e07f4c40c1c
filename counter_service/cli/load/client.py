"""One client of a load: it clicks when it is told to, and records what it sees and when."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from math import inf
from typing import Final

from counter_service.cli.address import Address
from counter_service.cli.connecting import client_for
from counter_service.client import Failure, State, Times, Update, op_ids
from counter_service.history.recorder import Observer, Recorder

from .latency import Click, covers

# API Gateway responds within 29 s. Clients that replaced their connections sooner, as the page
# does, would load a slow server further, and hide its slow responses. A heartbeat would hide a lost
# broadcast, so it is due only before API Gateway closes an idle connection after ten minutes.
TIMES: Final = Times(response=30, heartbeat=540)
INVALID: Final = "invalid-value"  # in place of a code, for an update without a usable value


class LoadClient:
    """A client of a load.

    Args:
        now: The time in seconds.

    Attributes:
        observer: Records in the history.
        connected: Beginning and end of each of its connections; the end of an open one is infinite.
        clicks: Its clicks, by op id.
        connects: Seconds that each successful attempt to connect took.
        attempts: Number of attempts to connect.
        updates: Number of updates so far.
        failures: Number of errors of the server so far, by code.
        connection: The CounterClient, which lives in an `async with`.
    """

    def __init__(
        self,
        name: str,
        address: Address,
        token: str | None,
        recorder: Recorder,
        now: Callable[[], float],
    ) -> None:
        self.observer = Observer(name, recorder)
        self.connected: list[tuple[float, float]] = []
        self.clicks: dict[str, Click] = {}
        self.connects: list[float] = []
        self.attempts = 0
        self.updates = 0
        self.failures: Counter[str] = Counter()
        self.connection = client_for(
            address,
            token,
            times=TIMES,
            on_update=self._on_update,
            on_state=self._on_state,
            on_failure=self._on_failure,
        )
        self._now = now
        self._began_at = 0.0
        self._op_ids = op_ids()

    @property
    def is_ready(self) -> bool:
        """Whether it is connected and shows a value."""
        return self.observer.has_value

    @property
    def messages_received(self) -> int:
        """Number of messages of the server so far."""
        return self.updates + self.failures.total() - self.failures[INVALID]

    def was_open_since(self, moment: float) -> bool:
        """Whether its connection has been open since then."""
        return self.is_ready and covers(self.connected, moment, inf)

    async def click(self, due: float) -> None:
        """Click, and wait for the acknowledgement."""
        op_id = next(self._op_ids)
        self.clicks[op_id] = Click(due)
        self.observer.click(op_id)
        with suppress(Failure):  # the server never counts it, or the client was closed
            await self.connection.increment(op_id)

    def _on_update(self, update: Update) -> None:
        self.updates += 1
        if update.value is None:
            self.failures[INVALID] += 1
            return
        if self.observer.receive(update.value, update.op_id) and update.op_id:
            click = self.clicks[update.op_id]
            click.acknowledged_at, click.value = self._now(), update.value

    def _on_failure(self, failure: Failure) -> None:
        self.failures[failure.code] += 1

    def _on_state(self, state: State) -> None:
        self.observer.enter(state)
        now, connected = self._now(), self.connected
        if connected and connected[-1][1] == inf:
            connected[-1] = (connected[-1][0], now)
        if state == "connecting":
            self.attempts += 1
            self._began_at = now
        elif state == "open":
            self.connects.append(now - self._began_at)
            connected.append((now, inf))
