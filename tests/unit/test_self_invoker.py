import json
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from counter_service.runtime.core.errors import StoreUnavailable
from counter_service.runtime.core.events import ContinueBroadcast, parse
from counter_service.runtime.core.ports import Progress
from counter_service.runtime.self_invoker import LambdaSelfInvoker

pytestmark = pytest.mark.usefixtures("aws_environment")


@pytest.fixture
def client() -> Any:
    return boto3.client("lambda")


@pytest.mark.parametrize("reached", [None, "Rk4aBcD1FiAFTgQ="])
def test_self_invoker_invokes_the_function_asynchronously(client: Any, reached: str | None) -> None:
    progress = Progress("owner", 7, reached)
    members = {"owner": "owner", "ticket": 7, "reached": reached}
    payload = json.dumps({"continueBroadcast": members})
    request = {"FunctionName": "websocket-dev", "InvocationType": "Event", "Payload": payload}
    with Stubber(client) as stub:
        stub.add_response("invoke", {"StatusCode": 202}, request)
        LambdaSelfInvoker("websocket-dev", lambda: client).continue_broadcast(progress)
        stub.assert_no_pending_responses()
    assert parse(json.loads(payload)) == ContinueBroadcast(progress)


def test_self_invoker_makes_no_client_before_its_first_use() -> None:
    LambdaSelfInvoker(
        "websocket-dev", lambda: pytest.fail("A client was created before its first use.")
    )


def test_self_invoker_raises_store_unavailable_when_lambda_throttles(client: Any) -> None:
    with Stubber(client) as stub:
        stub.add_client_error("invoke", "TooManyRequestsException", http_status_code=429)
        with pytest.raises(StoreUnavailable, match=r"^handing the broadcast over failed "):
            LambdaSelfInvoker("websocket-dev", lambda: client).continue_broadcast(Progress("me", 1))
