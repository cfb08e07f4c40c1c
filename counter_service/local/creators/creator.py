"""A creator of resources, which fails if it leaves out an input by accident."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from counter_service.local.errors import LocalError

from .inputs import Inputs

# A resource's physical id, and its outputs that are not among its inputs.
Created = tuple[str, dict[str, Any]]


class Aws(Protocol):
    """What creators use of an emulator, whichever it is."""

    @property
    def region(self) -> str:
        """AWS region of every resource."""

    def client(self, service: str) -> Any:
        """The boto3 client of a service."""

    def websocket_url(self, api_id: str) -> str:
        """URL of the stages of a WebSocket API."""


@dataclass(frozen=True, slots=True)
class Creator:
    """Creates the resources of one type.

    Attributes:
        function: Creates a resource from its inputs, by the API of the emulator.
        ignored: The inputs that the function need not read, such as "loggingConfig", each with the
            reason why it makes no difference in a local run.
    """

    function: Callable[[Aws, Inputs], Created]
    ignored: Mapping[str, str] = field(default_factory=dict)

    def create(self, aws: Aws, resource: str, values: Mapping[str, Any]) -> Created:
        """Create a resource. `resource` is its name in the error message.

        Raises:
            LocalError: The resource has inputs that are neither read nor ignored.
        """
        inputs = Inputs(values)
        created = self.function(aws, inputs)
        if dropped := {*inputs.unread()} - self.ignored.keys():
            raise LocalError(
                f"The local run would drop inputs of {resource}: {', '.join(sorted(dropped))}. "
                f"Read them in {self.function.__module__}.{self.function.__name__}, or add them "
                "to `ignored` of its creator, with the reason."
            )
        return created
