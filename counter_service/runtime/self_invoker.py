"""SelfInvoker on Lambda: the function invokes itself and does not wait."""

import json
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from .core.errors import StoreUnavailable
from .core.events import CONTINUE_BROADCAST


class LambdaSelfInvoker:
    """`connect` makes the client when it is needed, which is hardly ever."""

    def __init__(self, function_name: str, connect: Callable[[], Any]) -> None:
        self._function_name = function_name
        self._connect = connect

    def take_over(self) -> None:
        client = self._connect()
        try:
            client.invoke(
                FunctionName=self._function_name,
                InvocationType="Event",
                Payload=json.dumps(CONTINUE_BROADCAST),
            )
        except (ClientError, BotoCoreError) as failure:
            raise StoreUnavailable(
                "handing the broadcast over", type(failure).__name__
            ) from failure
