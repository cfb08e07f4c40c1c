import re

import pytest

from counter_service.paths import ROOT
from counter_service.runtime.core.access import Access, Rejection, subprotocol_for
from counter_service.runtime.core.events import Connect
from counter_service.runtime.core.origins import OriginPolicy, OriginProblem
from counter_service.runtime.core.ports import TokenProblem
from simulation.fakes import FakeTokens

SITE = "https://site.example"
ORIGINS = OriginPolicy(allowed=frozenset({SITE}))
NO_TOKEN = Rejection(401, TokenProblem.MISSING)
BAD_TOKEN = Rejection(401, TokenProblem.EXPIRED)


def connect(origin: str | None = SITE, *subprotocols: str, token: str | None = None) -> Connect:
    return Connect("a", 0, origin, subprotocols, token)


def test_access_without_authentication_needs_no_token() -> None:
    assert Access(ORIGINS).check(connect(token="any")) is None


@pytest.mark.parametrize(
    ("client", "rejection"),
    [
        (connect(token="g.o.od"), None),
        (connect(SITE, "counter", "bearer.g.o.od"), None),
        (connect(SITE, "bearer.g.o.od", token="bad"), None),
        (connect(SITE, "bearer.bad", token="g.o.od"), BAD_TOKEN),
        (connect(token="bad"), BAD_TOKEN),
        (connect(), NO_TOKEN),
        (connect(token=""), NO_TOKEN),
        (connect(SITE, "counter", "bearer."), NO_TOKEN),
        (connect(SITE, "counter"), NO_TOKEN),
        (connect(SITE, "g.o.od"), NO_TOKEN),
        (connect(SITE, "Bearer.g.o.od"), NO_TOKEN),
    ],
)
def test_access_with_authentication_needs_a_good_token(
    client: Connect, rejection: Rejection | None
) -> None:
    assert Access(ORIGINS, FakeTokens("g.o.od")).check(client) == rejection


@pytest.mark.parametrize(
    ("origin", "problem"),
    [("https://evil.test", OriginProblem.FOREIGN), (None, OriginProblem.MISSING)],
)
def test_access_rejects_an_origin_without_checking_the_token(
    origin: str | None, problem: OriginProblem
) -> None:
    tokens = FakeTokens("good")
    assert Access(ORIGINS, tokens).check(connect(origin, token="good")) == Rejection(403, problem)
    assert tokens.checked == []


def test_rejections_are_logged_by_the_names_of_the_documentation() -> None:
    foreign, missing = connect("https://evil.test"), connect(None)
    rejections = [Access(ORIGINS).check(each) for each in (foreign, missing)]
    rejections += [Access(ORIGINS, FakeTokens("good")).check(connect())]
    rejections += [
        Access(ORIGINS, FakeTokens("good", problem=problem)).check(connect(token="bad"))
        for problem in TokenProblem
    ]
    page = (ROOT / "docs" / "access.md").read_text(encoding="utf-8")
    documented = {
        (int(status), name)
        for status, row in re.findall(r"^\| (40[13]) \| (.+)$", page, re.MULTILINE)
        for name in re.findall(r"`([a-z-]+)`", row)
    }
    assert {(each.status, str(each.problem)) for each in rejections if each} == documented


@pytest.mark.parametrize(
    ("offered", "named"),
    [
        ((), None),
        (("counter",), "counter"),
        (("bearer.x", "counter"), "counter"),
        (("bearer.x",), None),
        (("COUNTER", "chat"), None),
    ],
)
def test_access_names_only_our_own_subprotocol(offered: tuple[str, ...], named: str | None) -> None:
    assert subprotocol_for(connect(SITE, *offered)) == named
