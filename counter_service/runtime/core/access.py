"""Accepts or rejects a handshake: first by the page's origin, then by the client's token."""

from dataclasses import dataclass
from typing import Final

from .events import Connect
from .origins import OriginPolicy, OriginProblem
from .ports import TokenProblem, TokenVerifier

# A page cannot set the headers of a handshake, but it can offer subprotocols: ours, which the
# response then names, and one that carries the token.
SUBPROTOCOL: Final = "counter"
_BEARER: Final = "bearer."

FORBIDDEN: Final = 403
UNAUTHORIZED: Final = 401


@dataclass(frozen=True, slots=True)
class Rejection:
    """The status of the response to the handshake, and the reason for the log."""

    status: int
    problem: OriginProblem | TokenProblem


@dataclass(slots=True, eq=False)
class Access:
    """The rules for handshakes. Without `tokens`, clients need no token."""

    origins: OriginPolicy
    tokens: TokenVerifier | None = None

    def check(self, connect: Connect) -> Rejection | None:
        """None if the client may connect. Never raises, whatever the client sends."""
        if origin_problem := self.origins.check(connect.origin):
            return Rejection(FORBIDDEN, origin_problem)
        if self.tokens is None:
            return None
        token = token_of(connect)
        token_problem = self.tokens.check(token) if token else TokenProblem.MISSING
        return Rejection(UNAUTHORIZED, token_problem) if token_problem else None


def token_of(connect: Connect) -> str | None:
    """The token among the subprotocols, or else the one in the query string."""
    for offered in connect.subprotocols:
        if offered.startswith(_BEARER):
            return offered.removeprefix(_BEARER)
    return connect.token


def subprotocol_for(connect: Connect) -> str | None:
    """The subprotocol that the response names.

    A browser closes a connection if none of its offers is named, or if another is.
    """
    return SUBPROTOCOL if SUBPROTOCOL in connect.subprotocols else None
