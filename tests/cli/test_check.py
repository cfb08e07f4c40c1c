"""`counter check`, against the real service behind a gateway on loopback, and a small site."""

import asyncio
import json
import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from threading import Thread
from typing import Any

import pytest
import yaml
from websockets.sync.server import ServerConnection, serve

from counter_service.cli.address import LOCAL_OUTPUTS, Address
from counter_service.cli.app import run
from counter_service.cli.check import page, problems, steps
from counter_service.cli.check import run as running
from counter_service.cli.check.problems import Problem
from counter_service.client import CounterClient, Failure, Update
from counter_service.paths import ROOT
from counter_service.runtime.core.access import Access
from counter_service.runtime.core.errors import StoreUnavailable
from counter_service.runtime.core.origins import OriginPolicy
from counter_service.runtime.core.ports import Delivery
from simulation.fakes import FakeTokens
from tests.e2e.fault_proxy import Fault, FaultProxy
from tests.gateway import Gateway
from tests.proxies import behind_a_dead_proxy
from tests.unit.local_server import HANG_UP, SILENCE, LocalServer
from tests.unit.raw_server import Reply, Request

SITE = "https://counter.example.com"
ACCESS = Access(OriginPolicy(allowed=frozenset({SITE})))
PASSED = dict.fromkeys(steps.STEPS, True)


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with Gateway(ACCESS) as gateway:
        yield gateway


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step ends after a second."""
    monkeypatch.setattr(running, "STEP_SECONDS", 1.0)


def site(url: str, **files: Reply | int) -> closing[LocalServer]:
    """A site whose config.json names the URL, with other responses for `page` and `config`."""
    page = html(f"default-src 'none'; connect-src 'self' {url.removesuffix('/prod')}")
    config = reply(json.dumps({"webSocketUrl": url}), "application/json")

    def respond(request: Request) -> int | Reply:
        if request.path == "/config.json":
            return files.get("config", config)
        return files.get("page", page) if request.path == "/realtime-counter" else 404

    return closing(LocalServer(respond))


def html(policy: str = "") -> Reply:
    return reply("<!doctype html>", "text/html", f"Content-Security-Policy: {policy}\r\n")


def reply(body: str, kind: str, headers: str = "", status: int = 200) -> Reply:
    content = body.encode()
    head = f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {len(content)}\r\n"
    return Reply(f"{head}{headers}\r\n".encode() + content)


class Checked:
    """What `counter check --json` prints, and its exit code."""

    def __init__(self, capsys: pytest.CaptureFixture[str], *arguments: str) -> None:
        self.code = run(["check", *arguments, "--json"])
        out, self.errors = capsys.readouterr()
        self.document: dict[str, Any] = json.loads(out)
        self.steps: list[dict[str, Any]] = self.document["steps"]

    @property
    def ends(self) -> dict[str, bool | None]:
        return {step["name"]: step["ok"] for step in self.steps}

    def expect_failure(self, step: str, problem: str, look_at: str) -> None:
        """The named step, and only that one, has failed with this problem."""
        *before, last = self.steps
        assert (self.code, self.document["ok"]) == (1, False)
        assert [each["ok"] for each in before] == [True] * len(before)
        assert (last["name"], last["ok"], last["note"]) == (step, False, None)
        assert re.search(problem, last["problem"]), last["problem"]
        assert any(re.search(look_at, place) for place in last["look_at"]), last["look_at"]


@pytest.fixture
def check(capsys: pytest.CaptureFixture[str]) -> Callable[..., Checked]:
    return lambda *arguments: Checked(capsys, *arguments)


Check = Callable[..., Checked]


def before(monkeypatch: pytest.MonkeyPatch, name: str, happens: Callable[[], object]) -> None:
    """Have something happen right before the named step."""
    step = steps.STEPS[name]

    async def run_step(session: steps.Session) -> str:
        happens()
        return await step(session)

    monkeypatch.setitem(steps.STEPS, name, run_step)


# --- it passes ----------------------------------------------------------------------------------


def test_every_step_passes_on_a_working_counter(gateway: Gateway, check: Check) -> None:
    gateway.counter.count = 41
    with site(gateway.url) as served:
        checked = check(gateway.url, f"--origin={SITE}", f"--page={served.url}/realtime-counter")
    assert (checked.code, checked.errors, checked.document["ok"]) == (0, "", True)
    assert checked.document["clicks"] == 1
    assert checked.ends == PASSED
    assert [step["note"] for step in checked.steps] == [
        f"two connections, as {SITE}",
        "both get the value 41",
        "both see 42",
        "acknowledged with 42, not counted again",
        "not-json, and the connection stays",
        "https://check.invalid is rejected (403)",
        "served, and its config.json names this URL",
    ]
    assert all(step["milliseconds"] >= 0 for step in checked.steps)
    assert gateway.counter.count == 42


def test_page_of_a_local_run_names_a_path_and_has_the_origin_to_send(check: Check) -> None:
    # The page reads a path as one of its own server, and here that is another server.
    access = Access(OriginPolicy(allow_localhost=True))
    with Gateway(access) as gateway, site("/prod") as served:
        checked = check(gateway.url, f"--page={served.url}/realtime-counter")
    checked.expect_failure("page", rf"connects to ws://127.0.0.1:{served.port}/prod,", "bucket")
    assert {each.get("origin") for each in gateway.handshakes} == {
        served.url,
        "https://check.invalid",
    }


def test_page_is_skipped_if_it_is_not_known(gateway: Gateway, check: Check) -> None:
    checked = check(gateway.url, f"--origin={SITE}")
    assert (checked.code, checked.document["page"]) == (0, None)
    assert checked.ends == PASSED | {"page": None}
    assert checked.steps[-1]["note"] == "no page is known; --page names one"


def test_token_of_the_environment_is_sent_and_not_shown(
    check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COUNTER_TOKEN", "secret\n")
    with Gateway(Access(OriginPolicy(allow_missing=True), FakeTokens("secret"))) as gateway:
        checked = check(gateway.url)
    assert checked.ends == PASSED | {"page": None}
    assert "secret" not in json.dumps(checked.document)


def test_proxy_of_the_environment_is_not_used_for_this_machine(
    gateway: Gateway, check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name)
    for name, value in behind_a_dead_proxy({}).items():
        monkeypatch.setenv(name, value)
    with site(gateway.url) as served:
        checked = check(gateway.url, f"--origin={SITE}", f"--page={served.url}/realtime-counter")
    assert checked.ends == PASSED


def test_limit_of_messages_delays_the_check_and_does_not_fail_it(check: Check) -> None:
    with Gateway(ACCESS, messages_per_second=1) as gateway:
        checked = check(gateway.url, f"--origin={SITE}")
    assert checked.ends == PASSED | {"page": None}
    assert gateway.counter.count == 1


def test_clicks_of_others_fail_no_step(gateway: Gateway, check: Check) -> None:
    with clicking(gateway, every=0.02):
        checked = check(gateway.url, f"--origin={SITE}")
    assert (checked.code, checked.errors) == (0, "")
    # On a slow machine each resend meets another click, and is undecided.
    assert checked.ends | {"resend": True} == PASSED | {"page": None}


@contextmanager
def clicking(gateway: Gateway, every: float) -> Iterator[None]:
    """Another client clicks until the block ends."""
    ending = False

    async def click() -> None:
        async with CounterClient(gateway.url, origin=SITE) as client:
            while not ending:
                await client.increment()
                await asyncio.sleep(every)

    other = Thread(target=lambda: asyncio.run(click()))
    other.start()
    try:
        while gateway.counter.count < 3:
            time.sleep(0.01)
        yield
    finally:
        ending = True
        other.join(10)


# --- it names the step that fails ---------------------------------------------------------------


def test_empty_origin_list_fails_connect(check: Check) -> None:
    with Gateway(Access(OriginPolicy())) as gateway:
        checked = check(gateway.url, f"--origin={SITE}")
    checked.expect_failure("connect", rf"rejected the origin {SITE} \(403\)", "allowedOrigins")
    assert checked.document["clicks"] == 0


def test_client_without_an_origin_fails_connect(gateway: Gateway, check: Check) -> None:
    check(gateway.url).expect_failure("connect", r"sends no origin \(403\)", "allowMissingOrigin")


@pytest.mark.parametrize(
    ("token", "problem", "look_at"),
    [
        ([], r"requires a token \(401\)", "COUNTER_TOKEN"),
        (["--token=bad"], r"rejected the token \(401\)", "expired-token"),
    ],
)
def test_token_fails_connect(check: Check, token: list[str], problem: str, look_at: str) -> None:
    with Gateway(Access(OriginPolicy(allow_missing=True), FakeTokens("good"))) as gateway:
        check(gateway.url, *token).expect_failure("connect", problem, look_at)


def test_api_without_its_permission_on_the_function_fails_connect(
    gateway: Gateway, check: Check
) -> None:
    gateway.may_invoke = False
    checked = check(gateway.url, f"--origin={SITE}")
    checked.expect_failure("connect", r"could not invoke .*\(500\)", "websocket-permission")


def test_function_that_fails_after_the_handshakes_fails_get_current(
    gateway: Gateway, check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    before(monkeypatch, "get-current", lambda: setattr(gateway, "may_invoke", False))
    checked = check(gateway.url, f"--origin={SITE}")
    checked.expect_failure("get-current", "Internal server error", "the exception in .* log")


@pytest.mark.usefixtures("impatient")
def test_missing_permission_manage_connections_fails_get_current(
    gateway: Gateway, check: Check
) -> None:
    """API Gateway refuses posts with 403. The emulator never does, so this is a fake."""
    gateway.sockets.is_forbidden = True
    checked = check(gateway.url, f"--origin={SITE}")
    checked.expect_failure("get-current", "got no response", "execute-api:ManageConnections")


def test_missing_counter_table_fails_get_current(gateway: Gateway, check: Check) -> None:
    gateway.counter.fail_next("value", StoreUnavailable("read", "ResourceNotFound"), times=99)
    checked = check(gateway.url, f"--origin={SITE}")
    checked.expect_failure("get-current", "cannot use its tables: .*unavailable", "CounterTable")


def test_value_that_is_negative_fails_get_current(gateway: Gateway, check: Check) -> None:
    gateway.counter.count = -1
    checked = check(gateway.url, f"--origin={SITE}")
    checked.expect_failure("get-current", "not a whole number", "Set the value")


@pytest.mark.usefixtures("impatient")
def test_broadcast_that_reaches_only_the_sender_fails_increment(
    gateway: Gateway, check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    post = gateway.sockets._post

    def post_to_the_sender(connection_id: str, message: str) -> Delivery:
        is_broadcast = '"id"' not in message and gateway.counter.count > 0
        return Delivery.DELIVERED if is_broadcast else post(connection_id, message)

    monkeypatch.setattr(gateway.sockets, "_post", post_to_the_sender)
    checked = check(gateway.url, f"--origin={SITE}")
    checked.expect_failure("increment", "the other connection did not get", "dynamodb:Scan")
    assert checked.document["clicks"] is None


def test_resend_that_is_counted_fails_resend(
    gateway: Gateway, check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "PAUSE_SECONDS", 0.05)
    forget_op_ids(gateway)
    checked = check(gateway.url, f"--origin={SITE}")
    checked.expect_failure("resend", "counted again", "increment_once")


def test_resend_that_is_counted_is_undecided_while_others_click(
    gateway: Gateway, check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "PAUSE_SECONDS", 0.3)
    forget_op_ids(gateway)
    with clicking(gateway, every=0.02):
        checked = check(gateway.url, f"--origin={SITE}")
    assert checked.ends == PASSED | {"resend": None, "page": None}
    assert "others click" in checked.steps[3]["note"]


def forget_op_ids(gateway: Gateway) -> None:
    """Plant the error that a click counts each time that it arrives."""
    gateway.counter.operations = _Forgetful()


class _Forgetful(dict[str, int]):
    def __contains__(self, _: object) -> bool:
        return False


def test_connection_that_ends_after_an_invalid_message_fails_invalid_input(
    gateway: Gateway, check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    post = gateway.sockets._post

    def post_and_close(connection_id: str, message: str) -> Delivery:
        delivery = post(connection_id, message)
        if "not-json" in message:
            closing = gateway.sockets.by_id[connection_id].close()
            asyncio.run_coroutine_threadsafe(closing, gateway._loop)
        return delivery

    monkeypatch.setattr(gateway.sockets, "_post", post_and_close)
    checked = check(gateway.url, f"--origin={SITE}")
    checked.expect_failure("invalid input", r"closed the connection \(1000\).*get-current", "log")


def test_foreign_origin_that_may_connect_fails_foreign_origin(check: Check) -> None:
    origins = frozenset({SITE, "https://check.invalid"})
    with Gateway(Access(OriginPolicy(allowed=origins))) as gateway:
        checked = check(gateway.url, f"--origin={SITE}")
    checked.expect_failure("foreign origin", "every website can connect", "docs/security.md")


def test_foreign_origin_that_gets_another_error_fails_foreign_origin(
    gateway: Gateway, check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    before(monkeypatch, "foreign origin", lambda: setattr(gateway, "may_invoke", False))
    checked = check(gateway.url, f"--origin={SITE}")
    checked.expect_failure("foreign origin", r"could not invoke .*\(500\)", "websocket-permission")


@pytest.mark.parametrize(
    ("file", "response", "problem", "look_at"),
    [
        ("config", reply('{"webSocketUrl": "wss://old.test/prod"}', "application/json"),
         r"connects to wss://old\.test/prod, and not to ws://", "config.json in the site's bucket"),
        ("config", reply('{"webSocketUrl": "wss://old.test/prod"}', "application/json",
                         "Age: 120\r\n"), "wss://old", "a cache .* 120 seconds old"),
        ("config", reply("<!doctype html>", "text/html"), "names no address", "config.json"),
        ("config", reply("[]", "application/json"), "names no address", "config.json"),
        ("config", 404, r"/config\.json is not served \(404\)", "config.json in"),
        ("page", 403, r"/realtime-counter is not served \(403\)", "index.html in"),
        ("page", reply("<Error/>", "application/xml"), "is no HTML page", "index.html in"),
        ("page", reply("", "text/html", "Location: https://new.test/\r\n", 302),
         r"redirects to https://new\.test/ \(302\)", "--page"),
        ("page", html("default-src 'none'; connect-src 'self' wss://old.test"),
         "policy of the page forbids connections to ws://", "CloudFront distributes"),
        ("page", html("default-src 'none'"), "policy of the page forbids", "site_policies.py"),
    ],
)  # fmt: skip
def test_site_fails_page(
    gateway: Gateway, check: Check, file: str, response: Reply | int, problem: str, look_at: str
) -> None:
    with site(gateway.url, **{file: response}) as served:
        checked = check(gateway.url, f"--origin={SITE}", f"--page={served.url}/realtime-counter")
    checked.expect_failure("page", problem, look_at)


@pytest.mark.usefixtures("impatient")
def test_site_that_stays_silent_fails_page(gateway: Gateway, check: Check) -> None:
    with site(gateway.url, page=SILENCE) as served:
        checked = check(gateway.url, f"--origin={SITE}", f"--page={served.url}/realtime-counter")
    checked.expect_failure("page", "does not respond", "index.html")


def test_site_that_does_not_exist_fails_page(gateway: Gateway, check: Check) -> None:
    checked = check(gateway.url, f"--origin={SITE}", f"--page=http://127.0.0.1:{free_port()}/")
    checked.expect_failure("page", "cannot be loaded: Connection refused", "index.html")


# --- servers that are none ----------------------------------------------------------------------


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def test_port_without_a_server_is_unreachable(check: Check) -> None:
    port = free_port()
    checked = check(f"ws://127.0.0.1:{port}/prod")
    assert (checked.code, checked.ends) == (3, {"connect": False})
    assert checked.steps[0]["problem"] == f"127.0.0.1:{port} cannot be reached: Connection refused."


@pytest.mark.usefixtures("impatient")
def test_server_that_never_responds_to_the_handshake_is_unreachable(check: Check) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        checked = check(f"ws://127.0.0.1:{silent.getsockname()[1]}/prod")
    assert (checked.code, checked.ends) == (3, {"connect": False})
    assert "no response to a handshake" in checked.steps[0]["problem"]


def test_server_that_hangs_up_is_unreachable(check: Check) -> None:
    with closing(LocalServer(lambda _: HANG_UP)) as server:
        checked = check(f"ws://127.0.0.1:{server.port}/prod")
    assert (checked.code, checked.ends) == (3, {"connect": False})


@pytest.mark.usefixtures("impatient")
def test_connection_that_is_dead_ends_the_check_in_time(
    gateway: Gateway, check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FaultProxy.to(gateway.url) as proxy:
        before(monkeypatch, "get-current", lambda: proxy.inject(Fault.BLACKHOLE))
        began_at = time.monotonic()
        checked = check(proxy.through(gateway.url), f"--origin={SITE}")
        took = time.monotonic() - began_at
    checked.expect_failure("get-current", "got no response", "posting is forbidden")
    assert took < 1 + 2 * 3  # the step, and two closing handshakes without a response


def test_server_that_is_no_web_socket_fails_connect(check: Check) -> None:
    with closing(LocalServer(lambda _: 404)) as server:
        checked = check(f"ws://127.0.0.1:{server.port}/prod")
    checked.expect_failure("connect", "with 404 instead of", "WebSocketApiEndpoint")


@pytest.mark.usefixtures("impatient")
def test_server_that_accepts_and_stays_silent_fails_get_current(check: Check) -> None:
    def wait(connection: ServerConnection) -> None:
        connection.recv(timeout=10)
        while connection.recv(timeout=10):
            pass

    with serve(wait, "127.0.0.1", 0) as server:
        Thread(target=server.serve_forever).start()
        try:
            checked = check(f"ws://127.0.0.1:{server.socket.getsockname()[1]}/prod")
        finally:
            server.shutdown()
    checked.expect_failure("get-current", "got no response", "posting is forbidden")


# --- what it prints -----------------------------------------------------------------------------


def test_text_has_a_line_for_each_step_and_says_what_stays(
    gateway: Gateway, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["check", gateway.url, f"--origin={SITE}"]) == 0
    shown, errors = capsys.readouterr()
    assert errors == ""
    assert re.sub(r" *[\d,]+ ms", " 1 ms", shown).splitlines() == [
        f"Checking {gateway.url}, from the argument.",
        "",
        f"  ok       connect 1 ms  two connections, as {SITE}",
        "  ok       get-current 1 ms  both get the value 0",
        "  ok       increment 1 ms  both see 1",
        "  ok       resend 1 ms  acknowledged with 1, not counted again",
        "  ok       invalid input 1 ms  not-json, and the connection stays",
        "  ok       foreign origin 1 ms  https://check.invalid is rejected (403)",
        "  skipped  page 1 ms  no page is known; --page names one",
        "",
        "6 of 7 steps passed; skipped: page.",
        "The counter is one higher now.",
    ]


def test_text_of_a_failure_ends_with_what_to_look_at(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with Gateway(Access(OriginPolicy())) as gateway:
        assert run(["check", gateway.url, f"--origin={SITE}"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert [line for line in lines if line != line.rstrip()] == []
    assert re.sub(r" *[\d,]+ ms", " 1 ms", "\n".join(lines[2:])) == (
        "  FAILED   connect 1 ms  The server rejected the origin\n"
        "                                      https://counter.example.com (403), so this\n"
        "                                      page cannot connect.\n"
        "\n"
        "The step 'connect' failed. Look at:\n"
        "  - allowedOrigins of the stack, and ALLOWED_ORIGINS of the function, which also\n"
        "    has the origin of the stack's own page\n"
        "  - foreign-origin in the function's log; without such a line the URL names no\n"
        "    stage of the API, which is a 403 too\n"
    )


@pytest.mark.parametrize("url", ["counter.test/page", "ftp://counter.test/", "https://"])
def test_page_that_is_no_url_is_refused(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "ws://127.0.0.1:9/prod", f"--page={url}"]) == 2
    assert "is no URL of a page" in capsys.readouterr().err


# --- what it says to look at --------------------------------------------------------------------

PLAIN = Address("wss://api.test/prod", None, None, "the argument")
NAMED = Address("wss://api.test/prod", SITE, None, "the stack dev", "websocket-dev")
LOCAL = Address("ws://127.0.0.1:8080/prod", SITE, None, LOCAL_OUTPUTS, "websocket-dev")
FAILURES = [Failure(code, "…") for code in ("unavailable", "busy", "gateway", "closed")]


def everything() -> list[Problem]:
    """Every problem that there is."""
    return [
        problem
        for address in (PLAIN, NAMED, LOCAL)
        for problem in (
            problems.unreachable(address, "…"),
            *(
                problems.rejected(address, status, has_token=has_token)
                for status in (401, 403, 404, 429, 500)
                for has_token in (False, True)
            ),
            *(problems.failed(address, "get-current", failure) for failure in FAILURES),
            problems.silent(address, "get-current"),
            problems.not_broadcast(address, 1),
            problems.not_counted(address, 1, 1),
            problems.counted_twice(address),
            problems.out_of_range(),
            problems.wrong_error(address, Update(1)),
            problems.foreign_origin_accepted(address, "https://check.invalid"),
            page.silent(address, SITE),
        )
    ]


def test_every_problem_names_only_what_the_project_has() -> None:
    """Files, headings, alarms and configuration keys."""
    keys = yaml.safe_load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))["config"]
    code = (ROOT / "counter_service/infra/alarms.py").read_text(encoding="utf-8")
    alarms = {f"counter-{name}" for name in re.findall(r'name="([a-z-]+)"', code)}
    for problem in everything():
        assert problem.look_at
        for place in problem.look_at:
            for file in re.findall(r"\b(?:docs|counter_service)/[\w/.-]+\w", place):
                assert (ROOT / file).is_file(), place
            for file, heading in re.findall(r'(docs/[\w.]+), "(.+?)"', place):
                text = (ROOT / file).read_text(encoding="utf-8")
                assert re.search(rf"^#+ {heading}$", text, re.MULTILINE), place
            assert set(re.findall(r"\bcounter-[a-z-]+", place)) <= alarms, place
            words = set(re.findall(r"(?<![\w-])[a-z]+(?:[A-Z][a-z]+)+\b", place))
            assert words - {"countedBefore"} <= keys.keys(), place


def test_log_is_named_as_its_stack_has_it() -> None:
    assert problems.log(PLAIN) == "the function's log"
    assert problems.log(NAMED) == "`aws logs tail /aws/lambda/websocket-dev --since 10m`"
    assert problems.log(LOCAL) == ".local/function.log"


def test_rejection_of_a_local_run_names_its_log_for_the_reason() -> None:
    problem = problems.rejected(LOCAL, 403, has_token=False)
    assert str(problem) == f"The local run rejected the handshake of {SITE} (403)."
    assert "`error` in .local/function.log" in problem.look_at[0]
