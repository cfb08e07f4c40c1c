"""The hosted page. security_rules.py has the rules of its bucket and its distribution."""

import json
from collections.abc import Callable

import pytest

from counter_service.infra import site_policies
from counter_service.infra.website import ROUTE, bucket_prefix

from . import page
from .recorder import ACCOUNT, HOST, OPT_IN, REGION, Graph, Resource, dev, prod, record

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
STAGE = "aws:apigatewayv2/stage:Stage"
MAPPING = "aws:apigatewayv2/apiMapping:ApiMapping"
RECORD = "aws:route53/record:Record"

BUCKET_NAME = "website-dev-20260101000000000000000001"
CACHING_OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"
CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"


@pytest.fixture(scope="module")
def graph() -> Graph:
    return dev()


def objects(graph: Graph) -> dict[str, Resource]:
    return {each.inputs["key"]: each for each in graph.of(OBJECT)}


# --- bucket -------------------------------------------------------------------------------------


def test_the_bucket_gets_one_change_after_the_other(graph: Graph) -> None:
    # S3 responds with 409 OperationAborted to concurrent changes of one bucket.
    steps = [graph.one(each) for each in (PRIVATE, OWNERSHIP, ENCRYPTION, POLICY)]
    urns = {step.urn for step in steps}
    assert [len(urns & graph.upstream(step)) for step in steps] == [0, 1, 2, 3]


def test_destroy_deletes_the_old_assets_too(graph: Graph) -> None:
    assert graph.one(BUCKET).inputs["forceDestroy"] is True


@pytest.mark.parametrize(
    ("stack", "prefix"),
    [
        ("dev", "website-dev-"),
        ("Feature_X", "website-feature-x-"),
        ("x" * 32, "website-" + "x" * 28 + "-"),
    ],
)
def test_a_bucket_prefix_is_one_that_s3_accepts(stack: str, prefix: str) -> None:
    assert bucket_prefix(stack) == prefix
    assert len(prefix) <= 37


# --- distribution -------------------------------------------------------------------------------


def test_the_distribution_reads_the_bucket_at_its_regional_name(graph: Graph) -> None:
    access = graph.one(ACCESS).inputs
    assert access["originAccessControlOriginType"] == "s3"
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
        # Errors get no page, and are not cached.
        ("customErrorResponses", [{"errorCode": 403, "errorCachingMinTtl": 0}]),
    ],
)
def test_the_distribution_has_its_inputs(graph: Graph, key: str, value: object) -> None:
    assert graph.one(DISTRIBUTION).inputs[key] == value


SHARED = {
    "targetOriginId": "bucket",
    "viewerProtocolPolicy": "redirect-to-https",
    "allowedMethods": ["GET", "HEAD"],
    "cachedMethods": ["GET", "HEAD"],
    "compress": True,
    "responseHeadersPolicyId": "website-headers-id",
}


def test_assets_are_cached_and_do_not_pass_the_route_function(graph: Graph) -> None:
    assert graph.one(DISTRIBUTION).inputs["orderedCacheBehaviors"] == [
        SHARED | {"pathPattern": "/assets/*", "cachePolicyId": CACHING_OPTIMIZED}
    ]


def test_paths_other_than_assets_are_not_cached_and_pass_the_route_function(graph: Graph) -> None:
    arn = f"arn:aws:cloudfront::{ACCOUNT}:function/website-dev-{REGION}"
    assert graph.one(DISTRIBUTION).inputs["defaultCacheBehavior"] == SHARED | {
        "cachePolicyId": CACHING_DISABLED,
        "functionAssociations": [{"eventType": "viewer-request", "functionArn": arn}],
    }
    route = graph.one(FUNCTION).inputs
    assert route["publish"] is True
    assert route["runtime"] == "cloudfront-js-2.0"
    assert route["code"] == ROUTE.read_text(encoding="utf-8")
    assert len(route["code"]) < 10_000  # CloudFront's limit


# --- headers ------------------------------------------------------------------------------------


