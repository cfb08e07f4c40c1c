import pytest

from counter_service.runtime.core.errors import SettingsError
from counter_service.runtime.core.origins import OriginPolicy
from counter_service.runtime.settings import Authentication, Settings

COMPLETE = {
    "AWS_LAMBDA_FUNCTION_NAME": "websocket-dev",
    "AWS_REGION": "eu-central-1",
    "CONNECTIONS_TABLE": "connections",
    "COUNTER_TABLE": "counter",
    "MANAGEMENT_ENDPOINT": "https://h7k2p9x4wd.execute-api.eu-central-1.amazonaws.com/dev",
}
AUTH = {"AUTH_ISSUER": "https://login.example.com/", "AUTH_AUDIENCE": "counter"}


def test_settings_are_read_from_the_environment_with_their_defaults() -> None:
    assert Settings.from_env(COMPLETE | {"HOME": "/"}) == Settings(
        connections_table="connections",
        counter_table="counter",
        counter_shards=1,
        management_endpoint="https://h7k2p9x4wd.execute-api.eu-central-1.amazonaws.com/dev",
        region="eu-central-1",
        function_name="websocket-dev",
        origins=OriginPolicy(),
        authentication=None,
        clicks_per_second=0,
        posts_per_second=1250,
    )


def test_settings_contain_the_origins_that_may_connect() -> None:
    settings = Settings.from_env(
        COMPLETE
        | {
            "ALLOWED_ORIGINS": "https://Site.example:443, http://b.test:8080,",
            "ALLOW_LOCALHOST": "true",
            "ALLOW_MISSING_ORIGIN": "true",
        }
    )
    assert settings.origins == OriginPolicy(
        allowed=frozenset({"https://site.example", "http://b.test:8080"}),
        allow_localhost=True,
        allow_missing=True,
    )


@pytest.mark.parametrize("jwks_url", [None, "https://a.test/k"])
def test_settings_contain_the_tokens_that_are_needed(jwks_url: str | None) -> None:
    more = {"AUTH_JWKS_URL": jwks_url} if jwks_url else {}
    assert Settings.from_env(COMPLETE | AUTH | more).authentication == Authentication(
        issuer="https://login.example.com", audience="counter", jwks_url=jwks_url
    )


@pytest.mark.parametrize(
    ("issuer", "stored"),
    [("https://a.test/", "https://a.test"), ("https://a.test/~ann~", "https://a.test/~ann~")],
)
def test_settings_remove_only_slashes_from_the_end_of_the_issuer(issuer: str, stored: str) -> None:
    settings = Settings.from_env(COMPLETE | AUTH | {"AUTH_ISSUER": issuer})
    assert settings.authentication is not None
    assert settings.authentication.issuer == stored


@pytest.mark.parametrize(("value", "flag"), [("true", True), ("false", False), ("", False)])
def test_settings_contain_each_flag(value: str, flag: bool) -> None:
    flags = {"ALLOW_LOCALHOST": value, "ALLOW_MISSING_ORIGIN": value}
    expected = OriginPolicy(allow_localhost=flag, allow_missing=flag)
    assert Settings.from_env(COMPLETE | flags).origins == expected


@pytest.mark.parametrize("variable", ["POSTS_PER_SECOND", "CLICKS_PER_SECOND", "COUNTER_SHARDS"])
def test_settings_contain_each_number(variable: str) -> None:
    assert getattr(Settings.from_env(COMPLETE | {variable: "5"}), variable.lower()) == 5


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:4566/dev", "https://example.com"])
def test_settings_accept_http_endpoints(endpoint: str) -> None:
    settings = Settings.from_env(COMPLETE | {"MANAGEMENT_ENDPOINT": endpoint})
    assert settings.management_endpoint == endpoint


ORIGIN = "has {}, which is not an origin"
URL, HTTPS = "is not an http(s) URL: {}", "is not an https URL: {}"
FLAG, NUMBER = "is neither true nor false: {}", "is not a whole number: {}"


@pytest.mark.parametrize(
    ("variable", "value", "problem"),
    [
        ("ALLOWED_ORIGINS", "https://a.test, b.test", ORIGIN),
        ("ALLOWED_ORIGINS", "*", ORIGIN),
        ("ALLOW_LOCALHOST", "yes", FLAG),
        ("ALLOW_MISSING_ORIGIN", "True", FLAG),
        ("AUTH_ISSUER", "http://login.example.com", HTTPS),
        ("AUTH_AUDIENCE", "", "is not set"),
        ("AUTH_JWKS_URL", "file:///etc/passwd", HTTPS),
        ("CLICKS_PER_SECOND", "-1", NUMBER),
        ("CLICKS_PER_SECOND", "²", NUMBER),
        ("CLICKS_PER_SECOND", "\u0663", NUMBER),  # a decimal digit outside of ASCII
        ("COUNTER_SHARDS", "many", NUMBER),
        ("MANAGEMENT_ENDPOINT", "wss://example.com/dev", URL),
        ("MANAGEMENT_ENDPOINT", "example.com/dev", URL),
        ("MANAGEMENT_ENDPOINT", "ftp://example.com", URL),
        ("MANAGEMENT_ENDPOINT", "https:example", URL),
    ],
)
def test_settings_error_names_the_variable_and_its_wrong_value(
    variable: str, value: str, problem: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_env(COMPLETE | AUTH | {variable: value})
    wrong = value.rpartition(" ")[2]  # one of a list
    assert (caught.value.variable, caught.value.problem) == (variable, problem.format(repr(wrong)))


@pytest.mark.parametrize("variable", COMPLETE)
@pytest.mark.parametrize("value", [None, "", " ", "\t\n"], ids=repr)
def test_settings_error_names_a_missing_variable(variable: str, value: str | None) -> None:
    environ = {name: text for name, text in COMPLETE.items() if name != variable}
    with pytest.raises(SettingsError, match=f"{variable} is not set"):
        Settings.from_env(environ if value is None else environ | {variable: value})


def test_settings_ignore_white_space_around_values() -> None:
    padded = {name: f" {value}\n" for name, value in COMPLETE.items()}
    assert Settings.from_env(padded) == Settings.from_env(COMPLETE)
