import logging
from collections.abc import Callable, Iterator
from urllib.parse import unquote

import boto3
import pytest
from botocore.config import Config

from counter_service.runtime.errors import StoreUnavailable
from counter_service.runtime.management import POSTING, ManagementOutbox
from counter_service.runtime.ports import Delivery
from tests.unit.local_server import HANG_UP, SILENCE, Answer, LocalServer

pytestmark = pytest.mark.usefixtures("aws_environment", "no_backoff")

UPDATE = '{"type":"counter-update","value":42}'


class Gateway:
    """The @connections API. Connections that are not in `answers` are open."""

    def __init__(self, serve: Callable[[Answer], LocalServer], config: Config) -> None:
        self.answers: dict[str, int] = {}
        self.server = serve(lambda request: self.answers.get(_connection(request.path), 200))
        self.client = boto3.client(
            "apigatewaymanagementapi", endpoint_url=f"{self.server.url}/dev", config=config
        )
        self.outbox = ManagementOutbox(self.client)

    def posts(self) -> list[tuple[str, str]]:
        """Connection and message of every request, in order."""
        return [
            (_connection(request.path), request.body.decode()) for request in self.server.received
        ]


def _connection(path: str) -> str:
    return unquote(path.rpartition("/")[2])


@pytest.fixture
def gateway(serve: Callable[[Answer], LocalServer]) -> Iterator[Gateway]:
    gateway = Gateway(serve, POSTING)
    yield gateway
    gateway.client.close()


@pytest.mark.parametrize(
    ("answer", "delivery"),
    [
        pytest.param(200, Delivery.DELIVERED, id="200"),
        pytest.param(410, Delivery.GONE, id="410 gone"),
        pytest.param(400, Delivery.SKIPPED, id="400 bad request"),
        pytest.param(403, Delivery.FORBIDDEN, id="403 forbidden"),
        pytest.param(413, Delivery.SKIPPED, id="413 too large"),
        pytest.param(429, Delivery.SKIPPED, id="429 throttled"),
        pytest.param(500, Delivery.SKIPPED, id="500"),
        pytest.param(HANG_UP, Delivery.SKIPPED, id="no answer"),
    ],
)
def test_says_what_became_of_a_post_and_goes_on(
    gateway: Gateway, answer: int, delivery: Delivery
) -> None:
    gateway.answers["b="] = answer
    assert gateway.outbox.post(UPDATE, ["a=", "b=", "c="]) == {
        "a=": Delivery.DELIVERED,
        "b=": delivery,
        "c=": Delivery.DELIVERED,
    }
    posts = gateway.posts()
    assert (posts[0], posts[-1]) == (("a=", UPDATE), ("c=", UPDATE))


@pytest.mark.parametrize("answer", [410, 403, 413], ids=["gone", "forbidden", "too large"])
def test_asks_once_where_asking_again_is_useless(gateway: Gateway, answer: int) -> None:
    gateway.answers["a="] = answer
    gateway.outbox.post(UPDATE, ["a="])
    assert gateway.posts() == [("a=", UPDATE)]


@pytest.mark.parametrize("answer", [429, 500, HANG_UP], ids=["throttled", "500", "no answer"])
def test_asks_again_where_it_may_help(gateway: Gateway, answer: int) -> None:
    gateway.answers["a="] = answer
    gateway.outbox.post(UPDATE, ["a=", "b="])
    *repeated, last = gateway.posts()
    assert len(repeated) > 1
    assert set(repeated) == {("a=", UPDATE)}
    assert last == ("b=", UPDATE)


def test_posts_in_the_order_of_the_audience(gateway: Gateway) -> None:
    audience = [f"{number:02}=" for number in range(20, 0, -1)]
    deliveries = gateway.outbox.post(UPDATE, iter(audience))
    assert gateway.posts() == [(connection_id, UPDATE) for connection_id in audience]
    assert list(deliveries) == audience


def test_posts_while_the_audience_is_being_listed(gateway: Gateway) -> None:
    """The sender comes first in it, and has its answer even if the listing then fails."""

    def audience() -> Iterator[str]:
        yield "sender="
        raise StoreUnavailable("listing the audience", "ThrottlingException")

    with pytest.raises(StoreUnavailable):
        gateway.outbox.post(UPDATE, audience())
    assert gateway.posts() == [("sender=", UPDATE)]


def test_an_empty_audience_is_no_request(gateway: Gateway) -> None:
    assert gateway.outbox.post(UPDATE, []) == {}
    assert gateway.posts() == []


@pytest.mark.parametrize(
    ("connection_id", "path"),
    [
        ("Rk3sYd2oFiACEQg=", "/dev/@connections/Rk3sYd2oFiACEQg%3D"),
        ("a+b/c==", "/dev/@connections/a%2Bb%2Fc%3D%3D"),
    ],
)
def test_an_id_is_one_segment_of_the_path(gateway: Gateway, connection_id: str, path: str) -> None:
    gateway.outbox.post(UPDATE, [connection_id])
    assert [request.path for request in gateway.server.received] == [path]


def test_nobody_listening(gateway: Gateway) -> None:
    gateway.server.close()
    assert gateway.outbox.post(UPDATE, ["a=", "b="]) == {
        "a=": Delivery.SKIPPED,
        "b=": Delivery.SKIPPED,
    }


def test_a_gateway_that_hangs(serve: Callable[[Answer], LocalServer]) -> None:
    gateway = Gateway(serve, POSTING.merge(Config(read_timeout=0.05)))
    gateway.answers["a="] = SILENCE
    assert gateway.outbox.post(UPDATE, ["a=", "b="]) == {
        "a=": Delivery.SKIPPED,
        "b=": Delivery.DELIVERED,
    }
    gateway.client.close()


@pytest.mark.parametrize(
    ("answer", "level", "words"),
    [
        (403, logging.ERROR, "execute-api:ManageConnections"),
        (429, logging.WARNING, "refused"),
        (HANG_UP, logging.WARNING, "no answer"),
    ],
    ids=["forbidden", "throttled", "no answer"],
)
def test_logs_what_somebody_should_look_into(
    gateway: Gateway, caplog: pytest.LogCaptureFixture, answer: int, level: int, words: str
) -> None:
    gateway.answers["a="] = answer
    gateway.outbox.post(UPDATE, ["a="])
    [record] = [record for record in caplog.records if record.name.startswith("counter_service")]
    assert record.levelno == level
    assert words in record.getMessage()


def test_a_closed_connection_is_no_news(gateway: Gateway, caplog: pytest.LogCaptureFixture) -> None:
    gateway.answers["a="] = 410
    gateway.outbox.post(UPDATE, ["a=", "b="])
    assert [record for record in caplog.records if record.name.startswith("counter_service")] == []
