"""Resources that the site's creators do not create as declared. The rest: e2e/test_website.py."""

import json
from typing import Any

import pytest

from counter_service.local.creators import site
from counter_service.local.creators.inputs import Inputs

from .aws import RecordingAws


@pytest.mark.parametrize(
    ("region", "configuration"),
    [
        ("eu-central-1", {"CreateBucketConfiguration": {"LocationConstraint": "eu-central-1"}}),
        ("us-east-1", {}),  # S3 refuses it by name
    ],
)
def test_create_bucket_names_every_region_except_us_east_1(
    region: str, configuration: dict[str, Any]
) -> None:
    aws = RecordingAws(region)
    name, outputs = site.create_bucket(aws, Inputs({"bucketPrefix": "website-dev-"}))
    aws.recorded.create_bucket.assert_called_once_with(Bucket=name, **configuration)
    assert name.startswith("website-dev-")
    assert outputs == {
        "arn": f"arn:aws:s3:::{name}",
        "bucket": name,
        "bucketRegionalDomainName": f"{name}.s3.{region}.amazonaws.com",
    }


def test_create_bucket_policy_leaves_out_the_statement_that_requires_tls() -> None:
    aws = RecordingAws()
    allow = {"Sid": "Reads", "Condition": {"StringEquals": {"AWS:SourceArn": "arn"}}}
    deny = {"Sid": "TlsOnly", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    other = {"Sid": "Unconditional"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow, deny, other]})
    site.create_bucket_policy(aws, Inputs({"bucket": "b", "policy": policy}))
    stored = json.loads(aws.recorded.put_bucket_policy.call_args.kwargs["Policy"])
    assert stored == {"Version": "2012-10-17", "Statement": [allow, other]}
