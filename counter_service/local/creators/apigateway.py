"""Creates the WebSocket API, and the account's settings of API Gateway."""

from collections.abc import Mapping
from typing import Final

from .creator import Aws, Created, Creator
from .inputs import Inputs


def create_api(aws: Aws, inputs: Inputs) -> Created:
    """Create a WebSocket API."""
    api_id = aws.client("apigatewayv2").create_api(
        Name=inputs["name"],
        ProtocolType=inputs["protocolType"],
        RouteSelectionExpression=inputs["routeSelectionExpression"],
    )["ApiId"]
    account = aws.client("sts").get_caller_identity()["Account"]
    return api_id, {
        "apiEndpoint": aws.websocket_url(api_id),
        "executionArn": f"arn:aws:execute-api:{aws.region}:{account}:{api_id}",
    }


def create_integration(aws: Aws, inputs: Inputs) -> Created:
    """Create the integration of an API with the function."""
    integration = aws.client("apigatewayv2").create_integration(
        ApiId=inputs["apiId"],
        IntegrationType=inputs["integrationType"],
        IntegrationMethod=inputs["integrationMethod"],
        IntegrationUri=inputs["integrationUri"],
    )
    return integration["IntegrationId"], {}


def create_route(aws: Aws, inputs: Inputs) -> Created:
    """Create a route of an API."""
    route = aws.client("apigatewayv2").create_route(
        ApiId=inputs["apiId"],
        RouteKey=inputs["routeKey"],
        AuthorizationType=inputs["authorizationType"],
        Target=inputs["target"],
    )
    return route["RouteId"], {}


def create_stage(aws: Aws, inputs: Inputs) -> Created:
    """Create a stage, with its throttling limits and access log."""
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
    return name, {"invokeUrl": f"{aws.websocket_url(inputs['apiId'])}/{name}"}


def create_account(aws: Aws, inputs: Inputs) -> Created:
    """Set the role with which API Gateway writes logs."""
    aws.client("apigateway").update_account(
        patchOperations=[
            {"op": "replace", "path": "/cloudwatchRoleArn", "value": inputs["cloudwatchRoleArn"]}
        ]
    )
    return "api-gateway-account", {}


CREATORS: Final[Mapping[str, Creator]] = {
    "aws:apigateway/account:Account": Creator(create_account),
    "aws:apigatewayv2/api:Api": Creator(create_api),
    "aws:apigatewayv2/integration:Integration": Creator(create_integration),
    "aws:apigatewayv2/route:Route": Creator(create_route),
    "aws:apigatewayv2/stage:Stage": Creator(create_stage),
}
