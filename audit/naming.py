"""Pulumi's names as Terraform's.

pulumi-aws is generated from Terraform's AWS provider: a resource is aws:service/camelCase:Class,
an argument is camelCase, a repeated block is in the plural and a block that occurs once is not a
list. Where it deviates from its rule, the tables here say so. Source: the `Tok`, `Name` and
`CSharpName` entries of provider/resources.go in the pulumi-aws repository.
"""

import re
from typing import Final

from .errors import AuditError

# Service of the token → prefix in Terraform. A service that is not here is an error: nobody has
# looked whether the rule holds for it.
SERVICES: Final = {
    "acm": "aws_acm",
    "apigateway": "aws_api_gateway",
    "apigatewayv2": "aws_apigatewayv2",
    "budgets": "aws_budgets",
    "cloudfront": "aws_cloudfront",
    "cloudwatch": "aws_cloudwatch",
    "dynamodb": "aws_dynamodb",
    "iam": "aws_iam",
    "kms": "aws_kms",
    "lambda": "aws_lambda",
    "resourcegroups": "aws_resourcegroups",
    "route53": "aws_route53",
    "s3": "aws_s3",
    "sns": "aws_sns",
    "sqs": "aws_sqs",
    "ssm": "aws_ssm",
    "wafv2": "aws_wafv2",
    "xray": "aws_xray",
}

_TYPES: Final = {
    "s3/bucketObjectv2": "aws_s3_object",
    "s3/bucketV2": "aws_s3_bucket",
    "s3/bucketVersioningV2": "aws_s3_bucket_versioning",
    "s3/bucketLifecycleConfigurationV2": "aws_s3_bucket_lifecycle_configuration",
    "s3/bucketLoggingV2": "aws_s3_bucket_logging",
    "s3/bucketServerSideEncryptionConfigurationV2": (
        "aws_s3_bucket_server_side_encryption_configuration"
    ),
    "lambda/functionEventInvokeConfig": "aws_lambda_function_event_invoke_config",
}

_ARGUMENTS: Final = {
    ("aws_cloudwatch_metric_alarm", "name"): "alarm_name",
    ("aws_lambda_event_source_mapping", "functionName"): "function_name",
    ("aws_lambda_function", "code"): "filename",
    ("aws_lambda_function", "name"): "function_name",
    ("aws_lambda_permission", "function"): "function_name",
    ("aws_sns_topic_subscription", "topic"): "topic_arn",
}

# Repeated blocks whose name in Terraform is not the plural without its s.
_BLOCKS: Final = {"aliases": "alias", "items": "items"}


def resource_type(token: str) -> str:
    """aws:dynamodb/table:Table → aws_dynamodb_table. Raises AuditError for an unknown one."""
    match = re.fullmatch(r"aws:(\w+)/(\w+):\w+", token)
    if not match or match[1] not in SERVICES:
        raise AuditError(f"{token} has no Terraform name: add its service to audit/naming.py.")
    service, name = match.groups()
    return _TYPES.get(f"{service}/{name}", f"{SERVICES[service]}_{snake(name)}")


def argument(type_: str, name: str) -> str:
    """readCapacity → read_capacity."""
    return _ARGUMENTS.get((type_, name), snake(name))


def repeated_block(name: str) -> str:
    """orderedCacheBehaviors → ordered_cache_behavior."""
    if name in _BLOCKS:
        return _BLOCKS[name]
    singular = f"{name[:-3]}y" if name.endswith("ies") else name.removesuffix("s")
    return snake(singular)


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()
