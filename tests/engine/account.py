"""The resources in the account of a deployment, and the order in which they came and went."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

BUCKET: Final = "aws:s3/bucket:Bucket"
OBJECT: Final = "aws:s3/bucketObjectv2:BucketObjectv2"

# Inputs that no two resources of a type share. Types that are not listed have none: AWS gives them
# an id. A put that would overwrite another resource's settings counts as sharing, because deleting
# the older of the two would delete the settings of both.
IDENTITIES: Final[Mapping[str, tuple[str, ...]]] = {
    "aws:apigateway/account:Account": (),
    "aws:apigatewayv2/apiMapping:ApiMapping": ("domainName", "apiMappingKey"),
    "aws:apigatewayv2/domainName:DomainName": ("domainName",),
    "aws:apigatewayv2/route:Route": ("apiId", "routeKey"),
    "aws:apigatewayv2/stage:Stage": ("apiId", "name"),
    "aws:budgets/budget:Budget": ("name",),
    "aws:cloudfront/function:Function": ("name",),
    "aws:cloudfront/originAccessControl:OriginAccessControl": ("name",),
    "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy": ("name",),
    "aws:cloudwatch/dashboard:Dashboard": ("dashboardName",),
    "aws:cloudwatch/logGroup:LogGroup": ("name",),
    "aws:cloudwatch/metricAlarm:MetricAlarm": ("name",),
    "aws:dynamodb/table:Table": ("name",),
    "aws:iam/role:Role": ("name",),
    "aws:iam/rolePolicy:RolePolicy": ("role", "name"),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": ("role", "policyArn"),
    "aws:lambda/function:Function": ("name",),
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": ("functionName", "qualifier"),
    "aws:lambda/functionRecursionConfig:FunctionRecursionConfig": ("functionName",),
    "aws:route53/record:Record": ("zoneId", "name", "type"),
    OBJECT: ("bucket", "key"),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": ("bucket",),
    "aws:s3/bucketPolicy:BucketPolicy": ("bucket",),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": ("bucket",),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
        "bucket",
    ),
    "aws:sns/topic:Topic": ("name",),
    "aws:sns/topicPolicy:TopicPolicy": ("arn",),
    "aws:sns/topicSubscription:TopicSubscription": ("topic", "protocol", "endpoint"),
}


class Refused(Exception):
    """AWS refuses a request. The message is for the user."""


@dataclass(frozen=True)
class Thing:
    """A resource that exists."""

    type: str
    name: str  # logical
    id: str
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]  # including the inputs

    @property
    def identity(self) -> tuple[object, ...] | None:
        if self.type not in IDENTITIES:
            return None
        return (self.type, *(self.inputs.get(name) for name in IDENTITIES[self.type]))


@dataclass
class Account:
    """The resources that exist, and the operations that led to them.

    Attributes:
        things: By type and id, in the order of their creation.
        operations: "create", "update" or "delete", and the logical name, in their order.
        problems: What `look` returned, after any operation.
        created: How many resources were ever created.
        refuses: Types whose next creation is refused.
        look: Returns what is wrong now. It is called after each operation.
    """

    things: dict[tuple[str, str], Thing] = field(default_factory=dict)
    operations: list[tuple[str, str]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    created: int = 0
    refuses: set[str] = field(default_factory=set)
    look: Callable[["Account"], list[str]] = lambda _: []

    def refuse(self, type_: str, name: str, inputs: Mapping[str, Any]) -> None:
        """Raise Refused if this resource cannot be created."""
        if type_ in self.refuses:
            self.refuses.remove(type_)
            raise Refused(f"{name} is refused, because the test requires it")
        identity = Thing(type_, name, "", inputs, inputs).identity
        if identity and any(thing.identity == identity for thing in self.things.values()):
            raise Refused(f"{name} already exists: {identity}")

    def create(self, thing: Thing) -> None:
        self.created += 1
        self.things[thing.type, thing.id] = thing
        self._note("create", thing)

    def update(self, thing: Thing) -> None:
        self.things[thing.type, thing.id] = thing
        self._note("update", thing)

    def delete(self, type_: str, id_: str) -> None:
        thing = self.things[type_, id_]
        if thing.inputs.get("deletionProtectionEnabled"):
            raise Refused(f"{thing.name} is protected from deletion")
        if type_ == BUCKET:
            self._empty(thing)
        del self.things[type_, id_]
        self._note("delete", thing)

    def of(self, type_: str) -> list[Thing]:
        return [thing for thing in self.things.values() if thing.type == type_]

    def names(self) -> set[str]:
        """Logical names of everything that exists."""
        return {thing.name for thing in self.things.values()}

    def _empty(self, bucket: Thing) -> None:
        objects = [
            each for each in self.of(OBJECT) if each.inputs["bucket"] == bucket.outputs["bucket"]
        ]
        if objects and not bucket.inputs.get("forceDestroy"):
            raise Refused(f"{bucket.name} is not empty")
        for each in objects:
            del self.things[each.type, each.id]

    def _note(self, operation: str, thing: Thing) -> None:
        self.operations.append((operation, thing.name))
        self.problems.extend(
            f"After {operation} {thing.name}: {problem}" for problem in self.look(self)
        )
