"""SelfInvoker on Lambda: an asynchronous invocation of this function."""

import json
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from .core.errors import StoreUnavailable
from .core.events import continue_broadcast
from .core.ports import Progress


class LambdaSelfInvoker:
    """SelfInvoker for the function with this name.

    Args:
        make_client: Makes a Lambda client. It is called at the first use, because most instances
            never need one.
    """

    def __init__(self, function_name: str, make_client: Callable[[], Any]) -> None:
        self._function_name = function_name
        self._make_client = make_client

    def continue_broadcast(self, progress: Progress) -> None:
        client = self._make_client()
        try:
            client.invoke(
                FunctionName=self._function_name,
                InvocationType="Event",
                Payload=json.dumps(continue_broadcast(progress)),
            )
        except (ClientError, BotoCoreError) as failure:
            reason = type(failure).__name__
            raise StoreUnavailable("handing the broadcast over", reason) from failure
