"""Resources as Terraform configuration."""

import json
from typing import Any

import pulumi
import pytest

from audit import terraform
from audit.errors import AuditError
from audit.graph import Registered

POLICY = json.dumps({"Version": "2012-10-17", "Statement": [{"Action": "*"}]})


def body(token: str, inputs: dict[str, Any]) -> list[str]:
    """The lines between the braces."""
    lines = terraform.configuration([Registered(token, "x", inputs)]).splitlines()
    assert (lines[0].split()[0], lines[-1]) == ("resource", "}")
    return lines[1:-1]


def test_a_resource_has_its_type_and_its_logical_name() -> None:
    table = Registered("aws:dynamodb/table:Table", "state", {"name": "state-dev"})
    assert terraform.configuration([table]) == (
        'resource "aws_dynamodb_table" "state" {\n  name = "state-dev"\n}\n'
    )


@pytest.mark.parametrize(
    ("token", "inputs", "lines"),
    [
        ("aws:dynamodb/table:Table", {"hashKey": "id"}, ['  hash_key = "id"']),
        (
            "aws:dynamodb/table:Table",
            {"ttl": {"attributeName": "at", "enabled": True}},
            ["  ttl {", '    attribute_name = "at"', "    enabled = true", "  }"],
        ),
        (
            "aws:dynamodb/table:Table",
            {"attributes": [{"name": "a"}, {"name": "b"}]},
            ["  attribute {", '    name = "a"', "  }", "  attribute {", '    name = "b"', "  }"],
        ),
        # Keys of a map are somebody's own words.
        (
            "aws:lambda/function:Function",
            {"environment": {"variables": {"someTable": "x"}}},
            ["  environment {", '    variables = {"someTable": "x"}', "  }"],
        ),
        ("aws:lambda/function:Function", {"architectures": ["arm64"]},
         ['  architectures = ["arm64"]']),
        ("aws:lambda/function:Function", {"code": pulumi.AssetArchive({})},
         ['  filename = "archive"']),
        ("aws:lambda/function:Function", {"timeout": 20.0, "name": None}, ["  timeout = 20"]),
        ("aws:iam/rolePolicy:RolePolicy", {"policy": POLICY}, [f"  policy = jsonencode({POLICY})"]),
        (
            "aws:cloudwatch/metricAlarm:MetricAlarm",
            {"dimensions": {"FunctionName": "f"}, "alarmActions": ["a"], "threshold": 0.5},
            ['  alarm_actions = ["a"]', '  dimensions = {"FunctionName": "f"}',
             "  threshold = 0.5"],
        ),
        (
            "aws:route53/record:Record",
            {"aliases": [{"zoneId": "Z", "evaluateTargetHealth": False}]},
            ["  alias {", "    evaluate_target_health = false", '    zone_id = "Z"', "  }"],
        ),
        (
            "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy",
            {"customHeadersConfig": {"items": [{"header": "h"}]}},
            ["  custom_headers_config {", "    items {", '      header = "h"', "    }", "  }"],
        ),
        (
            "aws:s3/bucketVersioning:BucketVersioning",
            {"versioningConfiguration": {"status": "Enabled"}},
            ["  versioning_configuration {", '    status = "Enabled"', "  }"],
        ),
        (
            "aws:budgets/budget:Budget",
            {"notifications": [{"subscriberEmailAddresses": ["a@b.test"]}]},
            ["  notification {", '    subscriber_email_addresses = ["a@b.test"]', "  }"],
        ),
    ],
)  # fmt: skip
def test_inputs(token: str, inputs: dict[str, Any], lines: list[str]) -> None:
    assert body(token, inputs) == lines


def test_an_argument_that_the_sdk_does_not_know_is_an_error() -> None:
    with pytest.raises(AuditError, match="aws_dynamodb_table has no colour"):
        body("aws:dynamodb/table:Table", {"colour": "blue"})


def test_a_type_that_the_sdk_does_not_have_is_an_error() -> None:
    with pytest.raises(AuditError, match=r"pulumi-aws has no aws:dynamodb/chair:Chair"):
        body("aws:dynamodb/chair:Chair", {})


def test_outputs_refer_to_the_resource() -> None:
    id_, outputs = terraform.outputs("aws:lambda/function:Function", "f", {"name": "f-dev"})
    assert id_ == "${aws_lambda_function.f.id}"
    assert outputs["arn"] == "${aws_lambda_function.f.arn}"
    assert outputs["invokeArn"] == "${aws_lambda_function.f.invoke_arn}"
    assert outputs["name"] == "${aws_lambda_function.f.function_name}"


def test_computed_blocks_refer_as_well() -> None:
    _, outputs = terraform.outputs("aws:acm/certificate:Certificate", "c", {})
    (option,) = outputs["domainValidationOptions"]
    assert option["resourceRecordName"] == (
        "${aws_acm_certificate.c.domain_validation_options[0].resource_record_name}"
    )


def test_what_was_given_stays_as_it_was_given() -> None:
    attributes = [{"name": "id", "type": "S"}]
    _, outputs = terraform.outputs("aws:dynamodb/table:Table", "t", {"attributes": attributes})
    assert outputs["attributes"] == attributes
