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


def test_reads_the_environment() -> None:
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
        broadcast_interval_ms=0,
    )


def test_reads_who_may_connect() -> None:
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


AUTH = {"AUTH_ISSUER": "https://login.example.com/", "AUTH_AUDIENCE": "counter"}


@pytest.mark.parametrize(
    ("more", "jwks_url"), [({}, None), ({"AUTH_JWKS_URL": "https://a.test/k"}, "https://a.test/k")]
)
def test_reads_whose_tokens_are_needed(more: dict[str, str], jwks_url: str | None) -> None:
    assert Settings.from_env(COMPLETE | AUTH | more).authentication == Authentication(
        issuer="https://login.example.com", audience="counter", jwks_url=jwks_url
    )


def test_reads_the_interval_of_broadcasts() -> None:
    assert Settings.from_env(COMPLETE | {"BROADCAST_INTERVAL_MS": "50"}).broadcast_interval_ms == 50


def test_reads_the_limit_of_clicks() -> None:
    assert Settings.from_env(COMPLETE | {"CLICKS_PER_SECOND": "20"}).clicks_per_second == 20


def test_reads_the_number_of_shards() -> None:
    assert Settings.from_env(COMPLETE | {"COUNTER_SHARDS": "4"}).counter_shards == 4


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ALLOWED_ORIGINS", "https://a.test, b.test"),
        ("ALLOWED_ORIGINS", "*"),
        ("ALLOW_LOCALHOST", "yes"),
        ("ALLOW_MISSING_ORIGIN", "True"),
        ("AUTH_ISSUER", "http://login.example.com"),
        ("AUTH_AUDIENCE", ""),
        ("AUTH_JWKS_URL", "file:///etc/passwd"),
        ("CLICKS_PER_SECOND", "-1"),
        ("COUNTER_SHARDS", "many"),
        ("CLICKS_PER_SECOND", "²"),
    ],
)
def test_refuses_a_wrong_value(variable: str, value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_env(COMPLETE | AUTH | {variable: value})
    assert caught.value.variable == variable


def test_drops_white_space_around_values() -> None:
    padded = {name: f" {value}\n" for name, value in COMPLETE.items()}
    assert Settings.from_env(padded) == Settings.from_env(COMPLETE)


@pytest.mark.parametrize("variable", COMPLETE)
def test_names_a_missing_variable(variable: str) -> None:
    environ = {name: value for name, value in COMPLETE.items() if name != variable}
    with pytest.raises(SettingsError, match=f"{variable} is not set") as caught:
        Settings.from_env(environ)
    assert caught.value.variable == variable


@pytest.mark.parametrize("variable", COMPLETE)
@pytest.mark.parametrize("value", ["", " ", "\t\n"], ids=repr)
def test_a_blank_variable_is_missing(variable: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"{variable} is not set"):
        Settings.from_env(COMPLETE | {variable: value})


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:4566/dev", "https://example.com"])
def test_takes_http_endpoints(endpoint: str) -> None:
    settings = Settings.from_env(COMPLETE | {"MANAGEMENT_ENDPOINT": endpoint})
    assert settings.management_endpoint == endpoint


@pytest.mark.parametrize(
    "endpoint", ["wss://example.com/dev", "example.com/dev", "ftp://example.com", "https:example"]
)
def test_refuses_other_endpoints(endpoint: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_env(COMPLETE | {"MANAGEMENT_ENDPOINT": endpoint})
    assert caught.value.variable == "MANAGEMENT_ENDPOINT"
    assert endpoint in str(caught.value)
