"""The security rules of the graph, as data that test_security_rules.py checks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from . import security_predicates as predicates
from .recorder import ACCOUNT
from .security_predicates import Predicate

REMOVED: Final = object()  # as a planted value: the input is missing


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A rule that the inputs of every resource of one type fulfil.

    Args:
        planted: Changes that break the rule, as path and value. A path leads through mappings,
            lists and JSON text.
        exceptions: Reason of each resource that may break the rule, by its logical name. The name
            of a stack and a colon before it limit the exception to that stack.
    """

    sentence: str
    type: str
    holds: Predicate
    planted: tuple[tuple[str, Any], ...]
    exceptions: Mapping[str, str] = field(default_factory=dict)


ADMINISTRATOR: Final = "arn:aws:iam::aws:policy/AdministratorAccess"
BUCKET: Final = "aws:s3/bucket:Bucket"
BUCKET_POLICY: Final = "aws:s3/bucketPolicy:BucketPolicy"
CERTIFICATE: Final = "aws:acm/certificate:Certificate"
DISTRIBUTION: Final = "aws:cloudfront/distribution:Distribution"
ENCRYPTION: Final = (
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
)
FUNCTION: Final = "aws:lambda/function:Function"
OWNERSHIP: Final = "aws:s3/bucketOwnershipControls:BucketOwnershipControls"
PRIVATE: Final = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
ROLE: Final = "aws:iam/role:Role"
ROLE_POLICY: Final = "aws:iam/rolePolicy:RolePolicy"

