"""The parts put together: recorded events in, rows and posts out."""

import importlib
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from types import ModuleType, SimpleNamespace
from typing import Any
from urllib.parse import unquote

import boto3
import pytest
from moto import mock_aws

from counter_service.runtime import logs
from counter_service.runtime.auth import jwks
from counter_service.runtime.core.errors import SettingsError, StoreUnavailable
from counter_service.runtime.core.events import CONTINUE_BROADCAST
from tests.contracts.aws import create_connections_table, create_counter_table, isolate
from tests.unit.issuer import Issuer
from tests.unit.local_server import Answer, LocalServer
from tests.unit.recorded import CONNECTED_AT, CONNECTION_ID, recorded

pytestmark = pytest.mark.usefixtures("no_backoff", "package_logger")

CONNECTIONS = "connections"
COUNTER = "counter"
MODULE = "counter_service.runtime.handler"
CONTEXT = SimpleNamespace(aws_request_id="request-1", function_name="websocket-dev")
NAMES = ["connect", "message-get-current", "message-increment", "disconnect"]
OTHER = "Rk4aBcD1FiAFTgQ="


class Gateway(LocalServer):
    """The @connections API. Connections that are not in `statuses` are open."""

    def __init__(self) -> None:
        self.statuses: dict[str, int] = {}
        super().__init__(lambda request: self.statuses.get(_connection(request.path), 200))


class Lambda:
    """The function with its tables and the @connections API, warm after the first event."""

    def __init__(self, gateway: Gateway, patch: pytest.MonkeyPatch) -> None:
        self.gateway = gateway
        self.dynamodb = boto3.client("dynamodb")
        patch.setenv("CONNECTIONS_TABLE", CONNECTIONS)
        patch.setenv("COUNTER_TABLE", COUNTER)
        patch.setenv("MANAGEMENT_ENDPOINT", f"{gateway.url}/dev")
        patch.setenv("AWS_REGION", "eu-central-1")
        patch.setenv("AWS_LAMBDA_FUNCTION_NAME", "websocket-dev")
        patch.setenv("ALLOWED_ORIGINS", "https://counter.example.com")
        self._warm: ModuleType | None = None

    def invoke(self, event: Mapping[str, Any]) -> Any:
        self._warm = self._warm or importlib.import_module(MODULE)
        logs.configure()  # to this test's standard output; the module did it for an earlier one's
        return self._warm.handle(event, CONTEXT)

    def empty(self) -> None:
        for table in self.dynamodb.list_tables()["TableNames"]:
            self.dynamodb.delete_table(TableName=table)
        create_connections_table(self.dynamodb, CONNECTIONS)
        create_counter_table(self.dynamodb, COUNTER)
        self.gateway.received.clear()
        self.gateway.statuses.clear()

    def connect(self, connection_id: str, connected_at: int) -> None:
        """A row as the function would write it for a socket that opened then."""
        event = recorded("connect")
        event["requestContext"] |= {
            "connectionId": connection_id,
            "connectedAt": connected_at * 1000,
        }
        self.invoke(event)

    def rows(self) -> dict[str, dict[str, Any]]:
        items = self.dynamodb.scan(TableName=CONNECTIONS)["Items"]
        return {item["connectionId"]["S"]: item for item in items}

    def count(self) -> list[dict[str, Any]]:
        """The rows of the counter table, but for the lease."""
        items = self.dynamodb.scan(TableName=COUNTER)["Items"]
        return [item for item in items if item["id"]["S"] != "lease"]

    def posts(self) -> list[tuple[str, Any]]:
        return [
            (_connection(request.path), json.loads(request.body))
            for request in self.gateway.received
        ]


def _connection(path: str) -> str:
    return unquote(path.rpartition("/")[2])


def _update(value: int) -> dict[str, Any]:
    return {"type": "counter-update", "value": value}


