"""Access logs of the API: a line for each request, with nothing of the person in it."""

import json
from typing import Final

import pulumi
import pulumi_aws as aws

from . import policies
from .settings import Settings

# docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-logging.html. Addresses, user
# agents and query strings (which hold tokens) have variables too, and stay out.
FIELDS: Final = {
    "requestId": "$context.requestId",  # the function's log has its own; connectionId joins them
    "extendedRequestId": "$context.extendedRequestId",
    "requestTime": "$context.requestTime",
    "eventType": "$context.eventType",
    "routeKey": "$context.routeKey",
    "stage": "$context.stage",
    "connectionId": "$context.connectionId",
    "messageId": "$context.messageId",
    "status": "$context.status",
    "integrationStatus": "$context.integration.status",
    "integrationLatency": "$context.integrationLatency",
    "integrationError": "$context.integrationErrorMessage",
    "error": "$context.error.message",
}


class AccessLogs(pulumi.ComponentResource):
    """`destination_arn` and `format` are for the stage's settings."""

    destination_arn: pulumi.Output[str]
    format: Final = json.dumps(FIELDS)  # API Gateway wants one line

    def __init__(
        self, name: str, settings: Settings, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("counter:infra:AccessLogs", name, {}, opts)
        log_group = aws.cloudwatch.LogGroup(
            "access-logs",
            name=f"/aws/apigateway/{settings.physical_name('websocket-api')}/access",
            retention_in_days=settings.log_retention_days,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.destination_arn = log_group.arn
        self.register_outputs({"destinationArn": self.destination_arn})


class AccountLogging(pulumi.ComponentResource):
    """The role with which API Gateway writes logs, for every API of the account in this region.

    One stack a region may have it. Whoever removes that stack takes the logs from the others.
    """

    def __init__(
        self, name: str, settings: Settings, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("counter:infra:AccountLogging", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        role = aws.iam.Role(
            "api-logging-role",
            name=f"{settings.physical_name('api-logging')}-{settings.region}",
            description="What API Gateway may do to write logs in this account",
            assume_role_policy=pulumi.Output.json_dumps(policies.ASSUMED_BY_API_GATEWAY),
            opts=child,
        )
        attachment = aws.iam.RolePolicyAttachment(
            "api-logging-policy",
            role=role.name,
            policy_arn=policies.push_to_cloudwatch_logs(settings.region),
            opts=child,
        )
        account = aws.apigateway.Account(
            "api-logging-account",
            cloudwatch_role_arn=role.arn,
            # API Gateway refuses a role that may not write yet.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[attachment]),
        )
        self.register_outputs({"roleArn": account.cloudwatch_role_arn})
