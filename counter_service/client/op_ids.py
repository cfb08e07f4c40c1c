"""Op ids, `<session>:<sequence>`: the idempotency keys of a client's clicks."""

import secrets
from collections.abc import Iterator
from itertools import count


def op_ids() -> Iterator[str]:
    """Endless op ids for the clicks of one client. No other client has any of them."""
    session = secrets.token_urlsafe(16)
    return (f"{session}:{number}" for number in count(1))
