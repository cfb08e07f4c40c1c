"""The function as Lambda starts it, on moto: recorded events in, rows, posts and log lines out."""

import gc
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
from counter_service.runtime.contract import HANDLER
from counter_service.runtime.core.errors import SettingsError, StoreUnavailable
from counter_service.runtime.core.events import continue_broadcast
from counter_service.runtime.core.ports import Progress
from counter_service.runtime.dynamodb.lease import DynamoBroadcastLease
from tests.contracts.aws import create_connections_table, create_counter_table, isolate
from tests.unit.issuer import Issuer
from tests.unit.local_server import LocalServer, Respond
from tests.unit.recorded import CONNECTED_AT, CONNECTION_ID, recorded

pytestmark = pytest.mark.usefixtures("no_backoff", "package_logger")

CONNECTIONS = "connections"
COUNTER = "counter"
MODULE, _, FUNCTION = HANDLER.rpartition(".")  # as Lambda finds it
CONTEXT = SimpleNamespace(
    aws_request_id="request-1",
    function_name="websocket-dev",
    get_remaining_time_in_millis=lambda: 20_000,
)
NAMES = ["connect", "message-get-current", "message-increment", "disconnect"]
SITE = "https://counter.example.com"
OTHER = "Rk4aBcD1FiAFTgQ="
OP_ID = "q7Rk_3sYd-2oFiAC:1"
INCREMENT_ONCE = json.dumps({"action": "increment", "id": OP_ID})
REQUIRED = {
    "CONNECTIONS_TABLE": CONNECTIONS,
    "COUNTER_TABLE": COUNTER,
    "MANAGEMENT_ENDPOINT": "",  # the URL of the test's server
    "AWS_REGION": "eu-central-1",
    "AWS_LAMBDA_FUNCTION_NAME": "websocket-dev",
}


class Gateway(LocalServer):
    """The @connections API. Connections that are not in `statuses` are open."""

    def __init__(self) -> None:
        self.statuses: dict[str, int] = {}
        super().__init__(lambda request: self.statuses.get(_connection_id(request.path), 200))


class Lambda:
    """The function with its tables and the @connections API, warm after the first event."""

    def __init__(self, gateway: Gateway, patch: pytest.MonkeyPatch) -> None:
        self.gateway = gateway
        self.dynamodb = boto3.client("dynamodb")
        for name, value in REQUIRED.items():
            patch.setenv(name, value or f"{gateway.url}/dev")
        patch.setenv("ALLOWED_ORIGINS", SITE)
        self._warm: ModuleType | None = None

    def invoke(self, event: Mapping[str, Any]) -> Any:
        self._warm = self._warm or importlib.import_module(MODULE)
        logs.configure()  # each test has its own standard output
        return getattr(self._warm, FUNCTION)(event, CONTEXT)

    def reset(self) -> None:
        """Empty the tables and the record of posts."""
        for table in self.dynamodb.list_tables()["TableNames"]:
            self.dynamodb.delete_table(TableName=table)
        create_connections_table(self.dynamodb, CONNECTIONS)
        create_counter_table(self.dynamodb, COUNTER)
        self.gateway.received.clear()
        self.gateway.statuses.clear()

    def connect(self, connection_id: str, connected_at: int) -> None:
        """Have the function write a row, as for a connection of this epoch second."""
        event = recorded("connect")
        event["requestContext"] |= {
            "connectionId": connection_id,
            "connectedAt": connected_at * 1000,
        }
        self.invoke(event)

    def rows(self) -> dict[str, dict[str, Any]]:
        """The rows of the connections table, by id."""
        items = self.dynamodb.scan(TableName=CONNECTIONS)["Items"]
        return {item["connectionId"]["S"]: item for item in items}

    def counts(self) -> dict[str, int]:
        """The values of the counter's rows, by id."""
        items = self.dynamodb.scan(TableName=COUNTER)["Items"]
        return {item["id"]["S"]: int(item["value"]["N"]) for item in items if "value" in item}

    def posts(self) -> list[tuple[str, Any]]:
        return [
            (_connection_id(request.path), json.loads(request.body))
            for request in self.gateway.received
        ]


def _connection_id(path: str) -> str:
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
        _unload()
    gateway.close()


def _unload() -> None:
    if module := sys.modules.pop(MODULE, None):
        module.service.outbox.close()  # otherwise its connections warn during a later test


@pytest.fixture
def function(warm: Lambda) -> Lambda:
    warm.reset()
    return warm


