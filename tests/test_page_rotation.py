"""The page replaces its connection before the server stops broadcasting to it."""

import math
import re
from pathlib import Path

from counter_service.runtime.core.ports import CONNECTION_TTL_SECONDS

TIMES = (Path(__file__).resolve().parents[1] / "web/src/client/times.ts").read_text(
    encoding="utf-8"
)
# API Gateway closes a connection at this age. The quota cannot be raised.
GATEWAY_LIMIT_SECONDS = 2 * 60 * 60


def seconds(constant: str) -> float:
    """Return an exported constant of times.ts in seconds.

    Its definition is a product in milliseconds, such as `115 * 60_000`.
    """
    found = re.search(rf"^export const {constant} = ([\d_]+(?: \* [\d_]+)*);$", TIMES, re.MULTILINE)
    assert found is not None, f"times.ts exports no {constant}. Update its name in this test."
    return math.prod(int(factor) for factor in found[1].split(" * ")) / 1000


def test_page_replaces_its_connection_before_its_row_expires() -> None:
    """Rows expire a fixed time after the connect, and heartbeats do not renew them.

    A page with an expired row stays connected and gets no broadcasts: it shows an old value until
    its next heartbeat. So the last moment for a new connection, with one retry, lies before that.
    """
    last_attempt = seconds("ROTATE_AFTER_MAX_MS") + seconds("ROTATE_RETRY_MS")
    assert seconds("ROTATE_AFTER_MIN_MS") < seconds("ROTATE_AFTER_MAX_MS")
    assert last_attempt < CONNECTION_TTL_SECONDS


def test_page_replaces_its_connection_before_the_gateway_closes_it() -> None:
    """If API Gateway closes the connection first, the page is disconnected until it reconnects."""
    last_attempt = seconds("ROTATE_AFTER_MAX_MS") + seconds("ROTATE_RETRY_MS")
    assert last_attempt < GATEWAY_LIMIT_SECONDS


def test_connection_row_outlives_every_connection_of_the_gateway() -> None:
    """Clients other than the page keep a connection until API Gateway closes it."""
    assert CONNECTION_TTL_SECONDS >= GATEWAY_LIMIT_SECONDS
