"""The graph, deployed into a running emulator."""

import json
from dataclasses import dataclass
from typing import Any, Final

from pulumi.runtime.mocks import MockMonitor
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect
from websockets.typing import Origin

from counter_service.program import qualified, run_program

from .access import needs_token
from .emulator import Emulator
from .errors import LocalError
from .resources import EmulatedAws

ANSWER_SECONDS: Final = 30.0

# DNS does not lead here: a stack with a domain of its own is served at the emulator's address.
_NOT_HERE: Final = (qualified("domainName"), qualified("hostedZoneId"))


@dataclass(frozen=True, slots=True)
class Deployment:
    outputs: dict[str, Any]
    passed_through: list[str]  # resources that the emulator cannot hold


def deploy(
    emulator: Emulator, stack: str, config: dict[str, str], origin: str | None = None
) -> Deployment:
    """Create the stack's resources; return once a client on that origin's pages gets its answer.

    Raises LocalError when nothing answers, pulumi.RunError for a wrong configuration.
    """
    aws = EmulatedAws(emulator)
    outputs = run_program(MockMonitor(aws), stack, config | dict.fromkeys(_NOT_HERE, ""))
    if needs_token(config):
        _start(aws, outputs["FunctionName"])
    else:
        _ask_once(outputs["WebSocketApiEndpoint"], origin)
    left_out = [f"{key} {config[key]}" for key in _NOT_HERE if config.get(key)]
    return Deployment(outputs, aws.passed_through + left_out)


def _start(aws: EmulatedAws, function: str) -> None:
    # Nobody here has a token, so the function is asked past the API: to forget a connection that
    # it does not know.
    event = {"requestContext": {"eventType": "DISCONNECT", "connectionId": "nobody"}}
    answer = aws.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event))
    content = answer["Payload"].read().decode()
    if "FunctionError" in answer or json.loads(content) != {"statusCode": 200}:
        raise LocalError(f"The deployed function does not start: {content}")


def _ask_once(url: str, origin: str | None) -> None:
    # The first question starts the function, so a person's first click need not wait for it.
    try:
        with connect(
            url, origin=Origin(origin) if origin else None, open_timeout=ANSWER_SECONDS, proxy=None
        ) as client:
            client.send('{"action":"get-current"}')
            answer = json.loads(client.recv(timeout=ANSWER_SECONDS))
    except (OSError, TimeoutError, ValueError, WebSocketException) as problem:
        raise LocalError(
            f"The deployed function does not answer on {url}: {problem!r}."
        ) from problem
    if answer.get("type") != "counter-update":
        raise LocalError(f"The deployed function answered {answer} on {url}.")
