"""The faults that a simulation injects."""

from dataclasses import dataclass, fields


@dataclass
class FaultRates:
    """The probability of each fault. By default there are none."""

    request_lost: float = 0  # a request to DynamoDB does not arrive
    reply_lost: float = 0  # DynamoDB serves a request, but the reply does not arrive
    request_late: float = 0  # DynamoDB serves a request after its sender gave it up
    post_lost: float = 0  # a message does not arrive at a connection
    killed: float = 0  # an invocation ends in one of its waits
    duplicated: float = 0  # a click with an op id arrives twice

    def stop(self) -> None:
        """Inject no fault from now on."""
        for rate in fields(self):
            setattr(self, rate.name, 0)
