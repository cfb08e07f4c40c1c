"""A creator of resources, which fails if it leaves out an input by accident."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from counter_service.local.emulator import MiniStack
from counter_service.local.errors import LocalError

from .inputs import Inputs

# A resource's physical id, and its outputs that are not among its inputs.
Created = tuple[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Creator:
    """Creates the resources of one type.

    Attributes:
        function: Creates a resource from its inputs, by the API of the emulator.
        ignored: The inputs that the function need not read, such as "loggingConfig", each with the
            reason why it makes no difference in a local run.
    """

    function: Callable[[MiniStack, Inputs], Created]
    ignored: Mapping[str, str] = field(default_factory=dict)

    def create(self, aws: MiniStack, resource: str, values: Mapping[str, Any]) -> Created:
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
