"""Resources that are wrong on purpose. A scanner that lets them pass proves nothing about ours.

They go the whole way, from Pulumi's names to checkov's findings, so a mapping that loses what a
check reads is noticed as well.
"""

import json
from pathlib import Path
from typing import Any, Final

from . import checkov, terraform
from .errors import AuditError
from .graph import Registered

STACK: Final = "planted"

RESOURCES: Final = (
    Registered("aws:s3/bucket:Bucket", "open", {"bucket": "open", "acl": "public-read"}),
    Registered(
        "aws:dynamodb/table:Table",
        "bare",
        {"name": "bare", "hashKey": "id", "attributes": [{"name": "id", "type": "S"}]},
    ),
    Registered(
        "aws:iam/rolePolicy:RolePolicy",
        "everything",
        {
            "role": "somebody",
            "policy": json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
                }
            ),
        },
    ),
    Registered(
        "aws:cloudfront/distribution:Distribution",
        "plain",
        {
            "enabled": True,
            "defaultCacheBehavior": {
                "targetOriginId": "site",
                "viewerProtocolPolicy": "allow-all",
                "allowedMethods": ["GET"],
                "cachedMethods": ["GET"],
            },
            "origins": [{"originId": "site", "domainName": "site.example.com"}],
        },
    ),
)

EXPECTED: Final = {
    ("CKV_AWS_20", "aws_s3_bucket.open"),  # readable by everyone
    ("CKV2_AWS_6", "aws_s3_bucket.open"),  # no public access block refers to it
    ("CKV_AWS_119", "aws_dynamodb_table.bare"),  # no key of its own
    ("CKV_AWS_28", "aws_dynamodb_table.bare"),  # no backups
    ("CKV_AWS_62", "aws_iam_role_policy.everything"),  # all actions on all resources
    ("CKV_AWS_34", "aws_cloudfront_distribution.plain"),  # plain http
}


def prove(tool: Path) -> None:
    """Raises AuditError when checkov misses one of them."""
    found: list[Any] = checkov.scan(tool, STACK, terraform.configuration(RESOURCES))
    missed = EXPECTED - {(finding.check, finding.resource) for finding in found}
    if missed:
        names = ", ".join(f"{check} on {resource}" for check, resource in sorted(missed))
        raise AuditError(f"checkov does not find what was planted for it: {names}.")
