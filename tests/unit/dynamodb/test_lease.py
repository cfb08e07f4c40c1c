"""What the contract suite cannot make happen: a table that refuses."""

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from counter_service.runtime.core.errors import StoreUnavailable
from counter_service.runtime.dynamodb.lease import DynamoBroadcastLease

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


def test_a_lease_that_is_renewed_already_costs_one_write() -> None:
    """A busy counter goes round several times a second, and the lease counts in seconds."""
    client: Any = boto3.client("dynamodb")
    row = {"ticket": {"N": "7"}, "broadcaster": {"S": "me"}, "leaseUntil": {"N": "20"}}
    with Stubber(client) as stub:
        refusal = {"Item": row}
        code = "ConditionalCheckFailedException"
        stub.add_client_error("update_item", code, modeled_fields=refusal)
        assert DynamoBroadcastLease("counter", client).release("me", 3, 20) == 7
        stub.assert_no_pending_responses()


def test_a_lease_that_another_took_over_is_not_renewed() -> None:
    client: Any = boto3.client("dynamodb")
    row = {"ticket": {"N": "7"}, "broadcaster": {"S": "you"}, "leaseUntil": {"N": "20"}}
    with Stubber(client) as stub:
        code = "ConditionalCheckFailedException"
        stub.add_client_error("update_item", code, modeled_fields={"Item": row})
        assert DynamoBroadcastLease("counter", client).release("me", 3, 32) is None
        stub.assert_no_pending_responses()
