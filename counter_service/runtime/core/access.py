"""Whether a handshake may go on: the page that asks first, then the person's token. Pure."""

from dataclasses import dataclass
from typing import Final

from .events import Connect
from .origins import OriginPolicy, OriginProblem
from .ports import TokenProblem, TokenVerifier

# A browser cannot set headers of a handshake, but it can offer subprotocols: ours, which the
# answer then names, and one that carries the token.
SUBPROTOCOL: Final = "counter"
_BEARER: Final = "bearer."

FORBIDDEN: Final = 403
UNAUTHORIZED: Final = 401


@dataclass(frozen=True, slots=True)
class Refusal:
    """The status that answers the handshake, and why, for the log."""

    status: int
    problem: OriginProblem | TokenProblem


@dataclass(frozen=True, slots=True)
class Access:
    """The rules. Without `tokens` nobody needs one."""

    origins: OriginPolicy
    tokens: TokenVerifier | None = None

    def refusal(self, connect: Connect) -> Refusal | None:
        """None if the client may connect. Never raises for what a client sends."""
        if origin_problem := self.origins.check(connect.origin):
            return Refusal(FORBIDDEN, origin_problem)
        if self.tokens is None:
            return None
        token = token_of(connect)
        token_problem = self.tokens.check(token) if token else TokenProblem.MISSING
        return Refusal(UNAUTHORIZED, token_problem) if token_problem else None


def token_of(connect: Connect) -> str | None:
    """The token of the subprotocols, else the one of the query string."""
    for offered in connect.subprotocols:
        if offered.startswith(_BEARER):
            return offered.removeprefix(_BEARER)
    return connect.token


def subprotocol_for(connect: Connect) -> str | None:
    """What to answer to the client's offer: a browser drops a connection whose offer is not
    answered, and one whose answer was not offered."""
    return SUBPROTOCOL if SUBPROTOCOL in connect.subprotocols else None
