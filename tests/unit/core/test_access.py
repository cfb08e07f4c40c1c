import pytest

from counter_service.runtime.core.access import Access, Rejection, subprotocol_for, token_of
from counter_service.runtime.core.events import Connect
from counter_service.runtime.core.origins import OriginPolicy, OriginProblem
from counter_service.runtime.core.ports import TokenProblem
from simulation.fakes import FakeTokens

SITE = "https://site.example"
ORIGINS = OriginPolicy(allowed=frozenset({SITE}))


def connect(origin: str | None = SITE, *subprotocols: str, token: str | None = None) -> Connect:
    return Connect("a", 0, origin, subprotocols, token)


def test_without_authentication_nobody_needs_a_token() -> None:
    assert Access(ORIGINS).check(connect()) is None
    assert Access(ORIGINS).check(connect(token="whatever")) is None


@pytest.mark.parametrize(
    ("client", "refusal"),
    [
        (connect(token="good"), None),
        (connect(SITE, "counter", "bearer.good"), None),
        (connect(SITE, "bearer.good"), None),
        (connect(), Rejection(401, TokenProblem.MISSING)),
        (connect(token=""), Rejection(401, TokenProblem.MISSING)),
        (connect(SITE, "counter", "bearer."), Rejection(401, TokenProblem.MISSING)),
        (connect(SITE, "counter"), Rejection(401, TokenProblem.MISSING)),
        (connect(token="bad"), Rejection(401, TokenProblem.EXPIRED)),
        (connect(SITE, "good"), Rejection(401, TokenProblem.MISSING)),
        (connect(SITE, "bearer.bad", token="good"), Rejection(401, TokenProblem.EXPIRED)),
        (connect("https://evil.test", token="good"), Rejection(403, OriginProblem.FOREIGN)),
        (connect(None, token="good"), Rejection(403, OriginProblem.MISSING)),
    ],
)
def test_with_authentication(client: Connect, refusal: Rejection | None) -> None:
    assert Access(ORIGINS, FakeTokens("good")).check(client) == refusal


def test_a_foreign_page_costs_no_look_at_its_token() -> None:
    tokens = FakeTokens("good")
    Access(ORIGINS, tokens).check(connect("https://evil.test", token="good"))
    assert tokens.asked == []


@pytest.mark.parametrize(
    ("client", "token"),
    [
        (connect(), None),
        (connect(token="a.b.c"), "a.b.c"),
        (connect(SITE, "counter", "bearer.a.b.c"), "a.b.c"),
        (connect(SITE, "bearer.a.b.c", token="d.e.f"), "a.b.c"),
        (connect(SITE, "Bearer.a.b.c"), None),
    ],
)
def test_finds_the_token(client: Connect, token: str | None) -> None:
    assert token_of(client) == token


@pytest.mark.parametrize(
    ("offered", "answered"),
    [
        ((), None),
        (("counter",), "counter"),
        (("bearer.x", "counter"), "counter"),
        (("bearer.x",), None),
        (("COUNTER", "chat"), None),
    ],
)
def test_answers_our_own_subprotocol_alone(offered: tuple[str, ...], answered: str | None) -> None:
    assert subprotocol_for(connect(SITE, *offered)) == answered
