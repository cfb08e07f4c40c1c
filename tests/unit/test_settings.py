import pytest

from counter_service.runtime.errors import SettingsError
from counter_service.runtime.settings import Settings

COMPLETE = {
    "CONNECTIONS_TABLE": "connections",
    "COUNTER_TABLE": "counter",
    "MANAGEMENT_ENDPOINT": "https://h7k2p9x4wd.execute-api.eu-central-1.amazonaws.com/dev",
}


def test_reads_the_environment() -> None:
    assert Settings.from_env(COMPLETE | {"HOME": "/"}) == Settings(
        connections_table="connections",
        counter_table="counter",
        management_endpoint="https://h7k2p9x4wd.execute-api.eu-central-1.amazonaws.com/dev",
    )


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
