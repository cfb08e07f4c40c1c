"""Creates the site's bucket, its objects and its distribution."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import pulumi

from counter_service.local.emulator import MiniStack

from .creator import Created, Creator
from .inputs import Inputs

_WITHOUT_TLS: Final = {"Bool": {"aws:SecureTransport": "false"}}


def create_bucket(aws: MiniStack, inputs: Inputs) -> Created:
    """Create the site's bucket under a random name."""
    name = inputs["bucketPrefix"] + uuid4().hex[:12]
    region = aws.region
    # S3 rejects us-east-1 as a location. A bucket without a location is created there.
    location = {} if region == "us-east-1" else {"LocationConstraint": region}
    aws.client("s3").create_bucket(
        Bucket=name, **({"CreateBucketConfiguration": location} if location else {})
    )
    return name, {
        "arn": f"arn:aws:s3:::{name}",
        "bucket": name,
        "bucketRegionalDomainName": f"{name}.s3.{region}.amazonaws.com",
    }


def create_public_access_block(aws: MiniStack, inputs: Inputs) -> Created:
    """Block public access to a bucket."""
    aws.client("s3").put_public_access_block(
        Bucket=inputs["bucket"],
        PublicAccessBlockConfiguration={
            "BlockPublicAcls": inputs["blockPublicAcls"],
            "BlockPublicPolicy": inputs["blockPublicPolicy"],
            "IgnorePublicAcls": inputs["ignorePublicAcls"],
            "RestrictPublicBuckets": inputs["restrictPublicBuckets"],
        },
    )
    return inputs["bucket"], {}


def create_ownership_controls(aws: MiniStack, inputs: Inputs) -> Created:
    """Set who owns the objects of a bucket."""
    aws.client("s3").put_bucket_ownership_controls(
        Bucket=inputs["bucket"],
        OwnershipControls={"Rules": [{"ObjectOwnership": inputs["rule"]["objectOwnership"]}]},
    )
    return inputs["bucket"], {}


def create_encryption(aws: MiniStack, inputs: Inputs) -> Created:
    """Set the default encryption of a bucket."""
    aws.client("s3").put_bucket_encryption(
        Bucket=inputs["bucket"],
        ServerSideEncryptionConfiguration={
            "Rules": [
                {
                    "ApplyServerSideEncryptionByDefault": {
                        "SSEAlgorithm": rule["applyServerSideEncryptionByDefault"]["sseAlgorithm"]
                    },
                    "BlockedEncryptionTypes": {
                        "EncryptionType": list(rule["blockedEncryptionTypes"])
                    },
                }
                for rule in inputs["rules"]
            ]
        },
    )
    return inputs["bucket"], {}


def create_bucket_policy(aws: MiniStack, inputs: Inputs) -> Created:
    """Set the policy of a bucket, without its statement that requires TLS."""
    # The emulator has no TLS, so the statement that requires it would deny every request.
    policy = json.loads(inputs["policy"])
    kept = [each for each in policy["Statement"] if each.get("Condition") != _WITHOUT_TLS]
    aws.client("s3").put_bucket_policy(
        Bucket=inputs["bucket"], Policy=json.dumps(policy | {"Statement": kept})
    )
    return inputs["bucket"], {}


def create_object(aws: MiniStack, inputs: Inputs) -> Created:
    """Write an object, from a file or from its content."""
    source = inputs.get("source")
    body = (
        Path(source.path).read_bytes()
        if isinstance(source, pulumi.FileAsset)
        else inputs["content"].encode()
    )
    aws.client("s3").put_object(
        Bucket=inputs["bucket"],
        Key=inputs["key"],
        Body=body,
        ContentType=inputs["contentType"],
        CacheControl=inputs["cacheControl"],
    )
    return inputs["key"], {}


def create_access_control(aws: MiniStack, inputs: Inputs) -> Created:
    """Create the access control with which CloudFront reads the bucket."""
    control = aws.client("cloudfront").create_origin_access_control(
        OriginAccessControlConfig={
            "Name": inputs["name"],
            "Description": inputs["description"],
            "OriginAccessControlOriginType": inputs["originAccessControlOriginType"],
            "SigningBehavior": inputs["signingBehavior"],
            "SigningProtocol": inputs["signingProtocol"],
        }
    )["OriginAccessControl"]
    return control["Id"], {}


def create_headers_policy(aws: MiniStack, inputs: Inputs) -> Created:
    """Create the policy that adds the security headers to each response."""
    headers = inputs["securityHeadersConfig"]
    transport = headers["strictTransportSecurity"]
    custom = inputs["customHeadersConfig"].whole("items")
    policy = aws.client("cloudfront").create_response_headers_policy(
        ResponseHeadersPolicyConfig={
            "Name": inputs["name"],
            "SecurityHeadersConfig": {
                "ContentSecurityPolicy": _capitalized(headers.whole("contentSecurityPolicy")),
                "ContentTypeOptions": _capitalized(headers.whole("contentTypeOptions")),
                "ReferrerPolicy": _capitalized(headers.whole("referrerPolicy")),
                "StrictTransportSecurity": {
                    "AccessControlMaxAgeSec": int(transport["accessControlMaxAgeSec"]),
                    "IncludeSubdomains": transport["includeSubdomains"],
                    "Override": transport["override"],
                },
            },
            "CustomHeadersConfig": _items([_capitalized(header) for header in custom]),
        }
    )["ResponseHeadersPolicy"]
    return policy["Id"], {}


