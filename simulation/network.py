"""Between the service and the world: calls that take time, and posts that get lost."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from random import Random
from typing import Any

from counter_service.runtime.core.ports import Delivery, Outbox

from .virtual_time import VirtualTime


class Remote:
    """A port whose calls take time: others get in between, and an invocation may die."""

    def __init__(self, port: object, time: VirtualTime, random: Random) -> None:
        self._port = port
        self._time = time
        self._random = random

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)

        def call(*arguments: object) -> object:
            self._time.wait(self._random.uniform(0.5, 5))
            try:
                return method(*arguments)
            finally:
                self._time.wait(self._random.uniform(0.5, 5))

        return call


class Gateway(Outbox):
    """Every connection is open. Posts are lost on one that is about to break.

    `inboxes` are the messages that arrived, by connection.
    """

    def __init__(
        self,
        time: VirtualTime,
        random: Random,
        lost: float,
        arrived: Callable[[dict[str, Any]], None],
    ) -> None:
        """`arrived` is told each message in the moment in which it arrives."""
        self.lost = lost
        self._arrived = arrived
        self.inboxes: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self._time = time
        self._random = random

    def post(self, message: str, audience: Iterable[str]) -> Mapping[str, Delivery]:
        deliveries = {}
        for connection_id in list(audience):
            self._time.wait(self._random.uniform(0.5, 5))
            if self._random.random() >= self.lost:
                self.inboxes[connection_id].append(json.loads(message))
                self._arrived(json.loads(message))
            deliveries[connection_id] = Delivery.DELIVERED  # as far as we can tell
        return deliveries
