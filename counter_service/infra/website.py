"""The page: a private bucket, CloudFront in front of it, and the files."""

import re
from pathlib import Path
from typing import Any, Final

import pulumi
import pulumi_aws as aws

from . import site_files, site_policies
from .settings import Settings
from .site_files import SiteFile

SITE: Final = "website"
PATH: Final = "/realtime-counter"
ROUTE: Final = Path(__file__).with_name("site_route.js")

# docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html
CACHING_OPTIMIZED: Final = "658327ea-f89d-4fab-a63d-7e88639e58f6"
CACHING_DISABLED: Final = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"

_BUCKET_PREFIX_LENGTH: Final = 37  # the provider adds 26 characters to it, and 63 is the end


class Website(pulumi.ComponentResource):
    """The page at `url`. `origin`, such as https://d111111abcdef8.cloudfront.net, is what browsers
    send when it connects to the API.
    """

    origin: pulumi.Output[str]
    url: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        settings: Settings,
        files: tuple[SiteFile, ...],
        web_socket_url: pulumi.Output[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("counter:infra:Website", name, {}, opts)
        self._settings = settings
        bucket = self._bucket()
        distribution = self._distribution(bucket, web_socket_url)
        self._secure(bucket, distribution)
        self._upload(bucket, files, web_socket_url)
        self.origin = pulumi.Output.concat("https://", distribution.domain_name)
        self.url = pulumi.Output.concat(self.origin, PATH)
        self.register_outputs({"url": self.url})

    def _after(self, *resources: pulumi.Resource, retain: bool = False) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(
            parent=self, depends_on=list(resources), retain_on_delete=retain
        )

    def _bucket(self) -> aws.s3.Bucket:
        return aws.s3.Bucket(
            f"{SITE}-bucket",
            bucket_prefix=bucket_prefix(self._settings.stack),
            # All of it comes from a build, and old assets are in no state that could delete them.
            force_destroy=True,
            opts=self._after(),
        )

    def _secure(self, bucket: aws.s3.Bucket, distribution: aws.cloudfront.Distribution) -> None:
        # One after the other: S3 answers 409 to changes of one bucket at the same time.
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
            rules=[{"apply_server_side_encryption_by_default": {"sse_algorithm": "AES256"}}],
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

    def _distribution(
        self, bucket: aws.s3.Bucket, web_socket_url: pulumi.Output[str]
    ) -> aws.cloudfront.Distribution:
        # CloudFront's names are global, stacks are regional.
        physical_name = f"{self._settings.physical_name(SITE)}-{self._settings.region}"
        access = aws.cloudfront.OriginAccessControl(
            f"{SITE}-access",
            name=physical_name,
            description="Signs the distribution's requests to its bucket",
            origin_access_control_origin_type="s3",
            signing_behavior="always",
            signing_protocol="sigv4",
            opts=self._after(),
        )
        headers = aws.cloudfront.ResponseHeadersPolicy(
            f"{SITE}-headers",
            name=physical_name,
            security_headers_config=site_policies.security_headers(web_socket_url),
            custom_headers_config=site_policies.CUSTOM_HEADERS,
            opts=self._after(),
        )
        route = aws.cloudfront.Function(
            f"{SITE}-route",
            name=physical_name,
            comment="Leads every route of the page to index.html",
            runtime="cloudfront-js-2.0",
            code=ROUTE.read_text(),
            publish=True,
            opts=self._after(),
        )
        shared: dict[str, Any] = {
            "target_origin_id": "bucket",
            "viewer_protocol_policy": "redirect-to-https",
            "allowed_methods": ["GET", "HEAD"],
            "cached_methods": ["GET", "HEAD"],
            "compress": True,  # where the cache policy has it: CachingDisabled does not
            "response_headers_policy_id": headers.id,
        }
        return aws.cloudfront.Distribution(
            f"{SITE}-distribution",
            comment=f"Realtime counter, {self._settings.stack}",
            enabled=True,
            http_version="http2and3",
            is_ipv6_enabled=True,
            price_class="PriceClass_100",
            default_root_object=site_files.INDEX,
            origins=[
                aws.cloudfront.DistributionOriginArgs(
                    origin_id="bucket",
                    # The regional name: CloudFront would hand on the global one's redirects.
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
            # No error page: what is missing stays an error. S3 says 403 for it to those who may
            # not list the bucket, and the next deployment may have it.
            custom_error_responses=[{"error_code": 403, "error_caching_min_ttl": 0}],
            restrictions={"geo_restriction": {"restriction_type": "none"}},
            # With its own certificate CloudFront takes TLSv1 and newer, whatever is asked for:
            # a higher minimum needs a certificate, and thus a domain name, of the site's own.
            viewer_certificate={"cloudfront_default_certificate": True},
            opts=self._after(),
        )

    def _upload(
        self,
        bucket: aws.s3.Bucket,
        files: tuple[SiteFile, ...],
        web_socket_url: pulumi.Output[str],
    ) -> None:
        def upload(file: SiteFile, opts: pulumi.ResourceOptions) -> aws.s3.BucketObjectv2:
            return aws.s3.BucketObjectv2(
                f"{SITE}/{file.key}",
                bucket=bucket.bucket,
                key=file.key,
                source=pulumi.FileAsset(str(file.path)),
                content_type=file.content_type,
                cache_control=file.cache_control,
                opts=opts,
            )

        # Open tabs go on asking for the assets of their own build: docs/adr/0007.
        first = [
            upload(file, self._after(retain=file.hashed))
            for file in files
            if file.key != site_files.INDEX
        ]
        config = aws.s3.BucketObjectv2(
            f"{SITE}/{site_files.CONFIG}",
            bucket=bucket.bucket,
            key=site_files.CONFIG,
            content=pulumi.Output.json_dumps({"webSocketUrl": web_socket_url}),
            content_type=site_files.content_type(site_files.CONFIG),
            cache_control=site_files.CHECKED,
            opts=self._after(*first),
        )
        # Last: by then all that it names is there.
        for file in files:
            if file.key == site_files.INDEX:
                upload(file, self._after(*first, config))


def bucket_prefix(stack: str) -> str:
    """Buckets of all accounts share their names, in which only a-z, 0-9 and hyphens may be."""
    name = re.sub(r"[^a-z0-9]", "-", f"{SITE}-{stack}".lower())
    return name[: _BUCKET_PREFIX_LENGTH - 1] + "-"
