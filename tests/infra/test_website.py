"""The hosted page, as registered."""

import json

import pytest

from counter_service.infra import site_policies
from counter_service.infra.website import ROUTE, bucket_prefix

from . import page
from .recorder import ACCOUNT, REGION, Graph, Resource, dev, record

BUCKET = "aws:s3/bucket:Bucket"
OBJECT = "aws:s3/bucketObjectv2:BucketObjectv2"
PRIVATE = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
OWNERSHIP = "aws:s3/bucketOwnershipControls:BucketOwnershipControls"
ENCRYPTION = (
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
)
POLICY = "aws:s3/bucketPolicy:BucketPolicy"
DISTRIBUTION = "aws:cloudfront/distribution:Distribution"
ACCESS = "aws:cloudfront/originAccessControl:OriginAccessControl"
HEADERS = "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy"
FUNCTION = "aws:cloudfront/function:Function"

BUCKET_NAME = "website-dev-20260101000000000000000001"
BUCKET_ARN = f"arn:aws:s3:::{BUCKET_NAME}"
DISTRIBUTION_ARN = f"arn:aws:cloudfront::{ACCOUNT}:distribution/E1ABCDEFGHIJKL"
CACHING_OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"
CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"


@pytest.fixture(scope="module")
def graph() -> Graph:
    return dev()


def objects(graph: Graph) -> dict[str, Resource]:
    return {each.inputs["key"]: each for each in graph.of(OBJECT)}


# --- bucket -------------------------------------------------------------------------------------


def test_bucket_is_private_in_every_way(graph: Graph) -> None:
    assert graph.one(PRIVATE).inputs == {
        "bucket": BUCKET_NAME,
        "blockPublicAcls": True,
        "blockPublicPolicy": True,
        "ignorePublicAcls": True,
        "restrictPublicBuckets": True,
    }
    assert graph.one(OWNERSHIP).inputs == {
        "bucket": BUCKET_NAME,
        "rule": {"objectOwnership": "BucketOwnerEnforced"},
    }


def test_bucket_is_encrypted(graph: Graph) -> None:
    assert graph.one(ENCRYPTION).inputs == {
        "bucket": BUCKET_NAME,
        "rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}],
    }


def test_only_the_distribution_reads_and_nothing_goes_without_tls(graph: Graph) -> None:
    policy = graph.one(POLICY).inputs
    assert policy["bucket"] == BUCKET_NAME
    assert json.loads(policy["policy"]) == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "DistributionReads",
                "Effect": "Allow",
                "Principal": {"Service": "cloudfront.amazonaws.com"},
                "Action": ["s3:GetObject"],
                "Resource": f"{BUCKET_ARN}/*",
                "Condition": {"StringEquals": {"AWS:SourceArn": DISTRIBUTION_ARN}},
            },
            {
                "Sid": "TlsOnly",
                "Effect": "Deny",
                "Principal": "*",
                "Action": ["s3:*"],
                "Resource": [BUCKET_ARN, f"{BUCKET_ARN}/*"],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            },
        ],
    }


def test_bucket_is_set_up_one_change_after_the_other(graph: Graph) -> None:
    # S3 answers 409 OperationAborted to changes of one bucket at the same time.
    steps = [graph.one(each) for each in (PRIVATE, OWNERSHIP, ENCRYPTION, POLICY)]
    urns = {step.urn for step in steps}
    assert [len(urns & graph.upstream(step)) for step in steps] == [0, 1, 2, 3]


def test_destroy_takes_the_old_assets_too(graph: Graph) -> None:
    assert graph.one(BUCKET).inputs["forceDestroy"] is True


@pytest.mark.parametrize(
    ("stack", "prefix"),
    [
        ("dev", "website-dev-"),
        ("Feature_X", "website-feature-x-"),
        ("x" * 32, "website-" + "x" * 28 + "-"),
    ],
)
def test_bucket_names_are_what_s3_takes(stack: str, prefix: str) -> None:
    assert bucket_prefix(stack) == prefix
    assert len(prefix) <= 37


