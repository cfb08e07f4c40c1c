"""A simulated network between the service and its ports: calls take time, and posts are lost."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from random import Random
from typing import Any

from counter_service.runtime.core.ports import Delivery, Outbox, PostResult

from .faults import FaultRates
from .virtual_time import VirtualTime


class Remote:
    """A port whose calls take time: each waits before and after it takes effect."""

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
    """A gateway whose connections are all open, and which may lose posts.

    Attributes:
        inboxes: The messages that arrived, by connection.
    """

    def __init__(
        self,
        time: VirtualTime,
        random: Random,
        faults: FaultRates,
        on_arrival: Callable[[dict[str, Any]], None],
    ) -> None:
        self.inboxes: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self._time = time
        self._random = random
        self._faults = faults
        self._on_arrival = on_arrival

    def post(
        self, message: str, audience: Iterable[str], until_ms: float = float("inf")
    ) -> PostResult:
        del until_ms
        deliveries = {}
        for connection_id in list(audience):
            self._time.wait(self._random.uniform(0.5, 5))
            if self._random.random() >= self._faults.post_lost:
                self.inboxes[connection_id].append(json.loads(message))
                self._on_arrival(json.loads(message))
            # API Gateway responds with 200 even if the client never gets the message.
            deliveries[connection_id] = Delivery.DELIVERED
        return PostResult(deliveries)

    def close_connection(self, connection_id: str) -> None:
        raise AssertionError(f"{connection_id} has no limit of messages")
