"""Access logs of the API: one line for each request, without personal data."""

import json
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_aws as aws

from . import policies
from .names import Names

# docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-logging.html. Leave out the
# variables with addresses, user agents and query strings, because a query string has the token.
FIELDS: Final = {
    "requestId": "$context.requestId",  # not the function's; its log has the same connectionId
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


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessLogsArgs:
    """Arguments of AccessLogs."""

    names: Names
    retention_days: int


class AccessLogs(pulumi.ComponentResource):
    """The log group of the API's requests.

    Attributes:
        destination_arn: ARN of the group, for the stage's settings.
        format: One line of JSON, for the stage's settings.
    """

    destination_arn: pulumi.Output[str]
    format: Final = json.dumps(FIELDS)  # API Gateway rejects line breaks

    def __init__(
        self, name: str, args: AccessLogsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("counter:infra:AccessLogs", name, {}, opts)
        log_group = aws.cloudwatch.LogGroup(
            "access-logs",
            name=f"/aws/apigateway/{args.names.resource_name('websocket-api')}/access",
            retention_in_days=args.retention_days,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.destination_arn = log_group.arn
        self.register_outputs({"destinationArn": self.destination_arn})


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountLoggingArgs:
    """Arguments of AccountLogging."""

    names: Names


class AccountLogging(pulumi.ComponentResource):
    """The role with which API Gateway writes the logs of every API of this account and region.

    At most one stack per region may have it. Destroying that stack ends the logs of the others.
    """

    def __init__(
        self, name: str, args: AccountLoggingArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("counter:infra:AccountLogging", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        role = aws.iam.Role(
            "api-logging-role",
            name=args.names.global_name("api-logging"),
            description="What API Gateway may do to write logs in this account",
            assume_role_policy=pulumi.Output.json_dumps(policies.ASSUMED_BY_API_GATEWAY),
            opts=child,
        )
        attachment = aws.iam.RolePolicyAttachment(
            "api-logging-policy",
            role=role.name,
            policy_arn=policies.PUSH_TO_CLOUDWATCH_LOGS,
            opts=child,
        )
        account = aws.apigateway.Account(
            "api-logging-account",
            cloudwatch_role_arn=role.arn,
            # API Gateway rejects a role that does not have the permission yet.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[attachment]),
        )
        self.register_outputs({"roleArn": account.cloudwatch_role_arn})
