"""Names of the resources in AWS."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Names that no other stack of the account has.

    They have no random suffix. A table that holds data therefore never changes its name, and the
    function's log group can be declared before the function.
    """

    stack: str
    region: str

    def resource_name(self, logical_name: str) -> str:
        """The name of a resource that is unique within its region, such as websocket-dev."""
        return f"{logical_name}-{self.stack}"

    def global_name(self, logical_name: str) -> str:
        """The name of a resource that is unique within the account, over all regions."""
        return f"{self.resource_name(logical_name)}-{self.region}"
