import json
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from counter_service.runtime.core.errors import StoreUnavailable
from counter_service.runtime.core.events import CONTINUE_BROADCAST, ContinueBroadcast, parse
from counter_service.runtime.self_invoker import LambdaSelfInvoker

pytestmark = pytest.mark.usefixtures("aws_environment")


@pytest.fixture
def client() -> Any:
    return boto3.client("lambda")


def test_invokes_the_function_and_does_not_wait(client: Any) -> None:
    payload = json.dumps(CONTINUE_BROADCAST)
    with Stubber(client) as stub:
        stub.add_response(
            "invoke",
            {"StatusCode": 202},
            {"FunctionName": "websocket-dev", "InvocationType": "Event", "Payload": payload},
        )
        LambdaSelfInvoker("websocket-dev", lambda: client).continue_broadcast()
        stub.assert_no_pending_responses()
    assert parse(json.loads(payload)) == ContinueBroadcast()


def test_makes_no_client_before_it_is_needed() -> None:
    def connect() -> Any:
        raise AssertionError("nobody has asked")

    LambdaSelfInvoker("websocket-dev", connect)


def test_says_when_nobody_takes_over(client: Any) -> None:
    with Stubber(client) as stub:
        stub.add_client_error("invoke", "TooManyRequestsException", http_status_code=429)
        with pytest.raises(StoreUnavailable, match="handing the broadcast over"):
            LambdaSelfInvoker("websocket-dev", lambda: client).continue_broadcast()
