"""Connects commands to the counter at an address."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from .address import Address
from .errors import UnreachableError

if TYPE_CHECKING:
    from counter_service.client import CounterClient

TokenOption = Annotated[
    str | None,
    typer.Option(
        "--token",
        envvar="COUNTER_TOKEN",
        metavar="TOKEN",
        help="Token to send, for a stack with authIssuer. "
        "In COUNTER_TOKEN it stays out of the shell's history.",
        show_default=False,
        show_envvar=False,
    ),
]


def client_for(address: Address, token: str | None, **options: Any) -> "CounterClient":
    """A client, with the further arguments of CounterClient."""
    from counter_service.client import CounterClient

    return CounterClient(address.url, origin=address.origin, token=token, **options)


def unreachable(address: Address, problem: object) -> UnreachableError:
    """The error that there is no connection, or none any more, with its cause."""
    cause = str(problem).rstrip(".") if problem else "The server did not respond"
    return UnreachableError(
        f"There is no connection to {address.url} (from {address.source}). {cause}. "
        + _advice(address, cause)
    )


def _advice(address: Address, cause: str) -> str:
    if "token" in cause:
        return "Give a valid token with --token or COUNTER_TOKEN."
    if "origin" in cause and address.origin:
        return f"Is {address.origin} in allowedOrigins? Give another with --origin."
    if "origin" in cause:
        return "Give an origin of the stack's allowedOrigins with --origin."
    return "counter check finds the part that does not work."