def test_every_response_has_the_security_headers(graph: Graph) -> None:
    policy = graph.one(HEADERS).inputs
    assert policy["securityHeadersConfig"] == {
        "contentSecurityPolicy": {
            "contentSecurityPolicy": (
                "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
                f"connect-src 'self' wss://{HOST}; "
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


def test_the_page_has_no_permission_for_a_device(graph: Graph) -> None:
    (header,) = graph.one(HEADERS).inputs["customHeadersConfig"]["items"]
    assert header["header"] == "Permissions-Policy"
    features = header["value"].split(", ")
    assert {"camera=()", "geolocation=()", "microphone=()", "payment=()"} <= set(features)
    assert [each for each in features if not each.endswith("=()")] == []


@pytest.mark.parametrize(
    ("urls", "origins"),
    [
        (["wss://ws.example.com/prod"], "wss://ws.example.com"),
        (["ws://127.0.0.1:4566/apis/a1/prod"], "ws://127.0.0.1:4566"),
        (["wss://b.test", "wss://a.test/prod"], "wss://b.test wss://a.test"),
        (["wss://a.test/prod", "wss://a.test/prod"], "wss://a.test"),
    ],
)
def test_the_content_security_policy_names_the_origin_of_each_web_socket(
    urls: list[str], origins: str
) -> None:
    assert f"connect-src 'self' {origins};" in site_policies.content_security_policy(urls)


def test_a_page_may_connect_to_the_api_itself_while_its_domain_is_created() -> None:
    # The headers change as soon as domainName does, and config.json only when the domain works.
    policy = record(**OPT_IN).one(HEADERS).inputs["securityHeadersConfig"]
    content = policy["contentSecurityPolicy"]["contentSecurityPolicy"]
    assert f"connect-src 'self' wss://ws.example.com wss://{HOST};" in content


# --- files --------------------------------------------------------------------------------------


def test_a_file_is_uploaded_with_its_type_and_caching(graph: Graph) -> None:
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


def test_the_uploaded_files_are_those_of_the_build(graph: Graph) -> None:
    sources = {
        key: each.inputs["source"].path
        for key, each in objects(graph).items()
        if "source" in each.inputs
    }
    assert sources.keys() == page.BUILT.keys()
    for key, path in sources.items():
        assert path.endswith(f"/dist/{key}")


def test_config_json_has_the_url_of_the_web_socket(graph: Graph) -> None:
    content = json.loads(objects(graph)["config.json"].inputs["content"])
    assert content == {"webSocketUrl": graph.outputs["WebSocketApiEndpoint"]}


def test_logical_names_come_from_the_keys_only(graph: Graph) -> None:
    # Pulumi would create a renamed resource and then delete the old one, which has the same key.
    assert {each.name for each in graph.of(OBJECT)} == {
        f"website/{key}" for key in [*page.BUILT, "config.json"]
    }


def test_index_html_is_uploaded_last_and_config_json_after_the_assets(graph: Graph) -> None:
    files = objects(graph)
    others = {each.urn for key, each in files.items() if key != "index.html"}
    assert others <= graph.upstream(files["index.html"])
    assets = {each.urn for key, each in files.items() if key.startswith("assets/")}
    assert assets
    assert assets <= graph.upstream(files["config.json"])


GRAPHS: dict[str, Callable[[], Graph]] = {
    "dev": dev,
    "prod": prod,
    "everything": lambda: record(**OPT_IN, accountLoggingRole="true"),
}


@pytest.mark.parametrize(
    ("stack", "serving"),
    [("dev", {STAGE}), ("prod", {STAGE}), ("everything", {STAGE, MAPPING, RECORD})],
)
@pytest.mark.parametrize("key", ["config.json", "index.html"])
def test_the_page_gets_an_address_only_after_the_address_works(
    key: str, stack: str, serving: set[str]
) -> None:
    graph = GRAPHS[stack]()
    behind_the_address = [
        each
        for each in graph.resources
        if each.type.startswith(("aws:lambda/", "aws:apigatewayv2/", "aws:route53/", "aws:acm/"))
    ]
    assert serving <= {each.type for each in behind_the_address}
    assert {each.urn for each in behind_the_address} <= graph.upstream(objects(graph)[key])


def test_every_file_stays_a_child_of_the_website(graph: Graph) -> None:
    # Another parent would be another URN: Pulumi would delete the object that it has just created.
    assert {each.parent for each in graph.of(OBJECT)} == {graph.one("counter:infra:Website").urn}


def test_assets_are_kept_after_their_build(graph: Graph) -> None:
    # Tabs that were opened before a deployment still load them.
    kept = {key for key, each in objects(graph).items() if each.retain_on_delete}
    assert kept == {"assets/index-BkQ_4f-x.css", "assets/index-RP0Vahn5.js"}


# --- stack --------------------------------------------------------------------------------------


def test_a_stack_without_a_website_has_nothing_of_it() -> None:
    graph = record(website="false")
    assert [r for r in graph.resources if r.type.startswith(("aws:s3/", "aws:cloudfront/"))] == []
    assert graph.of("counter:infra:Website") == []
    assert "WebsiteUrl" not in graph.outputs


def test_all_but_the_last_files_of_the_website_wait_for_the_api_only(graph: Graph) -> None:
    # The function needs the site's origin, so the site must not need the function or the stage.
    by_urn = {each.urn: each for each in graph.resources}
    last = {"website/config.json", "website/index.html"}
    site = [r for r in graph.resources if "website" in r.name and r.custom and r.name not in last]
    before = {by_urn[urn].type for each in site for urn in graph.upstream(each)}
    assert "aws:apigatewayv2/api:Api" in before
    assert not before & {"aws:lambda/function:Function", "aws:apigatewayv2/stage:Stage"}


def test_the_websites_of_two_regions_fit_in_one_account(graph: Graph) -> None:
    other = record(region="us-west-2")
    for type_ in (ACCESS, HEADERS, FUNCTION):  # CloudFront's names are global
        names = {graph.one(type_).inputs["name"], other.one(type_).inputs["name"]}
        assert names == {f"website-dev-{REGION}", "website-dev-us-west-2"}