@pytest.fixture
def cold(function: Lambda, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The module is not imported yet. Afterwards the module of the other tests is restored."""
    monkeypatch.delitem(sys.modules, MODULE, raising=False)
    yield
    _unload()


def test_handler_serves_a_connection_from_connect_to_disconnect(function: Lambda) -> None:
    row = {
        "connectionId": {"S": CONNECTION_ID},
        "connectedAt": {"N": str(CONNECTED_AT)},
        "expiresAt": {"N": str(CONNECTED_AT + 7200)},
    }
    posts: list[tuple[str, Any]] = []
    for name, value, rows, counts in [
        ("connect", None, {CONNECTION_ID: row}, {}),
        ("message-get-current", 0, {CONNECTION_ID: row}, {}),
        ("message-increment", 1, {CONNECTION_ID: row}, {"global": 1}),
        ("disconnect", None, {}, {"global": 1}),
    ]:
        assert function.invoke(recorded(name)) == {"statusCode": 200}
        posts += [] if value is None else [(CONNECTION_ID, _update(value))]
        assert (function.posts(), function.rows(), function.counts()) == (posts, rows, counts)


def _handshake(**headers: str) -> dict[str, Any]:
    """The recorded handshake with only these headers."""
    event = recorded("connect")
    event["headers"] = headers
    event["multiValueHeaders"] = {name: [value] for name, value in headers.items()}
    return event


FOREIGN = 'https://evil.test"\n' + "x" * 200


@pytest.mark.parametrize(
    ("headers", "error", "origin"),
    [({"Origin": FOREIGN}, "foreign-origin", FOREIGN[:100]), ({}, "missing-origin", None)],
    ids=["foreign", "missing"],
)
def test_handler_rejects_a_handshake_of_another_origin(
    function: Lambda,
    capsys: pytest.CaptureFixture[str],
    headers: dict[str, str],
    error: str,
    origin: str | None,
) -> None:
    assert function.invoke(_handshake(**headers)) == {"statusCode": 403}
    assert (function.rows(), function.posts()) == ({}, [])
    [entry] = _logged(capsys)  # one line, whatever the origin contains
    assert (entry["level"], entry["error"], entry["status"]) == ("INFO", error, 403)
    assert entry["origin"] == origin


def test_handler_names_the_offered_subprotocol(function: Lambda) -> None:
    """Without that subprotocol in the response, a browser closes the connection."""
    offer = {"Origin": SITE, "Sec-WebSocket-Protocol": "counter, x"}
    response = {"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": "counter"}}
    assert function.invoke(_handshake(**offer)) == response


@pytest.mark.usefixtures("cold")
@pytest.mark.parametrize("how", ["query", "subprotocol"])
def test_handler_with_authentication_accepts_only_good_tokens_and_logs_none(
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
        return _handshake(Origin=SITE, **{"Sec-WebSocket-Protocol": f"counter, bearer.{token}"})

    handler = importlib.import_module(MODULE)
    good, bad = issuer.token(), issuer.token(aud="another")
    assert handler.handle(event, CONTEXT) == {"statusCode": 401}
    assert handler.handle(offer(bad), CONTEXT) == {"statusCode": 401}
    assert function.rows() == {}
    assert handler.handle(offer(good), CONTEXT)["statusCode"] == 200
    assert list(function.rows()) == [CONNECTION_ID]
    output = "".join(capsys.readouterr())
    errors = [json.loads(line)["error"] for line in output.splitlines()]
    assert errors == ["missing-token", "wrong-audience", None]
    assert not [part for token in (good, bad) for part in token.split(".")[1:] if part in output]


@pytest.mark.usefixtures("cold")
def test_handler_applies_the_limits_of_its_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLICKS_PER_SECOND", "5")
    service = importlib.import_module(MODULE).service
    assert service.messages_per_second == 5


def test_handler_increment_sends_the_value_and_removes_stale_rows(function: Lambda) -> None:
    now = int(time.time())
    function.connect(OTHER, now)
    function.connect("stale=", now - 60)
    function.connect("expired=", now - 7200)
    function.gateway.statuses["stale="] = 410
    assert function.invoke(recorded("message-increment")) == {"statusCode": 200}
    posts = function.posts()
    assert posts[0] == (CONNECTION_ID, _update(1))
    assert sorted(posts[1:]) == [(OTHER, _update(1)), ("stale=", _update(1))]
    assert set(function.rows()) == {OTHER, "expired="}


def test_handler_continues_a_broadcast(
    function: Lambda, capsys: pytest.CaptureFixture[str]
) -> None:
    function.connect(OTHER, int(time.time()))
    lease = DynamoBroadcastLease(COUNTER, function.dynamodb)
    assert lease.request("me", 0, 10**10) == 1
    capsys.readouterr()
    assert function.invoke(continue_broadcast(Progress("me", 1))) == {"statusCode": 200}
    assert function.posts() == [(OTHER, _update(0))]
    [entry] = _logged(capsys)
    assert (entry["message"], entry["Broadcasts"]) == ("continue-broadcast", 1)
    assert entry["connectionId"] is None


def test_handler_sends_an_error_for_a_client_mistake_and_logs_no_warning(
    function: Lambda, capsys: pytest.CaptureFixture[str]
) -> None:
    event = recorded("message-increment") | {"body": '{"action":"reset"}'}
    assert function.invoke(event) == {"statusCode": 200}
    [(receiver, message)] = function.posts()
    assert (receiver, message["code"]) == (CONNECTION_ID, "unknown-action")
    assert (function.rows(), function.counts()) == ({}, {})
    [entry] = _logged(capsys)
    assert entry["level"] == "INFO"
    assert (entry["message"], entry["error"]) == ("invalid", "unknown-action")


@pytest.mark.parametrize("event", [{}, {"version": "2.0"}, {"requestContext": {"stage": "dev"}}])
def test_handler_rejects_other_events(
    function: Lambda, capsys: pytest.CaptureFixture[str], event: dict[str, Any]
) -> None:
    assert function.invoke(event) == {"statusCode": 400}
    assert (function.rows(), function.counts(), function.posts()) == ({}, {}, [])
    [entry] = _logged(capsys)
    assert entry["level"] == "ERROR"
    assert "not an API Gateway WebSocket event" in entry["message"]


def test_handler_raises_when_a_handshake_cannot_be_recorded(function: Lambda) -> None:
    """API Gateway rejects the handshake because of the exception."""
    function.dynamodb.delete_table(TableName=CONNECTIONS)
    with pytest.raises(StoreUnavailable, match="ResourceNotFoundException"):
        function.invoke(recorded("connect"))


@pytest.mark.parametrize("name", NAMES)
def test_handler_logs_one_line_for_each_event(
    function: Lambda, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    function.invoke(recorded(name))
    [entry] = _logged(capsys)
    assert (entry["level"], entry["error"]) == ("INFO", None)
    assert entry["message"] == name.removeprefix("message-")
    assert (entry["requestId"], entry["connectionId"]) == ("request-1", CONNECTION_ID)
    assert entry["durationMs"] >= 0


def test_handler_logs_its_duration_in_tenths_of_a_millisecond(
    function: Lambda, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    moments = iter([100.0, 100.0123456])
    monkeypatch.setattr(time, "perf_counter", lambda: next(moments))
    function.invoke(_handshake())
    [entry] = _logged(capsys)
    assert entry["durationMs"] == 12.3


def test_handler_logs_the_outcome_and_its_metrics_in_one_line(
    function: Lambda, capsys: pytest.CaptureFixture[str]
) -> None:
    function.connect("forbidden=", int(time.time()))
    function.gateway.statuses["forbidden="] = 403
    before_ms = int(time.time() * 1000)
    event = recorded("message-increment")
    event["requestContext"]["requestTimeEpoch"] = before_ms - 1000
    function.invoke(event)
    entry = _logged(capsys)[-1]
    fields = {"value": 1, "delivered": 1, "gone": 0, "skipped": 0, "forbidden": 1}
    fields |= {"retries": 0, "countedBefore": False, "handedOver": False}
    numbers = {"Clicks": 1, "Broadcasts": 1, "Audience": 2, "Delivered": 1, "Forbidden": 1}
    assert entry.items() >= {**fields, **numbers, "FunctionName": "websocket-dev"}.items()
    assert not entry.keys() & {"action", "incomplete", "staleRowsLeft"}
    [directive] = entry["_aws"]["CloudWatchMetrics"]
    assert [metric["Name"] for metric in directive["Metrics"]] == [*numbers, "Lag"]
    assert before_ms <= entry["_aws"]["Timestamp"] <= time.time() * 1000
    assert entry["Lag"] == entry["_aws"]["Timestamp"] - before_ms + 1000


def test_handler_counts_a_click_with_an_op_id_once(
    function: Lambda, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        function.invoke(recorded("message-increment") | {"body": INCREMENT_ONCE})
    assert function.posts() == [(CONNECTION_ID, _update(1) | {"id": OP_ID})] * 2
    assert function.counts() == {"global": 1}
    entries = _logged(capsys)
    assert [entry["countedBefore"] for entry in entries] == [False, True]
    assert ["Clicks" in entry for entry in entries] == [True, False]
    assert OP_ID not in json.dumps(entries)


@pytest.mark.usefixtures("cold")
def test_handler_spreads_clicks_over_shards(
    function: Lambda, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COUNTER_SHARDS", "4")
    monkeypatch.setattr("random.SystemRandom.random", lambda _: 0.5)
    handler = importlib.import_module(MODULE)
    for _ in range(2):
        handler.handle(recorded("message-increment"), CONTEXT)
    assert function.posts() == [(CONNECTION_ID, _update(1)), (CONNECTION_ID, _update(2))]
    assert function.counts() == {"global#2": 2}


def test_handler_logs_our_failure_as_a_warning(
    function: Lambda, capsys: pytest.CaptureFixture[str]
) -> None:
    function.dynamodb.delete_table(TableName=COUNTER)
    assert function.invoke(recorded("message-increment")) == {"statusCode": 200}
    [entry] = _logged(capsys)
    assert (entry["level"], entry["error"]) == ("WARNING", "unavailable")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("body", ['{"action":"reset"}', "my password", None])
def test_handler_logs_nothing_about_the_person(
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
def test_handler_does_not_start_without_its_settings(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.delenv(variable)
    with pytest.raises(SettingsError, match=variable):
        importlib.import_module(MODULE)


@pytest.mark.usefixtures("function", "cold")
def test_handler_collects_no_garbage_while_it_starts() -> None:
    collections: list[object] = []

    def record(phase: str, _: object) -> None:
        collections.append(phase)

    gc.collect()  # or a collection may be due before the handler's first line
    frozen = gc.get_freeze_count()
    gc.callbacks.append(record)
    try:
        importlib.import_module(MODULE)
    finally:
        gc.callbacks.remove(record)
    assert collections == []
    assert gc.isenabled()
    assert gc.get_freeze_count() > frozen


@pytest.mark.usefixtures("cold")
def test_handler_needs_no_environment_after_its_import(
    function: Lambda, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    handler = importlib.import_module(MODULE)
    isolate(monkeypatch)
    for variable in REQUIRED:
        monkeypatch.delenv(variable, raising=False)
    assert handler.handle(recorded("message-increment"), CONTEXT) == {"statusCode": 200}
    assert function.posts() == [(CONNECTION_ID, _update(1))]
    [entry] = _logged(capsys)
    assert (entry["message"], entry["requestId"]) == ("increment", "request-1")


@pytest.mark.usefixtures("cold")
@pytest.mark.parametrize(
    ("name", "more", "requests"),
    [
        ("message-increment", {}, 1),
        ("message-increment", {"body": INCREMENT_ONCE}, 2),
        ("message-get-current", {}, 2),
        ("connect", {}, 2),
    ],
)
def test_handler_retries_only_requests_that_may_be_sent_twice(
    serve: Callable[[Respond], LocalServer],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    more: dict[str, str],
    requests: int,
) -> None:
    dynamodb = serve(lambda _: 500)
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", dynamodb.url)
    handler = importlib.import_module(MODULE)
    with suppress(StoreUnavailable):  # from the handshake
        handler.handle(recorded(name) | more, CONTEXT)
    assert len(dynamodb.received) == requests


@pytest.mark.usefixtures("function", "cold")
def test_handler_continues_a_broadcast_by_invoking_itself(
    serve: Callable[[Respond], LocalServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    aws_lambda = serve(lambda _: 202)
    monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", aws_lambda.url)
    service = importlib.import_module(MODULE).service
    service.broadcaster.self_invoker.continue_broadcast(Progress("me", 1))
    [request] = aws_lambda.received
    assert request.path.endswith("/functions/websocket-dev/invocations")


@pytest.mark.usefixtures("cold")
def test_system_clock_waits_only_for_a_moment_in_the_future(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    module = importlib.import_module(MODULE)
    waits: list[float] = []
    monkeypatch.setattr(module.time, "sleep", waits.append)
    monkeypatch.setattr(module.time, "time_ns", lambda: 5_000_000_000)
    monkeypatch.setattr(module.time, "time", lambda: 5.9)
    clock = module.SystemClock()
    for moment_ms in (5_250, 5_001, 5_000, 1):
        clock.sleep_until_ms(moment_ms)
    assert (clock.now_s(), clock.now_ms(), waits) == (5, 5_000, [0.25, 0.001])
