"""What of the site is not created as declared, and why. All else: tests/e2e/test_website.py."""

import json
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest

from counter_service.local import site_resources
from counter_service.local.emulator import Emulator
from counter_service.local.resources import EmulatedAws


class Recording(EmulatedAws):
    """Gives every service the one client, which does nothing."""

    def __init__(self, region: str) -> None:
        super().__init__(Emulator(region, Path("never-started.log")))
        self.recorded = MagicMock()

    def client(self, service: str) -> Any:
        return self.recorded


@pytest.mark.parametrize(
    ("region", "configuration"),
    [
        ("eu-central-1", {"CreateBucketConfiguration": {"LocationConstraint": "eu-central-1"}}),
        ("us-east-1", {}),  # S3 refuses it by name
    ],
)
def test_a_bucket_is_in_the_stacks_region(region: str, configuration: dict[str, Any]) -> None:
    aws = Recording(region)
    name, outputs = site_resources.create_bucket(aws, {"bucketPrefix": "website-dev-"})
    aws.recorded.create_bucket.assert_called_once_with(Bucket=name, **configuration)
    assert name.startswith("website-dev-")
    assert outputs == {
        "arn": f"arn:aws:s3:::{name}",
        "bucket": name,
        "bucketRegionalDomainName": f"{name}.s3.{region}.amazonaws.com",
    }


def test_the_policy_is_stored_without_what_needs_tls() -> None:
    aws = Recording("eu-central-1")
    allow = {"Sid": "Reads", "Condition": {"StringEquals": {"AWS:SourceArn": "arn"}}}
    deny = {"Sid": "TlsOnly", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    other = {"Sid": "Unconditional"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow, deny, other]})
    site_resources.create_bucket_policy(aws, {"bucket": "b", "policy": policy})
    stored = json.loads(aws.recorded.put_bucket_policy.call_args.kwargs["Policy"])
    assert stored == {"Version": "2012-10-17", "Statement": [allow, other]}
