"""Outbox on API Gateway's @connections API, one post after the other."""

import logging
from collections.abc import Iterable, Mapping
from typing import Any, Final

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from .ports import Delivery

# A post is small and superseded by the next: better to skip one than to hold up the others.
POSTING: Final = Config(
    retries={"mode": "standard", "total_max_attempts": 2}, connect_timeout=0.5, read_timeout=0.5
)

_GONE: Final = 410
_FORBIDDEN: Final = 403

log = logging.getLogger(__name__)


class ManagementOutbox:
    """Outbox over a boto3 `apigatewaymanagementapi` client configured with POSTING."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def post(self, message: str, audience: Iterable[str]) -> Mapping[str, Delivery]:
        data = message.encode()
        return {connection_id: self._post(connection_id, data) for connection_id in audience}

    def _post(self, connection_id: str, data: bytes) -> Delivery:
        try:
            self._client.post_to_connection(ConnectionId=connection_id, Data=data)
        except ClientError as failure:
            status = failure.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
            if status == _GONE:
                return Delivery.GONE
            if status == _FORBIDDEN:
                log.error("posting is forbidden: check the role's execute-api:ManageConnections")
                return Delivery.FORBIDDEN
            log.warning("a post was refused", extra={"status": status})
            return Delivery.SKIPPED
        except BotoCoreError as failure:
            log.warning("a post got no answer", extra={"reason": type(failure).__name__})
            return Delivery.SKIPPED
        return Delivery.DELIVERED
