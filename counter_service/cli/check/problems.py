"""What may be wrong with a deployment, and what to look at then.

Each function makes the problem of one symptom. It names the causes that have this symptom on AWS,
the most frequent first: keys of the configuration, permissions, logs and alarms.
"""

from typing import Final
from urllib.parse import urlsplit

from counter_service.cli.address import LOCAL_OUTPUTS, Address
from counter_service.client.messages import Failure, Update
from counter_service.runtime.core.protocol import MAX_VALUE, ErrorCode

TROUBLESHOOTING: Final = 'docs/operations.md, "When something is wrong"'
_POLICIES: Final = "counter_service/infra/policies.py"


class Problem(Exception):
    """A step has failed.

    Attributes:
        look_at: Where the cause may be, the most probable place first.
        is_unreachable: Whether there was no response at all from the address.
    """

    def __init__(self, sentence: str, *look_at: str, is_unreachable: bool = False) -> None:
        super().__init__(sentence)
        self.look_at = look_at
        self.is_unreachable = is_unreachable


def unreachable(address: Address, reason: str) -> Problem:
    """There was no response to a handshake."""
    if address.source == LOCAL_OUTPUTS:
        places = [
            f"make run: if it is not running any more, delete {LOCAL_OUTPUTS}",
            ".local/ministack.log, the emulator's log",
        ]
    else:
        places = [
            "WebSocketApiEndpoint in `make outputs STACK=…`: this URL may be that of a removed API",
            "this machine's network, proxy and DNS",
        ]
    return Problem(
        f"{urlsplit(address.url).netloc} cannot be reached: {reason}.", *places, is_unreachable=True
    )


def rejected(address: Address, status: int, *, has_token: bool) -> Problem:
    """The handshake of a client that may connect was rejected."""
    if status == 401 and has_token:
        return Problem(
            "The server rejected the token (401).",
            f"`error` in {log(address)}: expired-token, wrong-audience, keys-unavailable, …",
            'authIssuer, authAudience and authJwksUrl of the stack: docs/access.md, "Tokens"',
        )
    if status == 401:
        return Problem(
            "The server requires a token (401).",
            "--token or COUNTER_TOKEN, with a token of the stack's authIssuer",
        )
    if status == 403 and address.source == LOCAL_OUTPUTS:
        return Problem(
            f"The local run rejected the handshake of {address.origin} (403).",
            f"`error` in {log(address)}, because the emulator rejects with 403 for any reason: the "
            "origin, the token, or an exception of the function",
            "allowedOrigins and allowLocalhost of the stack, --token with authIssuer",
        )
    if status == 403 and address.origin:
        return Problem(
            f"The server rejected the origin {address.origin} (403), so this page cannot connect.",
            "allowedOrigins of the stack, and ALLOWED_ORIGINS of the function, which also has "
            "the origin of the stack's own page",
            f"foreign-origin in {log(address)}; without such a line the URL names no stage of "
            "the API, which is a 403 too",
        )
    if status == 403:
        return Problem(
            "The server rejected a client that sends no origin (403).",
            "--origin, with the origin of the counter's page",
            "allowMissingOrigin of the stack, if every program may connect",
            "the stage at the end of the URL, because an unknown one is a 403 too",
        )
    if status == 429:
        return Problem(
            "API Gateway is throttling handshakes (429).",
            "throttleRate and throttleBurst of the stack",
            "the account's quota of requests: Service Quotas, API Gateway",
            TROUBLESHOOTING,
        )
    if status >= 500:
        return Problem(
            f"API Gateway could not invoke the function, or the function failed ({status}).",
            f"{log(address)}; without a line of this handshake, the API may lack the permission"
            " to invoke it: websocket-permission in counter_service/infra/websocket_api.py",
            "ConnectionsTableName: each handshake writes to this table, and needs "
            f"dynamodb:PutItem in {_POLICIES}",
            "the alarms counter-api-execution-errors, counter-function-errors and "
            "counter-function-throttles",
            "changes outside Pulumi: `pulumi refresh`, then `make up`",
        )
    return Problem(
        f"The server responded to the handshake with {status} instead of opening a WebSocket.",
        "the URL, which should be WebSocketApiEndpoint in `make outputs STACK=…`",
    )


