"""The bucket's policy and the security headers of the site, as data."""

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

import pulumi
import pulumi_aws as aws

from .policies import PolicyDocument

A_YEAR_SECONDS: Final = 365 * 24 * 60 * 60

# The page uses none of these features, so injected code cannot use them either.
PERMISSIONS: Final = ", ".join(
    f"{feature}=()"
    for feature in (
        *("accelerometer", "autoplay", "camera", "display-capture", "geolocation", "gyroscope"),
        *("hid", "magnetometer", "microphone", "midi", "payment", "serial", "usb"),
    )
)
# CloudFront has no field for this header.
CUSTOM_HEADERS: Final[aws.cloudfront.ResponseHeadersPolicyCustomHeadersConfigArgsDict] = {
    "items": [{"header": "Permissions-Policy", "value": PERMISSIONS, "override": True}]
}


def bucket_policy(
    *, bucket_arn: pulumi.Input[str], distribution_arn: pulumi.Input[str]
) -> PolicyDocument:
    """Lets only the distribution read objects, and rejects every request without TLS."""
    objects = pulumi.Output.concat(bucket_arn, "/*")
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "DistributionReads",
                "Effect": "Allow",
                "Principal": {"Service": "cloudfront.amazonaws.com"},
                "Action": ["s3:GetObject"],
                "Resource": objects,
                # The distributions of all accounts have the same principal, so require our ARN.
                "Condition": {"StringEquals": {"AWS:SourceArn": distribution_arn}},
            },
            {
                "Sid": "TlsOnly",
                "Effect": "Deny",
                "Principal": "*",
                "Action": ["s3:*"],
                "Resource": [bucket_arn, objects],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            },
        ],
    }


def content_security_policy(web_socket_urls: Sequence[str]) -> str:
    """The policy of a page that loads only its own files and opens WebSockets to these URLs.

    It names each WebSocket's origin, because 'self' does not cover another host, and in some
    browsers does not cover wss: either.
    """
    urls = map(urlsplit, web_socket_urls)
    origins = dict.fromkeys(f"{url.scheme}://{url.netloc}" for url in urls)
    return "; ".join(
        [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self'",
            f"connect-src 'self' {' '.join(origins)}",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        ]
    )


def security_headers(
    web_socket_urls: Sequence[pulumi.Output[str]],
) -> aws.cloudfront.ResponseHeadersPolicySecurityHeadersConfigArgsDict:
    """The headers that CloudFront has fields for."""
    return {
        "content_security_policy": {
            "content_security_policy": pulumi.Output.all(*web_socket_urls).apply(
                content_security_policy
            ),
            "override": True,
        },
        "content_type_options": {"override": True},
        "referrer_policy": {"referrer_policy": "no-referrer", "override": True},
        "strict_transport_security": {
            "access_control_max_age_sec": A_YEAR_SECONDS,
            "include_subdomains": True,
            "override": True,
        },
    }