def _logged(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.fixture(scope="module")
def warm() -> Iterator[Lambda]:
    gateway = Gateway()
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        isolate(patch)
        yield Lambda(gateway, patch)
        _forget_the_module()
    gateway.close()


def _forget_the_module() -> None:
    if module := sys.modules.pop(MODULE, None):
        module.service.outbox.close()  # or its connections warn in somebody else's test


@pytest.fixture
def function(warm: Lambda) -> Lambda:
    warm.empty()
    return warm


@pytest.fixture
def cold(function: Lambda, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The module is not imported yet, and the one of the other tests comes back afterwards."""
    monkeypatch.delitem(sys.modules, MODULE, raising=False)
    yield
    _forget_the_module()


def test_connect_adds_a_row(function: Lambda) -> None:
    assert function.invoke(recorded("connect")) == {"statusCode": 200}
    assert function.rows() == {
        CONNECTION_ID: {
            "connectionId": {"S": CONNECTION_ID},
            "connectedAt": {"N": str(CONNECTED_AT)},
            "expiresAt": {"N": str(CONNECTED_AT + 7200)},
        }
    }
    assert function.posts() == []


def _handshake(**headers: str) -> dict[str, Any]:
    """A recorded one with these headers alone."""
    event = recorded("connect")
    event["headers"] = headers
    event["multiValueHeaders"] = {name: [value] for name, value in headers.items()}
    return event


def test_a_foreign_page_is_refused(function: Lambda, capsys: pytest.CaptureFixture[str]) -> None:
    origin = 'https://evil.test"\n' + "x" * 200
    assert function.invoke(_handshake(Origin=origin)) == {"statusCode": 403}
    assert (function.rows(), function.posts()) == ({}, [])
    [entry] = _logged(capsys)  # one line, whatever the origin
    assert (entry["level"], entry["error"], entry["status"]) == ("INFO", "foreign-origin", 403)
    assert entry["origin"] == origin[:100]


def test_a_handshake_without_an_origin_is_refused(function: Lambda) -> None:
    assert function.invoke(_handshake()) == {"statusCode": 403}
    assert function.rows() == {}


def test_the_offered_subprotocol_is_answered(function: Lambda) -> None:
    """A browser drops the connection otherwise."""
    offer = {"Origin": "https://counter.example.com", "Sec-WebSocket-Protocol": "counter, x"}
    answer = {"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": "counter"}}
    assert function.invoke(_handshake(**offer)) == answer


@pytest.mark.usefixtures("cold")
@pytest.mark.parametrize("how", ["query", "subprotocol"])
def test_with_authentication_a_token_opens_the_door(
    function: Lambda,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    how: str,
) -> None:
    issuer = Issuer("https://login.example.com")
    monkeypatch.setattr(jwks, "fetch_https", issuer.fetch)
    monkeypatch.setenv("AUTH_ISSUER", issuer.url)
    monkeypatch.setenv("AUTH_AUDIENCE", "counter")
    event = recorded("connect")

    def offer(token: str) -> dict[str, Any]:
        if how == "query":
            return event | {"queryStringParameters": {"token": token}}
        headers = event["headers"] | {"Sec-WebSocket-Protocol": f"counter, bearer.{token}"}
        return event | {"headers": headers}

    handler = importlib.import_module(MODULE)
    good, bad = issuer.token(), issuer.token(aud="another")
    assert handler.handle(event, CONTEXT) == {"statusCode": 401}
    assert handler.handle(offer(bad), CONTEXT) == {"statusCode": 401}
    assert function.rows() == {}
    assert handler.handle(offer(good), CONTEXT)["statusCode"] == 200
    assert list(function.rows()) == [CONNECTION_ID]
    output = "".join(capsys.readouterr())
    assert [json.loads(line)["error"] for line in output.splitlines()] == [
        "missing-token",
        "wrong-audience",
        None,
    ]
    assert not [part for token in (good, bad) for part in token.split(".")[1:] if part in output]


@pytest.mark.usefixtures("cold")
def test_with_a_limit_too_many_clicks_are_refused(
    function: Lambda, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLICKS_PER_SECOND", "1")
    handler = importlib.import_module(MODULE)
    monkeypatch.setattr(handler.SystemClock, "now_s", lambda _: CONNECTED_AT)
    handler.handle(recorded("connect"), CONTEXT)
    for _ in range(2):
        assert handler.handle(recorded("message-increment"), CONTEXT) == {"statusCode": 200}
    [_, (receiver, message)] = function.posts()
    assert (receiver, message["code"]) == (CONNECTION_ID, "too-many-clicks")
    assert function.count() == [{"id": {"S": "global"}, "value": {"N": "1"}}]


def test_get_current_answers_zero_before_the_first_click(function: Lambda) -> None:
    assert function.invoke(recorded("message-get-current")) == {"statusCode": 200}
    assert function.posts() == [(CONNECTION_ID, _update(0))]
    assert list(function.rows()) == [CONNECTION_ID]
    assert function.count() == []


def test_increment_counts_and_tells_the_sender(function: Lambda) -> None:
    assert function.invoke(recorded("message-increment")) == {"statusCode": 200}
    assert function.invoke(recorded("message-increment")) == {"statusCode": 200}
    assert function.posts() == [(CONNECTION_ID, _update(1)), (CONNECTION_ID, _update(2))]
    assert function.count() == [{"id": {"S": "global"}, "value": {"N": "2"}}]


def test_increment_tells_the_others_and_forgets_the_gone(function: Lambda) -> None:
    now = int(time.time())
    function.connect(OTHER, now)
    function.connect("ghost=", now - 60)
    function.connect("expired=", now - 7200)
    function.gateway.statuses["ghost="] = 410
    function.invoke(recorded("message-increment"))
    posts = function.posts()
    assert posts[0] == (CONNECTION_ID, _update(1))
    assert sorted(posts[1:]) == [(OTHER, _update(1)), ("ghost=", _update(1))]
    assert set(function.rows()) == {OTHER, "expired="}


def test_disconnect_removes_the_row(function: Lambda) -> None:
    function.invoke(recorded("connect"))
    assert function.invoke(recorded("disconnect")) == {"statusCode": 200}
    assert function.invoke(recorded("disconnect")) == {"statusCode": 200}
    assert function.rows() == {}
    assert function.posts() == []


def test_a_broadcast_is_taken_over(function: Lambda, capsys: pytest.CaptureFixture[str]) -> None:
    function.connect(OTHER, int(time.time()))
    capsys.readouterr()
    assert function.invoke(CONTINUE_BROADCAST) == {"statusCode": 200}
    assert function.posts() == [(OTHER, _update(0))]
    [entry] = _logged(capsys)
    assert (entry["message"], entry["Broadcasts"], entry["connectionId"]) == (
        "continue-broadcast",
        1,
        None,
    )


def test_a_mistake_is_answered(function: Lambda) -> None:
    event = recorded("message-increment") | {"body": '{"action":"reset"}'}
    assert function.invoke(event) == {"statusCode": 200}
    [(receiver, message)] = function.posts()
    assert (receiver, message["code"]) == (CONNECTION_ID, "unknown-action")
    assert (function.rows(), function.count()) == ({}, [])


@pytest.mark.parametrize("event", [{}, {"version": "2.0"}, {"requestContext": {"stage": "dev"}}])
def test_another_event_is_refused(
    function: Lambda, capsys: pytest.CaptureFixture[str], event: dict[str, Any]
) -> None:
    assert function.invoke(event) == {"statusCode": 400}
    assert (function.rows(), function.count(), function.posts()) == ({}, [], [])
    [entry] = _logged(capsys)
    assert entry["level"] == "ERROR"
    assert "not an API Gateway WebSocket event" in entry["message"]


def test_a_handshake_that_cannot_be_recorded_fails(function: Lambda) -> None:
    """An exception is what makes API Gateway refuse it."""
    function.dynamodb.delete_table(TableName=CONNECTIONS)
    with pytest.raises(StoreUnavailable, match="ResourceNotFoundException"):
        function.invoke(recorded("connect"))


@pytest.mark.parametrize("name", NAMES)
def test_logs_one_line_an_invocation(
    function: Lambda, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    function.invoke(recorded(name))
    [entry] = _logged(capsys)
    assert entry["level"] == "INFO"
    assert entry["message"] == name.removeprefix("message-")
    assert entry["requestId"] == "request-1"
    assert entry["connectionId"] == CONNECTION_ID
    assert entry["durationMs"] >= 0
    assert entry["error"] is None


def test_logs_what_came_of_it(function: Lambda, capsys: pytest.CaptureFixture[str]) -> None:
    function.invoke(recorded("message-increment"))
    [entry] = _logged(capsys)
    outcome = {key: entry[key] for key in ("value", "delivered", "gone", "skipped", "forbidden")}
    assert outcome == {"value": 1, "delivered": 1, "gone": 0, "skipped": 0, "forbidden": 0}
    more = {key: entry[key] for key in ("retries", "countedBefore", "handedOver")}
    assert more == {"retries": 0, "countedBefore": False, "handedOver": False}


def test_a_click_with_an_op_id_counts_once(
    function: Lambda, capsys: pytest.CaptureFixture[str]
) -> None:
    op_id = "q7Rk_3sYd-2oFiAC:1"
    body = json.dumps({"action": "increment", "id": op_id})
    for _ in range(2):
        function.invoke(recorded("message-increment") | {"body": body})
    assert function.posts() == [(CONNECTION_ID, _update(1) | {"id": op_id})] * 2
    rows = {row["id"]["S"]: row for row in function.count()}
    assert rows["global"] == {"id": {"S": "global"}, "value": {"N": "1"}}
    [first, second] = _logged(capsys)
    assert [each["countedBefore"] for each in (first, second)] == [False, True]
    assert ("Clicks" in first, "Clicks" in second) == (True, False)
    assert op_id not in json.dumps([first, second])


@pytest.mark.usefixtures("cold")
def test_clicks_are_spread_over_shards(function: Lambda, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNTER_SHARDS", "4")
    monkeypatch.setattr("random.SystemRandom.random", lambda _: 0.5)
    handler = importlib.import_module(MODULE)
    for _ in range(2):
        handler.handle(recorded("message-increment"), CONTEXT)
    assert function.posts() == [(CONNECTION_ID, _update(1)), (CONNECTION_ID, _update(2))]
    assert {row["id"]["S"] for row in function.count()} == {"global", "global#2"}


def test_the_line_carries_the_metrics(function: Lambda, capsys: pytest.CaptureFixture[str]) -> None:
    before = int(time.time() * 1000)
    event = recorded("message-increment")
    event["requestContext"]["requestTimeEpoch"] = before - 1000
    function.invoke(event)
    [entry] = _logged(capsys)
    [directive] = entry["_aws"]["CloudWatchMetrics"]
    assert before <= entry["_aws"]["Timestamp"] <= time.time() * 1000
    assert [metric["Name"] for metric in directive["Metrics"]] == [
        *("Clicks", "Broadcasts", "Audience", "Delivered", "Lag")
    ]
    assert (entry["FunctionName"], entry["Clicks"]) == ("websocket-dev", 1)
    assert entry["Lag"] == entry["_aws"]["Timestamp"] - before + 1000


def test_a_forbidden_post_is_counted(function: Lambda, capsys: pytest.CaptureFixture[str]) -> None:
    function.gateway.statuses[CONNECTION_ID] = 403
    function.invoke(recorded("message-increment"))
    entry = _logged(capsys)[-1]
    assert (entry["forbidden"], entry["Forbidden"], entry["skipped"]) == (1, 1, 0)


def test_logs_a_failure_of_ours_as_a_warning(
    function: Lambda, capsys: pytest.CaptureFixture[str]
) -> None:
    function.dynamodb.delete_table(TableName=COUNTER)
    assert function.invoke(recorded("message-increment")) == {"statusCode": 200}
    [entry] = _logged(capsys)
    assert (entry["level"], entry["error"]) == ("WARNING", "unavailable")


def test_logs_a_mistake_of_a_client_as_no_warning(
    function: Lambda, capsys: pytest.CaptureFixture[str]
) -> None:
    function.invoke(recorded("message-increment") | {"body": "nonsense"})
    [entry] = _logged(capsys)
    assert (entry["level"], entry["message"], entry["error"]) == ("INFO", "invalid", "not-json")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("body", ['{"action":"reset"}', "my password", None])
def test_logs_nothing_about_the_person(
    function: Lambda, capsys: pytest.CaptureFixture[str], name: str, body: str | None
) -> None:
    event = recorded(name) | ({"body": body} if body else {})
    identity = event["requestContext"]["identity"]
    private = [identity["sourceIp"], identity["userAgent"], event.get("body")]
    function.invoke(event)
    function.gateway.statuses[CONNECTION_ID] = 403
    function.invoke(event)
    output = capsys.readouterr()
    assert output.out != ""
    log = output.out + output.err
    unescaped = log.replace('\\"', '"')
    assert [text for text in private if text and (text in log or text in unescaped)] == []


@pytest.mark.usefixtures("cold")
@pytest.mark.parametrize("variable", ["CONNECTIONS_TABLE", "COUNTER_TABLE", "MANAGEMENT_ENDPOINT"])
def test_does_not_start_without_its_settings(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.delenv(variable)
    with pytest.raises(SettingsError, match=variable):
        importlib.import_module(MODULE)


@pytest.mark.usefixtures("cold")
def test_starts_with_everything_ready(
    function: Lambda, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The import builds all that an event needs: afterwards the environment does not matter."""
    handler = importlib.import_module(MODULE)
    isolate(monkeypatch)
    for variable in ("CONNECTIONS_TABLE", "COUNTER_TABLE", "MANAGEMENT_ENDPOINT"):
        monkeypatch.delenv(variable)
    assert handler.handle(recorded("message-increment"), None) == {"statusCode": 200}
    assert function.posts() == [(CONNECTION_ID, _update(1))]
    [entry] = _logged(capsys)
    assert (entry["message"], entry["requestId"]) == ("increment", None)


@pytest.mark.usefixtures("cold")
@pytest.mark.parametrize(
    ("name", "more", "requests"),
    [
        ("message-increment", {}, 1),
        (
            "message-increment",
            {"body": '{"action":"increment","id":"q7Rk_3sYd-2oFiAC:1"}'},
            3,
        ),
        ("message-get-current", {}, 3),
        ("connect", {}, 3),
    ],
)
def test_sends_again_what_may_be_sent_twice_and_nothing_else(
    serve: Callable[[Answer], LocalServer],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    more: dict[str, str],
    requests: int,
) -> None:
    """The clients as they are put together, on a DynamoDB that fails."""
    dynamodb = serve(lambda _: 500)
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", dynamodb.url)
    handler = importlib.import_module(MODULE)
    with suppress(StoreUnavailable):  # what a handshake ends with
        handler.handle(recorded(name) | more, CONTEXT)
    assert len(dynamodb.received) == requests


def test_gives_up_a_post_that_keeps_failing(function: Lambda) -> None:
    function.gateway.statuses[CONNECTION_ID] = 500
    function.invoke(recorded("message-increment"))
    assert function.posts() == [(CONNECTION_ID, _update(1))] * 3


@pytest.mark.usefixtures("cold")
def test_the_clock_waits_for_a_moment_and_not_for_a_past_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    module = importlib.import_module(MODULE)
    waits: list[float] = []
    monkeypatch.setattr(module.time, "sleep", waits.append)
    monkeypatch.setattr(module.time, "time_ns", lambda: 5_000_000_000)
    clock = module.SystemClock()
    clock.sleep_until_ms(5_250)
    clock.sleep_until_ms(5_000)
    clock.sleep_until_ms(1)
    assert (clock.now_ms(), waits) == (5_000, [0.25])


@pytest.mark.usefixtures("cold")
def test_the_clock_tells_epoch_seconds() -> None:
    clock = importlib.import_module(MODULE).SystemClock()
    before = int(time.time())
    assert before <= clock.now_s() <= time.time()