def failed(address: Address, request: str, failure: Failure) -> Problem:
    """A request that must succeed got an error, or its connection was closed."""
    if failure.code == ErrorCode.UNAVAILABLE:
        return Problem(
            f"The function cannot use its tables: {request} got the error {failure.code!r}.",
            "CounterTableName and ConnectionsTableName in `make outputs STACK=…`: do both "
            "tables exist?",
            f"the statements Counter and Connections of the function's role, in {_POLICIES}",
            f"the WARNING lines of {log(address)}",
            "the alarm counter-failures",
        )
    if failure.code == ErrorCode.BUSY:
        return Problem(
            f"The counter table takes no more clicks: {request} got the error {failure.code!r}.",
            'counterShards: docs/operations.md, "Many clicks at once"',
            "tableMaxWriteUnits of the stack",
            f"`retries` and `error` in {log(address)}",
        )
    if failure.code == "gateway":
        return Problem(
            f"The function did not serve {request}. {failure}",
            f"the exception in {log(address)}; without one, websocket-permission and the "
            "routes in counter_service/infra/websocket_api.py",
            "the alarms counter-function-errors and counter-api-execution-errors",
        )
    if failure.code == "closed":
        return Problem(
            f"{failure} It was waiting for the response to {request}.",
            log(address),
            "a deployment or a restart at the same moment: run it again",
        )
    return Problem(
        f"{request} failed ({failure.code}): {failure}",
        log(address),
        "the version of this checkout, which may not be the deployed one",
    )


def silent(address: Address, request: str) -> Problem:
    """The connection is open, and a request got no response."""
    return Problem(
        f"{request} got no response.",
        f"`posting is forbidden` in {log(address)}: the function's role lacks "
        f"execute-api:ManageConnections, in {_POLICIES}",
        "the alarms counter-posts-forbidden, counter-function-slow and counter-posts-throttled",
        TROUBLESHOOTING,
    )


def not_broadcast(address: Address, value: int) -> Problem:
    """A click was acknowledged, and another client did not get its value."""
    return Problem(
        f"The click was acknowledged, but the other connection did not get the value {value}.",
        f"`error` and `forbidden` in {log(address)}",
        f"dynamodb:Scan and execute-api:ManageConnections of the function's role, in {_POLICIES}",
        "postsPerSecond: a broadcast takes clients / postsPerSecond seconds",
        "the alarms counter-failures and counter-posts-forbidden",
    )


def not_counted(address: Address, before: int, value: int) -> Problem:
    """A click was acknowledged with a value that does not contain it."""
    return Problem(
        f"The click was acknowledged with the value {value}, but the value before was {before}.",
        "changes of the counter table by others: it must only grow",
        f"`value` in {log(address)}",
    )


def counted_twice(address: Address) -> Problem:
    """A resend changed the value, although no other client clicked."""
    return Problem(
        "The resend of a click was counted again, so clicks count twice after a reconnect.",
        "increment_once in counter_service/runtime/dynamodb/counter_store.py, and its "
        "condition on the row op#<op id>",
        f"`countedBefore` in {log(address)}",
        "docs/adr/0011-a-click-counts-once.md",
    )


def out_of_range() -> Problem:
    """The value is none that a client can use."""
    return Problem(
        f"The value is not a whole number from 0 to {MAX_VALUE}.",
        'docs/operations.md, "Set the value"',
    )


def wrong_error(address: Address, response: Update | Failure) -> Problem:
    """An invalid message got another response than its error."""
    got = str(response) if isinstance(response, Failure) else "a value"
    return Problem(
        f'A message that is not JSON got this instead of the error "{ErrorCode.NOT_JSON}": {got}',
        f"the route $default in counter_service/infra/websocket_api.py, and {log(address)}",
        "the version of this checkout, which may not be the deployed one",
    )


def foreign_origin_accepted(address: Address, origin: str) -> Problem:
    """A page that is not configured could connect."""
    return Problem(
        f"The foreign origin {origin} was accepted: every website can connect and click from the "
        "browsers of its visitors.",
        "allowedOrigins of the stack, and ALLOWED_ORIGINS of the function",
        "the deployed code: counter_service/runtime/core/origins.py compares whole origins",
        f"`origin` in {log(address)}",
        "docs/security.md, the first threat",
    )


def log(address: Address) -> str:
    """The function's log, as a command if its name is known."""
    if address.source == LOCAL_OUTPUTS:
        return ".local/function.log"
    if address.function:
        return f"`aws logs tail /aws/lambda/{address.function} --since 10m`"
    return "the function's log"