# --- distribution -------------------------------------------------------------------------------


def test_distribution_signs_its_requests_to_the_bucket(graph: Graph) -> None:
    access = graph.one(ACCESS).inputs
    assert access["originAccessControlOriginType"] == "s3"
    assert access["signingBehavior"] == "always"
    assert access["signingProtocol"] == "sigv4"
    assert graph.one(DISTRIBUTION).inputs["origins"] == [
        {
            "originId": "bucket",
            "domainName": f"{BUCKET_NAME}.s3.{REGION}.amazonaws.com",
            "originAccessControlId": "website-access-id",
        }
    ]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("enabled", True),
        ("defaultRootObject", "index.html"),
        ("httpVersion", "http2and3"),
        ("isIpv6Enabled", True),
        ("priceClass", "PriceClass_100"),
        ("restrictions", {"geoRestriction": {"restrictionType": "none"}}),
        # AWS refuses a minimum of TLS with CloudFront's own certificate.
        ("viewerCertificate", {"cloudfrontDefaultCertificate": True}),
        # No page in the place of an error, and no error that stays.
        ("customErrorResponses", [{"errorCode": 403, "errorCachingMinTtl": 0}]),
    ],
)
def test_distribution(graph: Graph, key: str, value: object) -> None:
    assert graph.one(DISTRIBUTION).inputs[key] == value


SHARED = {
    "targetOriginId": "bucket",
    "viewerProtocolPolicy": "redirect-to-https",
    "allowedMethods": ["GET", "HEAD"],
    "cachedMethods": ["GET", "HEAD"],
    "compress": True,
    "responseHeadersPolicyId": "website-headers-id",
}


def test_assets_are_cached_and_are_never_index_html(graph: Graph) -> None:
    assert graph.one(DISTRIBUTION).inputs["orderedCacheBehaviors"] == [
        SHARED | {"pathPattern": "/assets/*", "cachePolicyId": CACHING_OPTIMIZED}
    ]


def test_all_else_is_asked_for_each_time_and_routes_are_index_html(graph: Graph) -> None:
    arn = f"arn:aws:cloudfront::{ACCOUNT}:function/website-dev-{REGION}"
    assert graph.one(DISTRIBUTION).inputs["defaultCacheBehavior"] == SHARED | {
        "cachePolicyId": CACHING_DISABLED,
        "functionAssociations": [{"eventType": "viewer-request", "functionArn": arn}],
    }
    route = graph.one(FUNCTION).inputs
    assert route["publish"] is True
    assert route["runtime"] == "cloudfront-js-2.0"
    assert route["code"] == ROUTE.read_text()
    assert len(route["code"]) < 10_000  # CloudFront's limit


# --- headers ------------------------------------------------------------------------------------


def test_security_headers(graph: Graph) -> None:
    policy = graph.one(HEADERS).inputs
    assert policy["securityHeadersConfig"] == {
        "contentSecurityPolicy": {
            "contentSecurityPolicy": (
                "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
                f"connect-src 'self' wss://a1b2c3d4e5.execute-api.{REGION}.amazonaws.com; "
                "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
            ),
            "override": True,
        },
        "contentTypeOptions": {"override": True},
        "referrerPolicy": {"referrerPolicy": "no-referrer", "override": True},
        "strictTransportSecurity": {
            "accessControlMaxAgeSec": 31_536_000,
            "includeSubdomains": True,
            "override": True,
        },
    }


def test_the_page_may_use_no_device(graph: Graph) -> None:
    (header,) = graph.one(HEADERS).inputs["customHeadersConfig"]["items"]
    assert header["header"] == "Permissions-Policy"
    features = header["value"].split(", ")
    assert {"camera=()", "geolocation=()", "microphone=()", "payment=()"} <= set(features)
    assert [each for each in features if not each.endswith("=()")] == []


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("wss://ws.example.com/prod", "wss://ws.example.com"),
        ("ws://127.0.0.1:4566/_aws/execute-api/a1/prod", "ws://127.0.0.1:4566"),
    ],
)
def test_content_security_policy_names_the_origin_of_the_socket(url: str, origin: str) -> None:
    assert f"connect-src 'self' {origin};" in site_policies.content_security_policy(url)


