import pytest
from hypothesis import given
from hypothesis import strategies as st

from counter_service.runtime.core.origins import OriginPolicy, OriginProblem, normalise

SITE = "https://site.example"
POLICY = OriginPolicy(allowed=frozenset({SITE, "http://old.example:8080"}))

# fmt: off
NOT_ORIGINS = [
    # Scheme and host
    "", "null", "*", "site.example", "//site.example", "https:", "https://", "https:///",
    "https:site.example", "https:/site.example", "https://[::1", "https://::1]",
    "https://[site.example]", "http\u017f://site.example", "ftp://site.example", "file://",
    "data:text/html,x", "chrome-extension://abcdef", "wss://site.example",
    # Path, query, fragment and user
    "https://site.example/", "https://site.example/path", "https://site.example?x",
    "https://site.example#x", "https://site.example\\@evil.test", "https://site.example@evil.test",
    "https://evil.test@site.example", "https://:secret@site.example",
    # Port
    "https://site.example:", "https://site.example:0443", "https://site.example:0",
    "https://site.example:65536", "https://site.example:443443", "https://site.example:x",
    "https://site.example:-1", "https://site.example:44\u0663",
    # White space, control characters and lists
    " https://site.example", "https://site.example ", "https://site.example\n",
    "https://site.example\x00", "https://site .example",
    "https://site.example, https://evil.test", "https://site.example,https://site.example",
]
FOREIGN = [
    "https://site.example.evil.test", "https://evilsite.example", "https://evil-site.example",
    "https://www.site.example", "https://site.exampl", "https://site.example.",
    "https://evil.test", "https://evil.test:443", "http://site.example",
    "https://site.example:8443", "https://site.example:80", "http://site.example:443",
    "http://old.example", "https://old.example:8080", "https://\u0455ite.example",
    "http://localhost", "http://127.0.0.1:5173",
]
NOT_LOCALHOST = [
    "http://localhost.evil.test", "http://evil.localhost", "http://localhost.",
    "http://evillocalhost", "http://127.0.0.1.evil.test", "http://127.0.0.2", "http://127.1",
    "http://0.0.0.0", "http://2130706433", "http://[::ffff:127.0.0.1]", "http://[::2]:5173",
    "http://localhost@evil.test", "http://evil.test:5173", "ftp://localhost", SITE,
]
# fmt: on


@pytest.mark.parametrize(
    ("sent", "normal"),
    [
        ("https://site.example", SITE),
        ("https://site.example:443", SITE),
        ("HTTPS://Site.EXAMPLE", SITE),
        ("http://site.example", "http://site.example"),
        ("http://site.example:80", "http://site.example"),
        ("http://site.example:443", "http://site.example:443"),
        ("https://site.example:80", "https://site.example:80"),
        ("https://site.example:65535", "https://site.example:65535"),
        ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
        ("https://Bücher.example", "https://Bücher.example"),
        ("https://site.example.", "https://site.example."),
        ("http://[::1]:5173", "http://[::1]:5173"),
        ("http://[2001:DB8::1]", "http://[2001:db8::1]"),
        ("http://192.0.2.1:8080", "http://192.0.2.1:8080"),
    ],
)
def test_normalise_returns_one_spelling_for_each_origin(sent: str, normal: str) -> None:
    assert normalise(sent) == normal
    assert normalise(normal) == normal


@pytest.mark.parametrize("text", NOT_ORIGINS, ids=repr)
def test_normalise_rejects_text_that_is_no_origin(text: str) -> None:
    assert normalise(text) is None


@pytest.mark.parametrize(
    "origin", [SITE, f"{SITE}:443", "https://SITE.example", "http://old.example:8080"]
)
def test_origin_policy_accepts_the_allowed_origins(origin: str) -> None:
    assert POLICY.check(origin) is None


@pytest.mark.parametrize(
    "origin", [*FOREIGN, *(text for text in NOT_ORIGINS if text != "null")], ids=repr
)
def test_origin_policy_rejects_every_other_origin(origin: str) -> None:
    assert POLICY.check(origin) is OriginProblem.FOREIGN
    accepts_missing = OriginPolicy(allowed=POLICY.allowed, allow_missing=True)
    assert accepts_missing.check(origin) is OriginProblem.FOREIGN


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "LOCALHOST"])
@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("port", ["", ":80", ":5173", ":65535"])
def test_origin_policy_accepts_localhost_on_every_port_if_allowed(
    scheme: str, host: str, port: str
) -> None:
    origin = f"{scheme}://{host}{port}"
    assert OriginPolicy(allow_localhost=True).check(origin) is None
    assert OriginPolicy().check(origin) is OriginProblem.FOREIGN


@pytest.mark.parametrize("origin", NOT_LOCALHOST)
def test_origin_policy_takes_no_other_host_for_localhost(origin: str) -> None:
    assert OriginPolicy(allow_localhost=True).check(origin) is OriginProblem.FOREIGN


@pytest.mark.parametrize("origin", [None, "null"])
def test_origin_policy_accepts_a_missing_origin_only_if_allowed(origin: str | None) -> None:
    assert POLICY.check(origin) is OriginProblem.MISSING
    assert OriginPolicy(allow_missing=True).check(origin) is None


short = st.text(st.characters(codec="ascii"), max_size=12)
texts = (
    st.text()
    | st.builds("{}{}{}".format, short, st.just(SITE), st.text(max_size=12))
    | st.builds("https://{}site.example{}".format, short, st.text(max_size=12))
    | st.builds(
        "{}://{}{}".format,
        st.sampled_from(["http", "https", "HTTPS", "ftp"]),
        st.sampled_from(["site.example", "localhost", "[::1]", "evil.test"]) | st.text(),
        st.sampled_from(["", ":443", ":80", ":0", "/", "@evil.test"]) | st.text(),
    )
)


@given(texts)
def test_origin_policy_accepts_only_spellings_of_the_allowed_origins(text: str) -> None:
    if POLICY.check(text) is None:
        assert text.lower().removesuffix(":443") in POLICY.allowed
