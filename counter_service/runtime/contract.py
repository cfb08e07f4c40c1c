"""Names that the graph and the function must agree on.

The one module of the runtime that `counter_service.infra` may import.
"""

from typing import Final

# Where Lambda finds the entry point inside the archive.
HANDLER: Final = "counter_service.runtime.handler.handle"

# Environment of the function.
ENV_CONNECTIONS_TABLE: Final = "CONNECTIONS_TABLE"
ENV_COUNTER_TABLE: Final = "COUNTER_TABLE"
ENV_MANAGEMENT_ENDPOINT: Final = "MANAGEMENT_ENDPOINT"

# Routes of the WebSocket API.
ROUTE_CONNECT: Final = "$connect"
ROUTE_DISCONNECT: Final = "$disconnect"
ROUTE_DEFAULT: Final = "$default"
ROUTES: Final = (ROUTE_CONNECT, ROUTE_DISCONNECT, ROUTE_DEFAULT)

# Connections table: one row for each open connection.
CONNECTION_KEY: Final = "connectionId"  # S
CONNECTED_AT: Final = "connectedAt"  # N, epoch seconds
EXPIRES_AT: Final = "expiresAt"  # N, epoch seconds; the table's TTL attribute
# API Gateway closes every connection after two hours, so no live one outlasts its row.
CONNECTION_TTL_SECONDS: Final = 2 * 60 * 60

# Counter table.
COUNTER_KEY: Final = "id"  # S
COUNTER_ROW: Final = "global"
COUNTER_VALUE: Final = "value"  # N
