"""Names that the graph and the function must agree on.

The one module of the runtime that `counter_service.infra` may import.
"""

from enum import StrEnum
from typing import Final

# Where Lambda finds the entry point inside the archive.
HANDLER: Final = "counter_service.runtime.handler.handle"

# Environment of the function.
ENV_CONNECTIONS_TABLE: Final = "CONNECTIONS_TABLE"
ENV_COUNTER_TABLE: Final = "COUNTER_TABLE"
ENV_MANAGEMENT_ENDPOINT: Final = "MANAGEMENT_ENDPOINT"
ENV_BROADCAST_INTERVAL_MS: Final = "BROADCAST_INTERVAL_MS"
ENV_COUNTER_SHARDS: Final = "COUNTER_SHARDS"  # 1 if not set
# name:alias of the function as it is to invoke itself; what is not set means by its name.
ENV_SUCCESSOR: Final = "SUCCESSOR"
# Who may connect, and how fast they click. What is not set allows nobody and limits nothing.
ENV_ALLOWED_ORIGINS: Final = "ALLOWED_ORIGINS"  # separated by commas
ENV_ALLOW_LOCALHOST: Final = "ALLOW_LOCALHOST"  # "true" or "false"
ENV_ALLOW_MISSING_ORIGIN: Final = "ALLOW_MISSING_ORIGIN"  # "true" or "false"
ENV_AUTH_ISSUER: Final = "AUTH_ISSUER"  # these three only with authentication
ENV_AUTH_AUDIENCE: Final = "AUTH_AUDIENCE"
ENV_AUTH_JWKS_URL: Final = "AUTH_JWKS_URL"
ENV_CLICKS_PER_SECOND: Final = "CLICKS_PER_SECOND"  # 0: no limit

# Routes of the WebSocket API.
ROUTE_CONNECT: Final = "$connect"
ROUTE_DISCONNECT: Final = "$disconnect"
ROUTE_DEFAULT: Final = "$default"
ROUTES: Final = (ROUTE_CONNECT, ROUTE_DISCONNECT, ROUTE_DEFAULT)

# Connections table: one row for each open connection.
CONNECTION_KEY: Final = "connectionId"  # S
CONNECTED_AT: Final = "connectedAt"  # N, epoch seconds
EXPIRES_AT: Final = "expiresAt"  # N, epoch seconds; the TTL attribute of both tables
# Where clicks are limited: the last second in which this connection clicked, and how often.
CLICK_SECOND: Final = "clickSecond"  # N, epoch seconds
CLICKS: Final = "clicks"  # N

# Counter table.
COUNTER_KEY: Final = "id"  # S
COUNTER_ROW: Final = "global"
COUNTER_VALUE: Final = "value"  # N
# With shards the counter is the sum of the rows "global", "global#1", "global#2" and so on.
COUNTER_SHARDS: Final = "shards"  # N, on the row "global": how many rows ever were in use
MAX_COUNTER_SHARDS: Final = 16
# A row for each click that was counted with an op id: "op#<op id>", with expiresAt. A click that
# is sent again while its row exists counts no second time.
OPERATION_ROW_PREFIX: Final = "op#"
# ... and on a row of its own who broadcasts.
LEASE_ROW: Final = "lease"
LEASE_TICKET: Final = "ticket"  # N, drawn so far
LEASE_OWNER: Final = "broadcaster"  # S, absent while nobody broadcasts
LEASE_UNTIL: Final = "leaseUntil"  # N, epoch seconds


# Metrics of the function, in CloudWatch under one namespace with one dimension.
METRICS_NAMESPACE: Final = "CounterService"
METRICS_DIMENSION: Final = "FunctionName"  # as AWS/Lambda calls it; its value carries the stack


class Metric(StrEnum):
    """Names of the metrics. Each is a custom metric on the bill, for the hours it is written."""

    CLICKS = "Clicks"  # increments that counted, each of them once
    RETRIES = "Retries"  # attempts to count that met another click or a throttled table
    BROADCASTS = "Broadcasts"  # values that were posted to everyone
    AUDIENCE = "Audience"  # connections that one broadcast was for
    DELIVERED = "Delivered"
    GONE = "Gone"
    SKIPPED = "Skipped"
    FORBIDDEN = "Forbidden"
    LAG = "Lag"  # milliseconds from API Gateway's receipt of a click to the end of its broadcast
    CONNECTS = "Connects"
    DISCONNECTS = "Disconnects"
    CLIENT_ERRORS = "ClientErrors"  # messages and handshakes that were the client's mistake
    FAILURES = "Failures"  # ours: a store that did not answer, a broadcast cut short
