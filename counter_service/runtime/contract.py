"""Names that the graph and the function must agree on.

The one module of the runtime that `counter_service.infra` may import.
"""

from enum import StrEnum
from typing import Final

# The entry point inside the archive.
HANDLER: Final = "counter_service.runtime.handler.handle"

# Environment of the function.
ENV_CONNECTIONS_TABLE: Final = "CONNECTIONS_TABLE"
ENV_COUNTER_TABLE: Final = "COUNTER_TABLE"
ENV_MANAGEMENT_ENDPOINT: Final = "MANAGEMENT_ENDPOINT"
ENV_POSTS_PER_SECOND: Final = "POSTS_PER_SECOND"  # to all clients, more than 0
ENV_COUNTER_SHARDS: Final = "COUNTER_SHARDS"  # default 1
# Which clients may connect, and how many messages each may send. By default no client may connect,
# and there is no limit on messages.
ENV_ALLOWED_ORIGINS: Final = "ALLOWED_ORIGINS"  # separated by commas
ENV_ALLOW_LOCALHOST: Final = "ALLOW_LOCALHOST"  # "true" or "false"
ENV_ALLOW_MISSING_ORIGIN: Final = "ALLOW_MISSING_ORIGIN"  # "true" or "false"
ENV_AUTH_ISSUER: Final = "AUTH_ISSUER"  # this and the next two only with authentication
ENV_AUTH_AUDIENCE: Final = "AUTH_AUDIENCE"
ENV_AUTH_JWKS_URL: Final = "AUTH_JWKS_URL"
ENV_CLICKS_PER_SECOND: Final = "CLICKS_PER_SECOND"  # per connection; 0 means no limit

# Routes of the WebSocket API.
ROUTE_CONNECT: Final = "$connect"
ROUTE_DISCONNECT: Final = "$disconnect"
ROUTE_DEFAULT: Final = "$default"
ROUTES: Final = (ROUTE_CONNECT, ROUTE_DISCONNECT, ROUTE_DEFAULT)

# Connections table: one row for each open connection.
CONNECTION_KEY: Final = "connectionId"  # S
CONNECTED_AT: Final = "connectedAt"  # N, epoch seconds
EXPIRES_AT: Final = "expiresAt"  # N, epoch seconds; the TTL attribute of both tables
# Only with CLICKS_PER_SECOND. The names say clicks, but every kind of message is counted.
CLICK_SECOND: Final = "clickSecond"  # N, epoch seconds: when this connection last sent a message
CLICKS: Final = "clicks"  # N, its messages in that second

# Counter table.
COUNTER_KEY: Final = "id"  # S
COUNTER_ROW: Final = "global"
COUNTER_VALUE: Final = "value"  # N
# With shards the counter is the sum of the rows "global", "global#1", "global#2" and so on.
COUNTER_SHARDS: Final = "shards"  # N, on the row "global": the most rows that were ever in use
MAX_COUNTER_SHARDS: Final = 16
# "op#<op id>" is a row for each click that was counted with an op id, with expiresAt. While the row
# exists, the same click is not counted again.
OPERATION_ROW_PREFIX: Final = "op#"
# The row of the broadcast lease.
LEASE_ROW: Final = "lease"
LEASE_TICKET: Final = "ticket"  # N, tickets taken so far
LEASE_OWNER: Final = "broadcaster"  # S, absent while the lease is free
LEASE_UNTIL: Final = "leaseUntil"  # N, epoch seconds


# Metrics of the function, in CloudWatch under one namespace with one dimension.
METRICS_NAMESPACE: Final = "CounterService"
METRICS_DIMENSION: Final = "FunctionName"  # the one of AWS/Lambda; its values name the stack


class Metric(StrEnum):
    """Names of the metrics. Each is billed as a custom metric for the hours it is written in."""

    CLICKS = "Clicks"  # increments that were counted, each of them once
    RETRIES = "Retries"  # attempts to count that conflicted with another click or were throttled
    BROADCASTS = "Broadcasts"  # values that were posted to every connection
    AUDIENCE = "Audience"  # connections that an event's broadcasts were for, its sender included
    DELIVERED = "Delivered"
    GONE = "Gone"
    SKIPPED = "Skipped"
    FORBIDDEN = "Forbidden"
    THROTTLED = "Throttled"  # posts that API Gateway rejected with 429, retried ones included
    LAG = "Lag"  # milliseconds from API Gateway's receipt of a click to the end of its broadcast
    CONNECTS = "Connects"
    DISCONNECTS = "Disconnects"
    CLIENT_ERRORS = "ClientErrors"  # wrong messages and rejected handshakes
    FAILURES = "Failures"  # DynamoDB did not respond, or a broadcast is incomplete