# --- files --------------------------------------------------------------------------------------


def test_every_file_is_uploaded_as_what_it_is(graph: Graph) -> None:
    a_year = "public, max-age=31536000, immutable"
    assert {
        key: (each.inputs["contentType"], each.inputs["cacheControl"])
        for key, each in objects(graph).items()
    } == {
        "assets/index-BkQ_4f-x.css": ("text/css; charset=utf-8", a_year),
        "assets/index-RP0Vahn5.js": ("text/javascript; charset=utf-8", a_year),
        "favicon.svg": ("image/svg+xml", "no-cache"),
        "index.html": ("text/html; charset=utf-8", "no-cache"),
        "config.json": ("application/json", "no-cache"),
    }
    assert {each.inputs["bucket"] for each in graph.of(OBJECT)} == {BUCKET_NAME}


def test_files_are_those_of_the_build(graph: Graph) -> None:
    sources = {
        key: each.inputs["source"].path
        for key, each in objects(graph).items()
        if "source" in each.inputs
    }
    assert sources.keys() == page.BUILT.keys()
    for key, path in sources.items():
        assert path.endswith(f"/dist/{key}")


def test_config_json_says_where_to_connect(graph: Graph) -> None:
    content = json.loads(objects(graph)["config.json"].inputs["content"])
    assert content == {"webSocketUrl": graph.outputs["WebSocketApiEndpoint"]}


def test_logical_names_come_from_the_keys_alone(graph: Graph) -> None:
    # A renamed resource would be deleted and made again, in this order, under one key.
    assert {each.name for each in graph.of(OBJECT)} == {
        f"website/{key}" for key in [*page.BUILT, "config.json"]
    }


def test_index_html_comes_last(graph: Graph) -> None:
    files = objects(graph)
    everything_else = {each.urn for key, each in files.items() if key != "index.html"}
    assert everything_else <= graph.upstream(files["index.html"])


def test_config_json_comes_after_the_assets(graph: Graph) -> None:
    files = objects(graph)
    assets = {each.urn for key, each in files.items() if key.startswith("assets/")}
    assert assets
    assert assets <= graph.upstream(files["config.json"])


def test_assets_outlive_their_build(graph: Graph) -> None:
    # Tabs that were opened before a deployment still ask for them.
    kept = {key for key, each in objects(graph).items() if each.retain_on_delete}
    assert kept == {"assets/index-BkQ_4f-x.css", "assets/index-RP0Vahn5.js"}


# --- stack --------------------------------------------------------------------------------------


def test_the_url_is_that_of_the_counter(graph: Graph) -> None:
    assert graph.outputs["WebsiteUrl"] == "https://d111111abcdef8.cloudfront.net/realtime-counter"


def test_without_a_website_nothing_of_it_is_there() -> None:
    graph = record(website="false")
    assert [r for r in graph.resources if r.type.startswith(("aws:s3/", "aws:cloudfront/"))] == []
    assert graph.of("counter:infra:Website") == []
    assert "WebsiteUrl" not in graph.outputs


def test_the_website_waits_for_the_api_alone(graph: Graph) -> None:
    # The function knows the site's origin, so the site may know neither function nor stage.
    by_urn = {each.urn: each for each in graph.resources}
    site = [r for r in graph.resources if "website" in r.name and r.custom]
    before = {by_urn[urn].type for each in site for urn in graph.upstream(each)}
    assert "aws:apigatewayv2/api:Api" in before
    assert not before & {"aws:lambda/function:Function", "aws:apigatewayv2/stage:Stage"}


def test_two_regions_fit_in_one_account(graph: Graph) -> None:
    other = record(region="us-west-2")
    for type_ in (ACCESS, HEADERS, FUNCTION):  # CloudFront's names are global
        names = {graph.one(type_).inputs["name"], other.one(type_).inputs["name"]}
        assert names == {f"website-dev-{REGION}", "website-dev-us-west-2"}
