"""Names of the resources in AWS."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Names of one stack's resources. The stack's name makes them unique in the account.

    They have no random suffix, so a table that holds data never changes its name, and the
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