def create_edge_function(aws: MiniStack, inputs: Inputs) -> Created:
    """Create a CloudFront function, and publish it unless `publish` is false."""
    client = aws.client("cloudfront")
    name = inputs["name"]
    created = client.create_function(
        Name=name,
        FunctionConfig={"Comment": inputs["comment"], "Runtime": inputs["runtime"]},
        FunctionCode=inputs["code"].encode(),
    )
    if inputs.get("publish", True):
        client.publish_function(Name=name, IfMatch=created["ETag"])
    return name, {"arn": created["FunctionSummary"]["FunctionMetadata"]["FunctionARN"]}


def create_distribution(aws: MiniStack, inputs: Inputs) -> Created:
    """Create the CloudFront distribution of the site."""
    distribution = aws.client("cloudfront").create_distribution(
        DistributionConfig={
            "CallerReference": uuid4().hex,
            "Comment": inputs["comment"],
            "Enabled": inputs["enabled"],
            "HttpVersion": inputs["httpVersion"],
            "IsIPV6Enabled": inputs["isIpv6Enabled"],
            "PriceClass": inputs["priceClass"],
            "DefaultRootObject": inputs["defaultRootObject"],
            "Origins": _items(
                [
                    {
                        "Id": origin["originId"],
                        "DomainName": origin["domainName"],
                        "OriginAccessControlId": origin["originAccessControlId"],
                        "S3OriginConfig": {"OriginAccessIdentity": ""},
                    }
                    for origin in inputs["origins"]
                ]
            ),
            "DefaultCacheBehavior": _behavior(inputs["defaultCacheBehavior"]),
            "CacheBehaviors": _items([_behavior(each) for each in inputs["orderedCacheBehaviors"]]),
            "CustomErrorResponses": _items(
                [
                    {
                        "ErrorCode": int(error["errorCode"]),
                        "ErrorCachingMinTTL": int(error["errorCachingMinTtl"]),
                    }
                    for error in inputs["customErrorResponses"]
                ]
            ),
            "Restrictions": {
                "GeoRestriction": {
                    "RestrictionType": inputs["restrictions"]["geoRestriction"]["restrictionType"],
                    "Quantity": 0,
                }
            },
            "ViewerCertificate": {
                "CloudFrontDefaultCertificate": inputs["viewerCertificate"][
                    "cloudfrontDefaultCertificate"
                ]
            },
        }
    )["Distribution"]
    return distribution["Id"], {
        "arn": distribution["ARN"],
        "domainName": distribution["DomainName"],
    }


def _behavior(inputs: Inputs) -> dict[str, Any]:
    functions = [
        {"EventType": each["eventType"], "FunctionARN": each["functionArn"]}
        for each in inputs.get("functionAssociations", [])
    ]
    pattern = {"PathPattern": inputs["pathPattern"]} if "pathPattern" in inputs else {}
    return pattern | {
        "TargetOriginId": inputs["targetOriginId"],
        "ViewerProtocolPolicy": inputs["viewerProtocolPolicy"],
        "AllowedMethods": _items(inputs["allowedMethods"])
        | {"CachedMethods": _items(inputs["cachedMethods"])},
        "Compress": inputs["compress"],
        "CachePolicyId": inputs["cachePolicyId"],
        "ResponseHeadersPolicyId": inputs["responseHeadersPolicyId"],
        "FunctionAssociations": _items(functions),
    }


def _items(items: list[Any]) -> dict[str, Any]:
    """A list in CloudFront's form."""
    return {"Quantity": len(items), "Items": items}


def _capitalized(values: Mapping[str, Any]) -> dict[str, Any]:
    """The object with CloudFront's names, which differ only in the case of their first letter."""
    return {key[0].upper() + key[1:]: value for key, value in values.items()}


CREATORS: Final[Mapping[str, Creator]] = {
    "aws:cloudfront/distribution:Distribution": Creator(create_distribution),
    "aws:cloudfront/function:Function": Creator(create_edge_function),
    "aws:cloudfront/originAccessControl:OriginAccessControl": Creator(create_access_control),
    "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy": Creator(create_headers_policy),
    "aws:s3/bucket:Bucket": Creator(
        create_bucket,
        ignored={"forceDestroy": "The emulator keeps nothing that could be destroyed later."},
    ),
    "aws:s3/bucketObjectv2:BucketObjectv2": Creator(create_object),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": Creator(create_ownership_controls),
    "aws:s3/bucketPolicy:BucketPolicy": Creator(create_bucket_policy),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": Creator(create_public_access_block),
    (
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
    ): Creator(create_encryption),
}
