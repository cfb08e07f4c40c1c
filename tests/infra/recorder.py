"""Runs the whole program against mocks and keeps what it registered."""

from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pytest
from pulumi.runtime.mocks import MockCallArgs, MockMonitor, MockResourceArgs, Mocks

from counter_service.program import run_program, stack_config

ACCOUNT = "123456789012"
REGION = "eu-central-1"
HOST = f"a1b2c3d4e5.execute-api.{REGION}.amazonaws.com"  # of the API

# Every key that turns something on, without those of the account and of authentication.
OPT_IN = {
    **dict.fromkeys(("alarms", "dashboard", "tracing", "accessLogs", "keepData"), "true"),
    "alarmEmail": "ops@example.com",
    "budgetUsd": "20",
    "reservedConcurrency": "20",
    "tableMaxReadUnits": "200",
    "tableMaxWriteUnits": "50",
    "domainName": "ws.example.com",
    "hostedZoneId": "Z0123AB",
}


@dataclass(frozen=True)
class Resource:
    type: str
    name: str
    inputs: dict[str, Any]
    custom: bool
    parent: str  # URN
    provider: str  # URN::id
    depends_on: frozenset[str]  # URNs
    protect: bool
    retain_on_delete: bool
    urn: str

    def __repr__(self) -> str:
        return f"{self.type} {self.name}"


@dataclass
class Graph:
    resources: list[Resource] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)

    def of(self, type_: str) -> list[Resource]:
        return [resource for resource in self.resources if resource.type == type_]

    def one(self, type_: str, name: str | None = None) -> Resource:
        found = [r for r in self.of(type_) if name is None or r.name == name]
        assert len(found) == 1, f"There are {len(found)} resources {name or ''} of type {type_}."
        return found[0]

    def upstream(self, resource: Resource) -> set[str]:
        """URNs that exist before this resource does."""
        by_urn = {each.urn: each for each in self.resources}
        reached: set[str] = set()
        waiting = list(resource.depends_on)
        while waiting:
            urn = waiting.pop()
            if urn not in reached and urn in by_urn:
                reached.add(urn)
                waiting.extend(by_urn[urn].depends_on)
        return reached


class Provider(Mocks):
    """Responds with the outputs that pulumi-aws computes, in the shapes that AWS gives them."""

    def call(self, args: MockCallArgs) -> tuple[dict[str, Any], None]:
        raise NotImplementedError(args.token)

    def new_resource(self, args: MockResourceArgs) -> tuple[str, dict[str, Any]]:
        name = args.inputs.get("name", args.name)
        arn = {
            "aws:dynamodb/table:Table": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}",
            "aws:lambda/function:Function": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}",
            "aws:cloudwatch/logGroup:LogGroup": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{name}",
            "aws:iam/role:Role": f"arn:aws:iam::{ACCOUNT}:role/{name}",
            "aws:sns/topic:Topic": f"arn:aws:sns:{REGION}:{ACCOUNT}:{name}",
            "aws:acm/certificate:Certificate": f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/{name}",
            "aws:cloudfront/function:Function": f"arn:aws:cloudfront::{ACCOUNT}:function/{name}",
        }.get(args.typ)
        outputs: dict[str, Any] = {"arn": arn} if arn else {}
        if args.typ == "aws:lambda/function:Function":
            outputs["invokeArn"] = (
                f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{arn}/invocations"
            )
        if args.typ == "aws:apigatewayv2/api:Api":
            outputs["apiEndpoint"] = f"wss://{HOST}"
            outputs["executionArn"] = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:a1b2c3d4e5"
        if args.typ == "aws:acm/certificate:Certificate":
            outputs["domainValidationOptions"] = [
                {
                    "domainName": args.inputs["domainName"],
                    "resourceRecordName": f"_0a1b.{args.inputs['domainName']}.",
                    "resourceRecordType": "CNAME",
                    "resourceRecordValue": "_2c3d.acm-validations.aws.",
                }
            ]
        if args.typ == "aws:route53/record:Record":
            outputs["fqdn"] = args.inputs["name"].rstrip(".")
        if args.typ == "aws:apigatewayv2/domainName:DomainName":
            outputs["domainNameConfiguration"] = args.inputs["domainNameConfiguration"] | {
                "targetDomainName": f"d-a1b2c3d4e5.execute-api.{REGION}.amazonaws.com",
                "hostedZoneId": "Z1U9ULNL0V5AJ3",
            }
        if args.typ == "aws:s3/bucket:Bucket":
            bucket = args.inputs["bucketPrefix"] + "20260101000000000000000001"
            outputs["bucket"] = bucket
            outputs["arn"] = f"arn:aws:s3:::{bucket}"
            outputs["bucketRegionalDomainName"] = f"{bucket}.s3.{REGION}.amazonaws.com"
        if args.typ == "aws:cloudfront/distribution:Distribution":
            outputs["arn"] = f"arn:aws:cloudfront::{ACCOUNT}:distribution/E1ABCDEFGHIJKL"
            outputs["domainName"] = "d111111abcdef8.cloudfront.net"
        return f"{args.name}-id", args.inputs | outputs


class Recorder(MockMonitor):
    def __init__(self) -> None:
        super().__init__(Provider())
        self.graph = Graph()

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802  # gRPC's name
        registered = super().RegisterResource(request)  # type: ignore[no-untyped-call]  # Pulumi's own
        if request.type != "pulumi:pulumi:Stack":
            registration = self.resources[registered.urn]
            self.graph.resources.append(
                Resource(
                    type=request.type,
                    name=request.name,
                    inputs=registration.state,
                    custom=request.custom,
                    parent=request.parent,
                    provider=request.provider,
                    depends_on=frozenset(request.dependencies),
                    protect=request.protect,
                    retain_on_delete=request.retainOnDelete,
                    urn=registered.urn,
                )
            )
        return registered


def record(stack: str = "dev", **config: str) -> Graph:
    """The graph of a stack with some keys set, `aws:region` among them as `region`.

    The same keys give the same graph again.
    """
    return _recorded(stack, frozenset(config.items()), packages=True)


def record_without_packages(stack: str = "dev", **config: str) -> Graph:
    """The same, but the function's archive lacks the token library, which test_access.py covers."""
    return _recorded(stack, frozenset(config.items()), packages=False)


@cache
def _recorded(stack: str, config: frozenset[tuple[str, str]], *, packages: bool) -> Graph:
    values = stack_config("dev")
    for key, value in config:
        values["aws:region" if key == "region" else f"counter-service:{key}"] = value
    with pytest.MonkeyPatch.context() as patch:
        if not packages:
            patch.setattr("counter_service.infra.auth_dependencies.files", lambda *_: {})
        return run(stack, values)


def dev() -> Graph:
    """The graph of Pulumi.dev.yaml as it is."""
    return record()


@cache
def prod() -> Graph:
    """The graph of Pulumi.prod.yaml as it is."""
    return run("prod", stack_config("prod"))


def run(stack: str, values: dict[str, str]) -> Graph:
    """Run the program. `values` are the whole configuration, by qualified key."""
    recorder = Recorder()
    recorder.graph.outputs = run_program(recorder, stack, values)
    return recorder.graph
