"""The mocks that deploy the graph into the emulator."""

from typing import Any, Final

from pulumi.runtime.mocks import MockCallArgs, MockResourceArgs, Mocks

from .creators.registry import CREATORS
from .emulator import MiniStack
from .errors import LocalError

# A provider is a custom resource in Pulumi, but not a resource of AWS.
_PROVIDER_PREFIX: Final = "pulumi:providers:"


class EmulatorMocks(Mocks):
    """Creates each resource in the emulator, and returns its real outputs.

    Attributes:
        unsupported: The resources that have no creator, as "type name".
    """

    def __init__(self, emulator: MiniStack) -> None:
        self.emulator = emulator
        self.unsupported: list[str] = []

    def call(self, args: MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        raise LocalError(
            f"The local run has no response to the call {args.token}. Add one to {__name__}."
        )

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        resource = f"{args.typ} {args.name}"
        if creator := CREATORS.get(args.typ):
            resource_id, outputs = creator.create(self.emulator, resource, args.inputs)
            return resource_id, args.inputs | outputs
        if args.custom and not args.typ.startswith(_PROVIDER_PREFIX):
            self.unsupported.append(resource)
        return args.name, args.inputs
