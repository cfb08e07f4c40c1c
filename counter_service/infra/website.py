"""The page: its files in a private bucket, which CloudFront serves.

It is created in two steps, because the function needs the site's origin, and the page needs an
address that works. The site comes first (`Website`), then the function, the stage and the domain,
then the files that name the address (`Website.publish`).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pulumi
import pulumi_aws as aws

from . import site_files, site_policies
from .names import Names
from .site_files import SiteFile

SITE: Final = "website"
PATH: Final = "/realtime-counter"
ROUTE: Final = Path(__file__).with_name("site_route.js")

# docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html
CACHING_OPTIMIZED: Final = "658327ea-f89d-4fab-a63d-7e88639e58f6"
CACHING_DISABLED: Final = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"

_BUCKET_PREFIX_LENGTH: Final = 37  # the provider adds 26 characters, and S3 allows 63


@dataclass(frozen=True, slots=True, kw_only=True)
class WebsiteArgs:
    """Arguments of Website.

    Args:
        files: The files of the built page.
        web_socket_urls: Addresses that the page may connect to, for its content security policy.
    """

    names: Names
    files: Sequence[SiteFile]
    web_socket_urls: Sequence[pulumi.Output[str]]


class Website(pulumi.ComponentResource):
    """The hosted page. It works after `publish` has uploaded config.json and index.html.

    Attributes:
        origin: Origin that browsers send to the API, such as https://d111111abcdef8.cloudfront.net.
        url: URL of the page.
    """

    origin: pulumi.Output[str]
    url: pulumi.Output[str]

    def __init__(
        self, name: str, args: WebsiteArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("counter:infra:Website", name, {}, opts)
        self._args = args
        bucket = self._create_bucket()
        distribution = self._create_distribution(bucket)
        self._secure(bucket, distribution)
        self._bucket = bucket
        self._uploaded = self._upload_all_but_index()
        self.origin = pulumi.Output.concat("https://", distribution.domain_name)
        self.url = pulumi.Output.concat(self.origin, PATH)
        self.register_outputs({"url": self.url})

    def publish(self, web_socket_url: pulumi.Output[str], after: Sequence[pulumi.Resource]) -> None:
        """Upload config.json, which contains the API's address, and then index.html.

        Args:
            web_socket_url: Where the page connects.
            after: The resources that serve this address. A page that learns the address before
                they exist cannot connect, and resolvers keep the missing DNS record for minutes.
        """
        config = aws.s3.BucketObjectv2(
            f"{SITE}/{site_files.CONFIG}",
            bucket=self._bucket.bucket,
            key=site_files.CONFIG,
            content=pulumi.Output.json_dumps({"webSocketUrl": web_socket_url}),
            content_type=site_files.content_type(site_files.CONFIG),
            cache_control=site_files.CHECKED,
            opts=self._after(*self._uploaded, *after),
        )
        for file in self._args.files:
            if file.key == site_files.INDEX:  # last, because it names the others
                self._upload(file, self._after(*self._uploaded, config))

    def _after(self, *resources: pulumi.Resource, retain: bool = False) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(
            parent=self, depends_on=list(resources), retain_on_delete=retain
        )

    def _create_bucket(self) -> aws.s3.Bucket:
        return aws.s3.Bucket(
            f"{SITE}-bucket",
            bucket_prefix=bucket_prefix(self._args.names.stack),
            # Old assets are no longer in the state (ADR 7), so `pulumi destroy` cannot delete them
            # one by one. Every file comes from a build, so none is lost.
            force_destroy=True,
            opts=self._after(),
        )

    def _secure(self, bucket: aws.s3.Bucket, distribution: aws.cloudfront.Distribution) -> None:
        # One after the other, because S3 responds with 409 to concurrent changes of one bucket.
        private = aws.s3.BucketPublicAccessBlock(
            f"{SITE}-private",
            bucket=bucket.bucket,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=self._after(),
        )
        owned = aws.s3.BucketOwnershipControls(
            f"{SITE}-ownership",
            bucket=bucket.bucket,
            rule={"object_ownership": "BucketOwnerEnforced"},
            opts=self._after(private),
        )
        encrypted = aws.s3.BucketServerSideEncryptionConfiguration(
            f"{SITE}-encryption",
            bucket=bucket.bucket,
            rules=[
                {
                    "apply_server_side_encryption_by_default": {"sse_algorithm": "AES256"},
                    # S3's default. If it is left out, every preview shows it as a change.
                    "blocked_encryption_types": ["SSE-C"],
                }
            ],
            opts=self._after(owned),
        )
        aws.s3.BucketPolicy(
            f"{SITE}-policy",
            bucket=bucket.bucket,
            policy=pulumi.Output.json_dumps(
                site_policies.bucket_policy(
                    bucket_arn=bucket.arn, distribution_arn=distribution.arn
                )
            ),
            opts=self._after(encrypted),
        )

    def _create_distribution(self, bucket: aws.s3.Bucket) -> aws.cloudfront.Distribution:
        access = aws.cloudfront.OriginAccessControl(
            f"{SITE}-access",
            name=self._args.names.global_name(SITE),
            description="Signs the distribution's requests to its bucket",
            origin_access_control_origin_type="s3",
            signing_behavior="always",
            signing_protocol="sigv4",
            opts=self._after(),
        )
        route = aws.cloudfront.Function(
            f"{SITE}-route",
            name=self._args.names.global_name(SITE),
            comment="Leads every route of the page to index.html",
            runtime="cloudfront-js-2.0",
            code=ROUTE.read_text(encoding="utf-8"),
            publish=True,
            opts=self._after(),
        )
        shared: dict[str, Any] = {
            "target_origin_id": "bucket",
            "viewer_protocol_policy": "redirect-to-https",
            "allowed_methods": ["GET", "HEAD"],
            "cached_methods": ["GET", "HEAD"],
            "compress": True,  # CachingOptimized only; CachingDisabled does not compress
            "response_headers_policy_id": self._create_headers().id,
        }
        return aws.cloudfront.Distribution(
            f"{SITE}-distribution",
            comment=f"Realtime counter, {self._args.names.stack}",
            enabled=True,
            http_version="http2and3",
            is_ipv6_enabled=True,
            price_class="PriceClass_100",
            default_root_object=site_files.INDEX,
            origins=[
                aws.cloudfront.DistributionOriginArgs(
                    origin_id="bucket",
                    # The regional name, because S3 redirects requests to the global one, and
                    # CloudFront would pass the redirect on.
                    domain_name=bucket.bucket_regional_domain_name,
                    origin_access_control_id=access.id,
                )
            ],
            default_cache_behavior=aws.cloudfront.DistributionDefaultCacheBehaviorArgs(
                cache_policy_id=CACHING_DISABLED,
                function_associations=[
                    aws.cloudfront.DistributionDefaultCacheBehaviorFunctionAssociationArgs(
                        event_type="viewer-request", function_arn=route.arn
                    )
                ],
                **shared,
            ),
            ordered_cache_behaviors=[
                aws.cloudfront.DistributionOrderedCacheBehaviorArgs(
                    path_pattern="/assets/*", cache_policy_id=CACHING_OPTIMIZED, **shared
                )
            ],
            # A missing file stays an error, because caches must not keep a page in its place. S3
            # responds with 403, because CloudFront may not list the bucket. Do not cache the error,
            # because the next deployment may have the file.
            custom_error_responses=[{"error_code": 403, "error_caching_min_ttl": 0}],
            restrictions={"geo_restriction": {"restriction_type": "none"}},
            # CloudFront's own certificate allows TLSv1, whatever minimum is set. A higher minimum
            # needs a certificate for a domain name of the site's own.
            viewer_certificate={"cloudfront_default_certificate": True},
            opts=self._after(),
        )

    def _create_headers(self) -> aws.cloudfront.ResponseHeadersPolicy:
        return aws.cloudfront.ResponseHeadersPolicy(
            f"{SITE}-headers",
            name=self._args.names.global_name(SITE),
            security_headers_config=site_policies.security_headers(self._args.web_socket_urls),
            custom_headers_config=site_policies.CUSTOM_HEADERS,
            opts=self._after(),
        )

    def _upload_all_but_index(self) -> list[pulumi.Resource]:
        # Retain hashed files, because open tabs still load the assets of their own build (ADR 7).
        return [
            self._upload(file, self._after(retain=file.hashed))
            for file in self._args.files
            if file.key != site_files.INDEX
        ]

    def _upload(self, file: SiteFile, opts: pulumi.ResourceOptions) -> aws.s3.BucketObjectv2:
        return aws.s3.BucketObjectv2(
            f"{SITE}/{file.key}",
            bucket=self._bucket.bucket,
            key=file.key,
            source=pulumi.FileAsset(str(file.path)),
            content_type=file.content_type,
            cache_control=file.cache_control,
            opts=opts,
        )


def bucket_prefix(stack: str) -> str:
    """A prefix of a-z, 0-9 and hyphens, to which the provider adds a random part.

    S3's names are global, so another account may have any fixed name.
    """
    name = re.sub(r"[^a-z0-9]", "-", f"{SITE}-{stack}".lower())
    return name[: _BUCKET_PREFIX_LENGTH - 1] + "-"
