"""Creates each resource of the graph in the emulator and returns its real outputs.

Inputs and outputs have pulumi-aws's names (camelCase). To support another resource type, add a
function to CREATORS; a type without one is passed through, and listed when the run starts.
"""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from pulumi.runtime.mocks import MockCallArgs, MockResourceArgs, Mocks

from . import site_resources, watching_resources
from .archive import zipped
from .emulator import Emulator

Inputs = dict[str, Any]
# A resource's physical id, and the outputs that its inputs do not already say.
Created = tuple[str, dict[str, Any]]

# Not resources of AWS.
_PROVIDER_PREFIX: Final = "pulumi:providers:"


class EmulatedAws(Mocks):
    """A mocks monitor that deploys. `passed_through` are the resources it could not create."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.passed_through: list[str] = []
        self._session = emulator.session()
        self._clients: dict[str, Any] = {}
        # Resources are created on several threads; boto3 sessions are not made for that.
        self._lock = threading.Lock()

    def client(self, service: str) -> Any:
        with self._lock:
            if service not in self._clients:
                self._clients[service] = self._session.client(
                    service, endpoint_url=self.emulator.endpoint
                )
            return self._clients[service]

    def call(self, args: MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        raise NotImplementedError(
            f"the local run cannot answer {args.token}: teach it in {Path(__file__).name}"
        )

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        create = CREATORS.get(args.typ)
        if create:
            resource_id, outputs = create(self, args.inputs)
            return resource_id, args.inputs | outputs
        if args.custom and not args.typ.startswith(_PROVIDER_PREFIX):
            self.passed_through.append(f"{args.typ} {args.name}")
        return args.name, args.inputs


def create_table(aws: EmulatedAws, inputs: Inputs) -> Created:
    client = aws.client("dynamodb")
    table = client.create_table(
        TableName=inputs["name"],
        KeySchema=[{"AttributeName": inputs["hashKey"], "KeyType": "HASH"}],
        AttributeDefinitions=[
            {"AttributeName": attribute["name"], "AttributeType": attribute["type"]}
            for attribute in inputs["attributes"]
        ],
        BillingMode=inputs["billingMode"],
        DeletionProtectionEnabled=inputs.get("deletionProtectionEnabled", False),
        **_on_demand_throughput(inputs.get("onDemandThroughput")),
    )["TableDescription"]
    if ttl := inputs.get("ttl"):
        client.update_time_to_live(
            TableName=inputs["name"],
            TimeToLiveSpecification={
                "AttributeName": ttl["attributeName"],
                "Enabled": ttl["enabled"],
            },
        )
    if (recovery := inputs.get("pointInTimeRecovery")) and recovery["enabled"]:
        client.update_continuous_backups(
            TableName=inputs["name"],
            PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": recovery["enabled"]},
        )
    return table["TableName"], {"arn": table["TableArn"]}


def _on_demand_throughput(limits: Inputs | None) -> Inputs:
    names = {
        "maxReadRequestUnits": "MaxReadRequestUnits",
        "maxWriteRequestUnits": "MaxWriteRequestUnits",
    }
    given = {names[name]: int(units) for name, units in (limits or {}).items()}
    return {"OnDemandThroughput": given} if given else {}


def create_log_group(aws: EmulatedAws, inputs: Inputs) -> Created:
    client = aws.client("logs")
    name = inputs["name"]
    client.create_log_group(logGroupName=name)
    client.put_retention_policy(logGroupName=name, retentionInDays=int(inputs["retentionInDays"]))
    group = client.describe_log_groups(logGroupNamePrefix=name)["logGroups"][0]
    return name, {"arn": group["arn"].removesuffix(":*")}  # as the provider gives it


def create_role(aws: EmulatedAws, inputs: Inputs) -> Created:
    role = aws.client("iam").create_role(
        RoleName=inputs["name"],
        Description=inputs.get("description", ""),
        AssumeRolePolicyDocument=inputs["assumeRolePolicy"],
    )["Role"]
    return role["RoleName"], {"arn": role["Arn"]}


def create_role_policy(aws: EmulatedAws, inputs: Inputs) -> Created:
    aws.client("iam").put_role_policy(
        RoleName=inputs["role"], PolicyName=inputs["name"], PolicyDocument=inputs["policy"]
    )
    return f"{inputs['role']}:{inputs['name']}", {}


def create_function(aws: EmulatedAws, inputs: Inputs) -> Created:
    function = aws.client("lambda").create_function(
        FunctionName=inputs["name"],
        Description=inputs.get("description", ""),
        Runtime=inputs["runtime"],
        Architectures=inputs["architectures"],
        Handler=inputs["handler"],
        Role=inputs["role"],
        Code={"ZipFile": zipped(inputs["code"])},
        MemorySize=int(inputs["memorySize"]),
        Timeout=int(inputs["timeout"]),
        Environment={"Variables": inputs["environment"]["variables"]},
        TracingConfig={"Mode": inputs.get("tracingConfig", {}).get("mode", "PassThrough")},
    )
    if reserved := inputs.get("reservedConcurrentExecutions"):
        aws.client("lambda").put_function_concurrency(
            FunctionName=inputs["name"], ReservedConcurrentExecutions=int(reserved)
        )
    arn = function["FunctionArn"]
    invoke_arn = (
        f"arn:aws:apigateway:{aws.emulator.region}:lambda:path/2015-03-31/functions/"
        f"{arn}/invocations"
    )
    return function["FunctionName"], {"arn": arn, "invokeArn": invoke_arn}


def create_recursion_config(aws: EmulatedAws, inputs: Inputs) -> Created:
    aws.client("lambda").put_function_recursion_config(
        FunctionName=inputs["functionName"], RecursiveLoop=inputs["recursiveLoop"]
    )
    return inputs["functionName"], {}


def create_permission(aws: EmulatedAws, inputs: Inputs) -> Created:
    statement_id = "graph-function"
    aws.client("lambda").add_permission(
        FunctionName=inputs["function"],
        StatementId=statement_id,
        Action=inputs["action"],
        Principal=inputs["principal"],
        SourceArn=inputs["sourceArn"],
    )
    return statement_id, {"statementId": statement_id}


def create_api(aws: EmulatedAws, inputs: Inputs) -> Created:
    api_id = aws.client("apigatewayv2").create_api(
        Name=inputs["name"],
        ProtocolType=inputs["protocolType"],
        RouteSelectionExpression=inputs["routeSelectionExpression"],
    )["ApiId"]
    account = aws.client("sts").get_caller_identity()["Account"]
    return api_id, {
        "apiEndpoint": aws.emulator.websocket_url(api_id),
        "executionArn": f"arn:aws:execute-api:{aws.emulator.region}:{account}:{api_id}",
    }


def create_integration(aws: EmulatedAws, inputs: Inputs) -> Created:
    integration = aws.client("apigatewayv2").create_integration(
        ApiId=inputs["apiId"],
        IntegrationType=inputs["integrationType"],
        IntegrationMethod=inputs["integrationMethod"],
        IntegrationUri=inputs["integrationUri"],
    )
    return integration["IntegrationId"], {}


def create_route(aws: EmulatedAws, inputs: Inputs) -> Created:
    route = aws.client("apigatewayv2").create_route(
        ApiId=inputs["apiId"],
        RouteKey=inputs["routeKey"],
        AuthorizationType=inputs["authorizationType"],
        Target=inputs["target"],
    )
    return route["RouteId"], {}


def create_stage(aws: EmulatedAws, inputs: Inputs) -> Created:
    limits = inputs["defaultRouteSettings"]
    logs = inputs.get("accessLogSettings")
    name = aws.client("apigatewayv2").create_stage(
        ApiId=inputs["apiId"],
        StageName=inputs["name"],
        AutoDeploy=inputs["autoDeploy"],
        DefaultRouteSettings={
            "ThrottlingRateLimit": limits["throttlingRateLimit"],
            "ThrottlingBurstLimit": int(limits["throttlingBurstLimit"]),
        },
        **(
            {
                "AccessLogSettings": {
                    "DestinationArn": logs["destinationArn"],
                    "Format": logs["format"],
                }
            }
            if logs
            else {}
        ),
    )["StageName"]
    return name, {"invokeUrl": f"{aws.emulator.websocket_url(inputs['apiId'])}/{name}"}


CREATORS: Final[dict[str, Callable[[EmulatedAws, Inputs], Created]]] = {
    "aws:apigatewayv2/api:Api": create_api,
    "aws:apigatewayv2/integration:Integration": create_integration,
    "aws:apigatewayv2/route:Route": create_route,
    "aws:apigatewayv2/stage:Stage": create_stage,
    "aws:cloudwatch/logGroup:LogGroup": create_log_group,
    "aws:dynamodb/table:Table": create_table,
    "aws:iam/role:Role": create_role,
    "aws:iam/rolePolicy:RolePolicy": create_role_policy,
    "aws:lambda/function:Function": create_function,
    "aws:lambda/functionRecursionConfig:FunctionRecursionConfig": create_recursion_config,
    "aws:lambda/permission:Permission": create_permission,
    **watching_resources.CREATORS,
    **site_resources.CREATORS,
}
