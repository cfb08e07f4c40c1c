"""Pulumi's names as Terraform's."""

import pytest

from audit import naming
from audit.errors import AuditError


@pytest.mark.parametrize(
    ("token", "type_"),
    [
        ("aws:acm/certificateValidation:CertificateValidation", "aws_acm_certificate_validation"),
        ("aws:apigateway/account:Account", "aws_api_gateway_account"),
        ("aws:apigatewayv2/apiMapping:ApiMapping", "aws_apigatewayv2_api_mapping"),
        ("aws:apigatewayv2/domainName:DomainName", "aws_apigatewayv2_domain_name"),
        ("aws:budgets/budget:Budget", "aws_budgets_budget"),
        (
            "aws:cloudfront/originAccessControl:OriginAccessControl",
            "aws_cloudfront_origin_access_control",
        ),
        (
            "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy",
            "aws_cloudfront_response_headers_policy",
        ),
        ("aws:cloudwatch/dashboard:Dashboard", "aws_cloudwatch_dashboard"),
        ("aws:cloudwatch/logGroup:LogGroup", "aws_cloudwatch_log_group"),
        ("aws:cloudwatch/metricAlarm:MetricAlarm", "aws_cloudwatch_metric_alarm"),
        ("aws:dynamodb/table:Table", "aws_dynamodb_table"),
        ("aws:iam/rolePolicy:RolePolicy", "aws_iam_role_policy"),
        ("aws:lambda/function:Function", "aws_lambda_function"),
        ("aws:route53/record:Record", "aws_route53_record"),
        ("aws:s3/bucketObjectv2:BucketObjectv2", "aws_s3_object"),
        ("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
         "aws_s3_bucket_public_access_block"),
        ("aws:s3/bucketV2:BucketV2", "aws_s3_bucket"),
        ("aws:sns/topicSubscription:TopicSubscription", "aws_sns_topic_subscription"),
    ],
)  # fmt: skip
def test_a_type(token: str, type_: str) -> None:
    assert naming.resource_type(token) == type_


@pytest.mark.parametrize("token", ["aws:braket/job:Job", "random:index/id:Id", "counter:infra:X"])
def test_a_type_that_nobody_has_looked_at_is_an_error(token: str) -> None:
    with pytest.raises(AuditError, match=rf"{token} has no Terraform name"):
        naming.resource_type(token)


@pytest.mark.parametrize(
    ("type_", "name", "expected"),
    [
        ("aws_dynamodb_table", "hashKey", "hash_key"),
        ("aws_cloudfront_distribution", "s3OriginConfig", "s3_origin_config"),
        ("aws_lambda_function", "name", "function_name"),
        ("aws_dynamodb_table", "name", "name"),
        ("aws_sns_topic_subscription", "topic", "topic_arn"),
    ],
)
def test_an_argument(type_: str, name: str, expected: str) -> None:
    assert naming.argument(type_, name) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("attributes", "attribute"),
        ("orderedCacheBehaviors", "ordered_cache_behavior"),
        ("customErrorResponses", "custom_error_response"),
        ("metricQueries", "metric_query"),
        ("aliases", "alias"),
        ("items", "items"),
    ],
)
def test_a_repeated_block(name: str, expected: str) -> None:
    assert naming.repeated_block(name) == expected