RULES: Final = (
    # --- S3 ---
    *(
        Rule(
            sentence=f"A bucket has its {type_.split(':')[-1]}",
            type=BUCKET,
            holds=predicates.bucket_has(type_),
            planted=(("bucket", "other"),),
        )
        for type_ in (PRIVATE, OWNERSHIP, ENCRYPTION, BUCKET_POLICY)
    ),
    *(
        Rule(
            sentence=f"A public access block has {name}",
            type=PRIVATE,
            holds=predicates.is_set(name),
            planted=((name, False), (name, REMOVED)),
        )
        for name in (
            *("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"),
        )
    ),
    Rule(
        sentence="Objects belong to the owner of the bucket, so access control lists are off",
        type=OWNERSHIP,
        holds=lambda _, inputs: inputs["rule"] == {"objectOwnership": "BucketOwnerEnforced"},
        planted=(("rule.objectOwnership", "ObjectWriter"),),
    ),
    Rule(
        sentence="A bucket is encrypted by S3 at rest",
        type=ENCRYPTION,
        holds=lambda _, inputs: (
            inputs["rules"]
            == [
                {
                    "applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"},
                    "blockedEncryptionTypes": ["SSE-C"],
                }
            ]
        ),
        planted=(("rules", []), ("rules.0.blockedEncryptionTypes", REMOVED)),
    ),
    Rule(
        sentence="A bucket allows its distribution to read objects and nothing else",
        type=BUCKET_POLICY,
        holds=predicates.every_statement(predicates.reads_for_the_distribution),
        planted=(
            ("policy.Statement.0.Principal", "*"),
            ("policy.Statement.0.Action", ["s3:*"]),
            ("policy.Statement.0.Resource", "*"),
            ("policy.Statement.0.Condition", {}),
            ("policy.Statement.1.Effect", "Allow"),
        ),
    ),
    Rule(
        # A denial without a condition would lock out the owner of the bucket too.
        sentence="A bucket denies requests without TLS and no others",
        type=BUCKET_POLICY,
        holds=predicates.denies_requests_without_tls,
        planted=(
            ("policy.Statement.1.Effect", "Allow"),
            ("policy.Statement.1.Action", ["s3:PutObject"]),
            ("policy.Statement.1.Condition", REMOVED),
            ("policy.Statement.1.Resource.0", REMOVED),
        ),
    ),
    # --- IAM ---
    Rule(
        sentence="A role is assumed by an AWS service of this product only",
        type=ROLE,
        holds=predicates.every_statement(predicates.is_assumed_by_a_service, "assumeRolePolicy"),
        planted=(
            ("assumeRolePolicy.Statement.0.Principal", "*"),
            ("assumeRolePolicy.Statement.0.Principal", {"AWS": "*"}),
            ("assumeRolePolicy.Statement.0.Principal.AWS", "*"),
            ("assumeRolePolicy.Statement.0.Principal.Service", "ec2.amazonaws.com"),
            ("assumeRolePolicy.Statement.0.Action", ["sts:*"]),
        ),
    ),
    Rule(
        sentence="A role has its rights from policies of the graph only",
        type=ROLE,
        holds=lambda _, inputs: not inputs.keys() & {"managedPolicyArns", "inlinePolicies"},
        planted=(("managedPolicyArns", [ADMINISTRATOR]), ("inlinePolicies", [{"name": "x"}])),
    ),
    Rule(
        sentence="The only attached policy is AWS's own for the logs of API Gateway",
        type="aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        holds=lambda _, inputs: inputs["policyArn"].endswith(
            ":policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"
        ),
        planted=(("policyArn", ADMINISTRATOR),),
    ),
    Rule(
        sentence="A policy allows actions without wildcards, on data and the function only",
        type=ROLE_POLICY,
        holds=predicates.every_statement(predicates.has_data_actions),
        planted=(
            ("policy.Statement.0.Action", "*"),
            ("policy.Statement.0.Action", ["dynamodb:*"]),
            ("policy.Statement.0.Action", ["iam:PassRole"]),
            ("policy.Statement.0.Action", ["lambda:UpdateFunctionCode"]),
            ("policy.Statement.0.NotAction", ["iam:PassRole"]),
        ),
    ),
    Rule(
        sentence="A policy reaches resources of its own stack only",
        type=ROLE_POLICY,
        holds=predicates.every_statement(predicates.reaches_its_own_stack),
        planted=(
            ("policy.Statement.0.Resource", "*"),
            ("policy.Statement.0.Resource", f"arn:aws:dynamodb:eu-central-1:{ACCOUNT}:table/*"),
            ("policy.Statement.0.NotResource", "arn:aws:s3:::other"),
        ),
    ),
    # --- Lambda ---
    Rule(
        sentence="The function's environment has no secret",
        type=FUNCTION,
        holds=predicates.has_no_secret,
        planted=(
            ("environment.variables.API_SECRET", "x"),
            ("environment.variables.COUNTER_TABLE", "AKIA" + 16 * "X"),
        ),
    ),
    Rule(
        sentence="The function is invoked by the API of its stack only",
        type="aws:lambda/permission:Permission",
        holds=predicates.is_for_this_api,
        planted=(
            ("principal", "*"),
            ("sourceArn", REMOVED),
            ("sourceArn", f"arn:aws:execute-api:eu-central-1:{ACCOUNT}:*"),
            ("functionUrlAuthType", "NONE"),
        ),
    ),
    Rule(
        sentence="The function has a limit of concurrent executions",
        type=FUNCTION,
        holds=predicates.is_set("reservedConcurrentExecutions"),
        planted=(("reservedConcurrentExecutions", REMOVED),),
        exceptions=dict.fromkeys(
            ("dev:websocket", "prod:websocket"),
            "reservedConcurrency is a key, because a new account has 10 executions in all and "
            "AWS refuses to reserve any of them.",
        ),
    ),
    # --- DynamoDB ---
    Rule(
        sentence="A table can be restored to a point in time",
        type="aws:dynamodb/table:Table",
        holds=lambda _, inputs: inputs.get("pointInTimeRecovery") == {"enabled": True},
        planted=(("pointInTimeRecovery.enabled", False), ("pointInTimeRecovery", REMOVED)),
        exceptions={
            "aes_websocket_connections": "Its rows expire after two hours.",
            "dev:aes_counter_state": "Recovery is part of keepData, which dev does not set.",
        },
    ),
    # --- API Gateway and its domain ---
    Rule(
        sentence="The stage writes access logs",
        type="aws:apigatewayv2/stage:Stage",
        holds=lambda _, inputs: "accessLogSettings" in inputs,
        planted=(("accessLogSettings", REMOVED),),
        exceptions=dict.fromkeys(
            ("dev:websocket-stage", "prod:websocket-stage"),
            "accessLogs is a key, because the logs need a role that belongs to the whole account.",
        ),
    ),
    Rule(
        sentence="The domain refuses TLS before 1.2",
        type="aws:apigatewayv2/domainName:DomainName",
        holds=lambda _, inputs: inputs["domainNameConfiguration"]["securityPolicy"] == "TLS_1_2",
        planted=(("domainNameConfiguration.securityPolicy", "TLS_1_0"),),
    ),
    Rule(
        sentence="A certificate names one host",
        type=CERTIFICATE,
        holds=lambda _, inputs: (
            "*" not in inputs["domainName"] and not inputs.get("subjectAlternativeNames")
        ),
        planted=(("domainName", "*.example.com"), ("subjectAlternativeNames", ["*.example.com"])),
    ),
    Rule(
        # Browsers refuse a certificate that is in no transparency log.
        sentence="A certificate is published in transparency logs",
        type=CERTIFICATE,
        holds=lambda _, inputs: "options" not in inputs,
        planted=(("options", {"certificateTransparencyLoggingPreference": "DISABLED"}),),
    ),
    # --- CloudFront ---
    Rule(
        sentence="The distribution serves HTTPS only",
        type=DISTRIBUTION,
        holds=predicates.every_behavior(
            lambda each: each["viewerProtocolPolicy"] in {"redirect-to-https", "https-only"}
        ),
        planted=(
            ("defaultCacheBehavior.viewerProtocolPolicy", "allow-all"),
            ("orderedCacheBehaviors.0.viewerProtocolPolicy", "allow-all"),
        ),
    ),
    Rule(
        sentence="The distribution sends the security headers with every response",
        type=DISTRIBUTION,
        holds=predicates.every_behavior(
            lambda each: each.get("responseHeadersPolicyId") == "website-headers-id"
        ),
        planted=(
            ("defaultCacheBehavior.responseHeadersPolicyId", REMOVED),
            ("orderedCacheBehaviors.0.responseHeadersPolicyId", REMOVED),
        ),
    ),
    Rule(
        sentence="The distribution signs its requests to every origin",
        type=DISTRIBUTION,
        holds=predicates.signs_every_request,
        planted=(
            ("origins.0.originAccessControlId", REMOVED),
            ("origins.0.customOriginConfig", {"originProtocolPolicy": "match-viewer"}),
            ("origins.0.s3OriginConfig", {"originAccessIdentity": ""}),
        ),
    ),
    Rule(
        sentence="The access control of an origin signs always",
        type="aws:cloudfront/originAccessControl:OriginAccessControl",
        holds=lambda _, inputs: inputs["signingBehavior"] == "always",
        planted=(("signingBehavior", "never"), ("signingBehavior", "no-override")),
    ),
    Rule(
        sentence="The security headers make browsers use HTTPS for a year",
        type="aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy",
        holds=predicates.enforces_https,
        planted=(
            ("securityHeadersConfig.strictTransportSecurity", REMOVED),
            ("securityHeadersConfig.strictTransportSecurity.accessControlMaxAgeSec", 3600),
            ("securityHeadersConfig.strictTransportSecurity.includeSubdomains", False),
            ("securityHeadersConfig.strictTransportSecurity.override", False),
        ),
    ),
    # --- CloudWatch and SNS ---
    Rule(
        sentence="A log group deletes its logs after a time",
        type="aws:cloudwatch/logGroup:LogGroup",
        holds=predicates.is_set("retentionInDays"),
        planted=(("retentionInDays", REMOVED), ("retentionInDays", 0)),
    ),
    Rule(
        sentence="An alarm has its actions on",
        type="aws:cloudwatch/metricAlarm:MetricAlarm",
        holds=lambda _, inputs: inputs.get("actionsEnabled", True) is True,
        planted=(("actionsEnabled", False),),
    ),
    Rule(
        sentence="AWS services publish to the topic, for this account only",
        type="aws:sns/topicPolicy:TopicPolicy",
        holds=predicates.every_statement(predicates.publishes_for_this_account),
        planted=(
            ("policy.Statement.0.Principal", "*"),
            ("policy.Statement.0.Principal", {"AWS": "*"}),
            ("policy.Statement.0.Action", ["sns:*"]),
            ("policy.Statement.0.Condition", REMOVED),
        ),
    ),
)
