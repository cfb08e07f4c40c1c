"""What the contract suite cannot make happen: a table that refuses."""

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from counter_service.runtime.errors import StoreUnavailable
from counter_service.runtime.lease import DynamoBroadcastLease

pytestmark = pytest.mark.usefixtures("aws_environment")

CALLS: dict[str, tuple[str, Callable[[DynamoBroadcastLease], object]]] = {
    "request": ("update_item", lambda lease: lease.request("me", 1, 2)),
    "release": ("update_item", lambda lease: lease.release("me", 1, 2)),
    "abandon": ("update_item", lambda lease: lease.abandon("me")),
    "is_expired": ("get_item", lambda lease: lease.is_expired(1)),
}


@pytest.mark.parametrize(("operation", "call"), CALLS.values(), ids=CALLS)
@pytest.mark.parametrize(
    ("code", "status"), [("ThrottlingException", 400), ("InternalServerError", 500)]
)
def test_says_that_the_table_is_unavailable(
    operation: str, call: Callable[[DynamoBroadcastLease], object], code: str, status: int
) -> None:
    client: Any = boto3.client("dynamodb")
    with Stubber(client) as stub:
        stub.add_client_error(operation, code, http_status_code=status)
        with pytest.raises(StoreUnavailable):
            call(DynamoBroadcastLease("counter", client))
