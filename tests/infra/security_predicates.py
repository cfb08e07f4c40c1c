"""The predicates that security_rules.py applies to the inputs of a resource.

A predicate takes the graph as well as the inputs, because some rules compare two resources.
"""

import json
import re
from collections.abc import Callable
from typing import Any, Final

from .recorder import ACCOUNT, Graph

Inputs = dict[str, Any]
Predicate = Callable[[Graph, Inputs], bool]

A_YEAR_SECONDS: Final = 365 * 24 * 60 * 60
ASSUMING: Final = {"apigateway.amazonaws.com", "lambda.amazonaws.com"}
DATA_ACTION: Final = r"(dynamodb|execute-api|logs|xray):\w+|lambda:InvokeFunction"
# X-Ray's writing actions have no resource that a policy could name.
WITHOUT_RESOURCE: Final = {"xray:PutTelemetryRecords", "xray:PutTraceSegments"}
SECRET_NAME: Final = r"SECRET|PASSWORD|TOKEN|_KEY"
ACCESS_KEY_ID: Final = r"A(KIA|SIA)[A-Z0-9]{16}"


def is_set(name: str) -> Predicate:
    """The flag is on, or the number is above zero."""
    return lambda _, inputs: inputs.get(name, 0) > 0


def bucket_has(type_: str) -> Predicate:
    return lambda graph, bucket: (
        bucket["bucket"] in {each.inputs["bucket"] for each in graph.of(type_)}
    )


# --- policies -----------------------------------------------------------------------------------


def every_statement(holds: Predicate, policy: str = "policy") -> Predicate:
    """Every statement that allows something fulfils the predicate."""
    return lambda graph, inputs: all(
        holds(graph, each) for each in statements(inputs[policy], "Allow")
    )


def statements(policy: str, effect: str) -> list[Inputs]:
    return [each for each in json.loads(policy)["Statement"] if each["Effect"] == effect]


def service(statement: Inputs) -> str:
    """The AWS service that is the statement's only principal, or nothing."""
    match statement["Principal"]:
        case {"Service": str(name), **others} if not others:
            return name
    return ""


def reads_for_the_distribution(graph: Graph, statement: Inputs) -> bool:
    distribution = graph.one("aws:cloudfront/distribution:Distribution").inputs["arn"]
    bucket = graph.one("aws:s3/bucket:Bucket").inputs["arn"]
    return (
        service(statement) == "cloudfront.amazonaws.com"
        and statement["Action"] == ["s3:GetObject"]
        and statement["Resource"] == f"{bucket}/*"
        and statement["Condition"] == {"StringEquals": {"AWS:SourceArn": distribution}}
    )


def denies_requests_without_tls(_: Graph, inputs: Inputs) -> bool:
    bucket = f"arn:aws:s3:::{inputs['bucket']}"
    (denial,) = statements(inputs["policy"], "Deny") or [{}]
    return denial == {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": ["s3:*"],
        "Resource": [bucket, f"{bucket}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def is_assumed_by_a_service(_: Graph, statement: Inputs) -> bool:
    return service(statement) in ASSUMING and statement["Action"] == ["sts:AssumeRole"]


def has_data_actions(_: Graph, statement: Inputs) -> bool:
    return "NotAction" not in statement and all(
        re.fullmatch(DATA_ACTION, action) for action in statement["Action"]
    )


def reaches_its_own_stack(graph: Graph, statement: Inputs) -> bool:
    if set(statement["Action"]) <= WITHOUT_RESOURCE:
        return True
    own = [
        each.inputs[arn]
        for each in graph.resources
        for arn in ("arn", "executionArn")
        if arn in each.inputs
    ]
    resources = statement["Resource"]
    listed = resources if isinstance(resources, list) else [resources]
    return "NotResource" not in statement and all(
        any(each == arn or each.startswith((f"{arn}:", f"{arn}/")) for arn in own)
        for each in listed
    )


def publishes_for_this_account(_: Graph, statement: Inputs) -> bool:
    return (
        bool(service(statement))
        and statement["Action"] == ["sns:Publish"]
        and ACCOUNT in json.dumps(statement.get("Condition"))
    )


# --- Lambda -------------------------------------------------------------------------------------


def has_no_secret(_: Graph, inputs: Inputs) -> bool:
    return not any(
        re.search(SECRET_NAME, name) or re.search(ACCESS_KEY_ID, value)
        for name, value in inputs["environment"]["variables"].items()
    )


def is_for_this_api(graph: Graph, inputs: Inputs) -> bool:
    api = graph.one("aws:apigatewayv2/api:Api").inputs["executionArn"]
    return (
        inputs["principal"] == "apigateway.amazonaws.com"
        and inputs.get("sourceArn", "").startswith(f"{api}/")
        and "functionUrlAuthType" not in inputs
    )


# --- CloudFront ---------------------------------------------------------------------------------


def every_behavior(holds: Callable[[Inputs], bool]) -> Predicate:
    return lambda _, inputs: all(
        holds(each) for each in [inputs["defaultCacheBehavior"], *inputs["orderedCacheBehaviors"]]
    )


def signs_every_request(_: Graph, inputs: Inputs) -> bool:
    return all(
        each.get("originAccessControlId") == "website-access-id"
        # With an s3OriginConfig, too, a refresh removes it and every preview adds it again.
        and not {"customOriginConfig", "s3OriginConfig"} & each.keys()
        for each in inputs["origins"]
    )


def enforces_https(_: Graph, inputs: Inputs) -> bool:
    match inputs["securityHeadersConfig"]:
        case {
            "strictTransportSecurity": {
                "accessControlMaxAgeSec": seconds,
                "includeSubdomains": True,
                "override": True,
            }
        }:
            return bool(seconds >= A_YEAR_SECONDS)
    return False
