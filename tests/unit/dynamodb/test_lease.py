"""Cases that tests/contracts cannot cause: the rows of concurrent invocations."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.stub import ANY, Stubber

from counter_service.runtime.core.errors import StoreUnavailable
from counter_service.runtime.dynamodb.lease import DynamoBroadcastLease
from tests.unit.stores import Stores

pytestmark = pytest.mark.usefixtures("aws_environment")

CONDITION_FAILED = "ConditionalCheckFailedException"


def lease_row(owner: str, until: int) -> dict[str, Any]:
    return {"ticket": {"N": "7"}, "broadcaster": {"S": owner}, "leaseUntil": {"N": str(until)}}


@pytest.mark.parametrize(
    ("owner", "until", "ticket"),
    [
        # Broadcasts of a busy counter take less than a second, and the lease counts in seconds.
        pytest.param("me", 20, 7, id="renewed already"),
        pytest.param("you", 32, None, id="acquired by another"),
    ],
)
def test_lease_release_with_a_newer_ticket_writes_once(
    stubbed: Stores, stub: Stubber, owner: str, until: int, ticket: int | None
) -> None:
    row = lease_row(owner, until)
    stub.add_client_error("update_item", CONDITION_FAILED, modeled_fields={"Item": row})
    assert stubbed.lease.release("me", 3, 20) == ticket


def test_lease_takeover_fails_if_the_owner_renewed_it(stubbed: Stores, stub: Stubber) -> None:
    stub.add_response("update_item", {"Attributes": lease_row("slow", 10)})
    others = ["TableName", "Key", "UpdateExpression", "ExpressionAttributeNames", "ReturnValues"]
    expected = dict.fromkeys([*others, "ReturnValuesOnConditionCheckFailure"], ANY)
    expected |= {"ConditionExpression": "#owner = :crashed AND #until = :expired"}
    values = {":me": {"S": "me"}, ":until": {"N": "30"}}
    crashed = {":crashed": {"S": "slow"}, ":expired": {"N": "10"}}
    expected |= {"ExpressionAttributeValues": values | crashed}
    stub.add_client_error("update_item", CONDITION_FAILED, expected_params=expected)
    assert stubbed.lease.request("me", 15, 30) is None


def test_lease_expiry_is_read_consistently(stubbed: Stores, stub: Stubber) -> None:
    request = {"TableName": "counter", "Key": {"id": {"S": "lease"}}, "ConsistentRead": True}
    stub.add_response("get_item", {"Item": lease_row("crashed", 10)}, request)
    assert stubbed.lease.is_expired(10)


@pytest.mark.parametrize(
    ("request_name", "call", "message"),
    [
        ("get_item", lambda lease: lease.is_expired(10), "reading the lease failed"),
        ("update_item", lambda lease: lease.abandon("me"), "the broadcast lease failed"),
    ],
)
def test_lease_failure_names_its_operation(
    stubbed: Stores,
    stub: Stubber,
    request_name: str,
    call: Callable[[DynamoBroadcastLease], object],
    message: str,
) -> None:
    stub.add_client_error(request_name, "AccessDeniedException", http_status_code=400)
    with pytest.raises(StoreUnavailable, match=message):
        call(stubbed.lease)
