import pytest

from counter_service.runtime.core.access import Access
from counter_service.runtime.core.errors import StoreUnavailable
from counter_service.runtime.core.events import Connect, Disconnect
from counter_service.runtime.core.origins import OriginProblem
from counter_service.runtime.core.outcome import Problem
from counter_service.runtime.core.ports import Connection, TokenProblem
from simulation.fakes import FakeTokens
from tests.unit.core.service_fixture import NOW, SITE, UNAVAILABLE, ServiceFixture
from tests.unit.outcomes import outcome


def test_connect_adds_a_row_for_two_hours_and_posts_nothing(service: ServiceFixture) -> None:
    service.outbox.open.add("new")
    assert service.handle(Connect("new", NOW, SITE)) == outcome("connect")
    assert service.connections.rows["new"] == Connection("new", NOW)
    assert service.connections.rows["new"].expires_at == NOW + 2 * 60 * 60
    assert service.outbox.delivered == []


def test_connect_raises_when_the_row_cannot_be_written(service: ServiceFixture) -> None:
    """API Gateway then rejects the handshake, and the client reconnects."""
    service.connections.fail_next("put", UNAVAILABLE)
    with pytest.raises(StoreUnavailable):
        service.handle(Connect("new", NOW, SITE))
    assert "new" not in service.connections.rows


@pytest.mark.parametrize(
    ("origin", "token", "problem", "status"),
    [
        (None, "good", OriginProblem.MISSING, 403),
        ("https://evil.test", "good", OriginProblem.FOREIGN, 403),
        (SITE, None, TokenProblem.MISSING, 401),
        *((SITE, "bad", problem, 401) for problem in TokenProblem),
    ],
)
def test_rejected_connect_adds_no_row_and_names_the_problem(
    service: ServiceFixture, origin: str | None, token: str | None, problem: Problem, status: int
) -> None:
    bad = problem if isinstance(problem, TokenProblem) else TokenProblem.EXPIRED
    service.access = Access(service.access.origins, FakeTokens("good", problem=bad))
    result = service.handle(Connect("new", NOW, origin, token=token))
    assert result == outcome("connect", error=problem, status=status, origin=origin)
    assert set(service.connections.rows) == {"ann", "bob", "eve"}
    assert service.outbox.delivered == []
    # If the issuer's keys cannot be fetched, that is not the client's mistake.
    assert result.is_our_failure is (problem is TokenProblem.KEYS_UNAVAILABLE)


def test_rejected_connect_shortens_the_origin(service: ServiceFixture) -> None:
    result = service.handle(Connect("new", NOW, "https://" + "x" * 200))
    assert result.origin == "https://" + "x" * 92


def test_connect_accepts_a_good_token_and_names_the_subprotocol(service: ServiceFixture) -> None:
    service.access = Access(service.access.origins, FakeTokens("good"))
    offers = ("counter", "bearer.good")
    result = service.handle(Connect("new", NOW, SITE, subprotocols=offers))
    assert result == outcome("connect", subprotocol="counter")
    assert "new" in service.connections.rows


def test_disconnect_removes_the_row_and_posts_nothing(service: ServiceFixture) -> None:
    for _ in range(2):  # API Gateway may deliver it twice
        assert service.handle(Disconnect("bob")) == outcome("disconnect")
        assert set(service.connections.rows) == {"ann", "eve"}
    assert service.outbox.delivered == []
