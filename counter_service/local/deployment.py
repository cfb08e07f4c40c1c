"""Deploys the graph into a running emulator."""

import json
from dataclasses import dataclass
from typing import Any, Final

from pulumi.runtime.mocks import MockMonitor
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect
from websockets.typing import Origin

from counter_service.client.messages import GET_CURRENT, Failure, parse
from counter_service.program import qualified, run_program

from .emulator import MiniStack
from .errors import LocalError
from .mocks import EmulatorMocks
from .overrides import needs_token

RESPONSE_SECONDS: Final = 30.0  # the first event also starts the function


@dataclass(frozen=True, slots=True)
class Deployment:
    """A stack that is deployed in the emulator."""

    outputs: dict[str, Any]  # by name, as `pulumi stack output` shows them
    unsupported: list[str]  # resources, and keys of the configuration, that were left out


def deploy(
    emulator: MiniStack, stack: str, config: dict[str, str], origin: str | None = None
) -> Deployment:
    """Create the stack's resources, and return after the function has responded to its first event.

    Args:
        emulator: A running emulator, which has no stack yet.
        stack: Name of the stack.
        config: Configuration of the stack, by qualified key.
        origin: Origin of the client that asks for the counter, or None for a client without one.

    Raises:
        LocalError: The function does not respond, or a resource cannot be created as declared.
        pulumi.RunError: The configuration is wrong.
    """
    mocks = EmulatorMocks(emulator)
    outputs = run_program(MockMonitor(mocks), stack, config | {"emulator:customDomain": "false"})
    if needs_token(config):
        _start(emulator, outputs["FunctionName"])
    else:
        _get_current(emulator, outputs["WebSocketApiEndpoint"], origin)
    # DNS does not point to this machine, so a stack with a custom domain is served without it.
    keys = (qualified("domainName"), qualified("hostedZoneId"))
    unsupported_keys = [f"{key} {config[key]}" for key in keys if config.get(key)]
    return Deployment(outputs, mocks.unsupported + unsupported_keys)


def _start(emulator: MiniStack, function: str) -> None:
    # This process has no token to connect with, so invoke the function with an event that changes
    # nothing: DISCONNECT for an unknown connection.
    event = {"requestContext": {"eventType": "DISCONNECT", "connectionId": "unknown"}}
    response = emulator.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event))
    content = response["Payload"].read().decode()
    if "FunctionError" in response or json.loads(content) != {"statusCode": 200}:
        raise LocalError(
            f"The deployed function does not start: {content} See {emulator.function_log}."
        )


def _get_current(emulator: MiniStack, url: str, origin: str | None) -> None:
    # The first message starts the function, so that the first click does not wait for it.
    try:
        with connect(
            url,
            origin=Origin(origin) if origin else None,
            open_timeout=RESPONSE_SECONDS,
            proxy=None,
        ) as client:
            client.send(GET_CURRENT)
            response = parse(client.recv(timeout=RESPONSE_SECONDS))
    except (OSError, TimeoutError, WebSocketException) as problem:
        raise LocalError(
            f"The deployed function does not respond on {url}: {problem!r}. "
            f"See {emulator.function_log}."
        ) from problem
    if isinstance(response, Failure):
        raise LocalError(
            f'The deployed function did not send the value of the counter on {url}: "{response}" '
            f"See {emulator.function_log}."
        )
