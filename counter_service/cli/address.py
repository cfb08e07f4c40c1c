"""The address of the counter: given, or of the local run, or of a deployed stack."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import typer

from counter_service.paths import ROOT
from counter_service.toolchain import pulumi_cli
from counter_service.toolchain.errors import ToolchainError

from .errors import UsageError

LOCAL_OUTPUTS: Final = ".local/outputs.json"

UrlArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="[URL]",
        help="URL of the WebSocket API, such as ws://127.0.0.1:8080/prod. "
        "Default: the counter of make run, or else the selected stack.",
        show_default=False,
    ),
]
StackOption = Annotated[
    str | None,
    typer.Option(
        "--stack", metavar="STACK", help="Take the URL of this deployed stack.", show_default=False
    ),
]
OriginOption = Annotated[
    str | None,
    typer.Option(
        "--origin",
        metavar="ORIGIN",
        help="Origin to send, such as https://www.example.com. "
        "Default: the origin of the counter's page; none with a URL.",
        show_default=False,
    ),
]

# The text of `pulumi stack output --json`, for a stack or the selected one.
ReadStack = Callable[[str | None], str]


@dataclass(frozen=True, slots=True)
class Address:
    """Where a counter is.

    Attributes:
        url: URL of the WebSocket API.
        origin: Origin that it accepts, to send with the handshake. Without one, a counter accepts
            the connection only with `allowMissingOrigin`.
        website: URL of the page, if it is known.
        source: What named the address, for errors: "the argument", ".local/outputs.json" and so on.
        function: Name of the Lambda function, if it is known.
    """

    url: str
    origin: str | None
    website: str | None
    source: str
    function: str | None = None

    @property
    def is_loopback(self) -> bool:
        """Whether the counter is on this machine."""
        host = urlsplit(self.url).hostname or ""
        try:
            return ip_address(host).is_loopback
        except ValueError:  # a name
            return host == "localhost"


def find(
    url: str | None,
    stack: str | None = None,
    origin: str | None = None,
    page: str | None = None,
    *,
    root: Path = ROOT,
    read_stack: ReadStack | None = None,
) -> Address:
    """Find the counter that the arguments of a command name.

    Args:
        url: The URL, if one was given.
        stack: A deployed stack, if one was given.
        origin: The origin to send in place of the page's.
        page: The URL of the page in place of the stack's.
        root: The checkout.
        read_stack: Reads a stack's outputs; by default, with the Pulumi CLI.

    Raises:
        UsageError: There is no address, or it is no WebSocket URL, or the page's is no URL.
    """
    if url and stack:
        raise UsageError("Give a URL or --stack, not both.")
    own = {"WebsiteUrl": page} if page else {}
    if url:
        return _address({"WebSocketApiEndpoint": url} | own, origin, "the argument")
    if stack is None and (local := _local_outputs(root)) is not None:
        return _address(_outputs(local, LOCAL_OUTPUTS) | own, origin, LOCAL_OUTPUTS)
    source = f"the stack {stack}" if stack else "the selected stack"
    try:
        text = (read_stack or _ask_pulumi(root))(stack)
    except ToolchainError as problem:
        raise UsageError(_no_address(stack, str(problem))) from None
    outputs = _outputs(text, "pulumi stack output")
    if "WebSocketApiEndpoint" not in outputs:
        raise UsageError(_no_address(stack, f"{source} has no WebSocketApiEndpoint"))
    return _address(outputs | own, origin, source)


def _address(outputs: Mapping[str, Any], origin: str | None, source: str) -> Address:
    url = str(outputs.get("WebSocketApiEndpoint", ""))
    website = outputs.get("WebsiteUrl")
    if not _is_url(url, "ws", "wss"):
        raise UsageError(
            f"{url!r}, from {source}, is no WebSocket URL. It begins with ws:// or wss://, such as "
            "the stack's output WebSocketApiEndpoint."
        )
    if website and not _is_url(website, "http", "https"):
        raise UsageError(
            f"{website!r} is no URL of a page. It begins with https:// or http://, such as the "
            "stack's output WebsiteUrl."
        )
    return Address(url, origin or _origin_of(website), website, source, outputs.get("FunctionName"))


def _is_url(url: str, *schemes: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, or half of an IPv6 address
        return False


def _origin_of(website: str | None) -> str | None:
    if not website:
        return None
    parts = urlsplit(website)
    return f"{parts.scheme}://{parts.netloc}"


def _local_outputs(root: Path) -> bytes | None:
    try:
        return (root / LOCAL_OUTPUTS).read_bytes()
    except FileNotFoundError:
        return None
    except OSError as problem:
        raise UsageError(
            f"{LOCAL_OUTPUTS} cannot be read: {problem.strerror}. Correct it, or give the URL as "
            "an argument."
        ) from None


def _outputs(text: str | bytes, source: str) -> dict[str, Any]:
    try:
        outputs = json.loads(text)
    except ValueError:
        outputs = None
    if not isinstance(outputs, dict):
        raise UsageError(f"{source} is no JSON object of outputs. Give the URL as an argument.")
    return outputs


def _ask_pulumi(root: Path) -> ReadStack:
    def read(stack: str | None) -> str:
        named = ["--stack", stack] if stack else []
        return pulumi_cli.ask(root, ["stack", "output", "--json", *named])

    return read


def _no_address(stack: str | None, problem: str) -> str:
    problem = problem.rstrip(".")
    if stack:
        return (
            f"The address of the stack {stack} is unknown: {problem}. Deploy it with "
            f"make up STACK={stack}, or give the URL as an argument."
        )
    return (
        f"There is no counter to connect to. make run is not running here ({LOCAL_OUTPUTS} does "
        f"not exist), and Pulumi has no outputs: {problem}. Start one with make run, name a "
        "deployed one with --stack, or give the URL as an argument."
    )
