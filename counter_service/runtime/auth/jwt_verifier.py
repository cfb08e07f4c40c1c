"""TokenVerifier on PyJWT: the signed tokens (JWT, RFC 7519) of one OpenID Connect issuer.

Imported only where authentication is on: PyJWT is not in the archive otherwise.
"""

from typing import Any, Final

import jwt

from counter_service.runtime.core.ports import TokenProblem

from .jwks import JwksCache, KeysUnavailable

# Signatures by a key pair alone. "none" is no signature; HS256 would take the public key, which
# everyone has, for a shared secret.
ALGORITHMS: Final = ("RS256", "ES256")

LEEWAY_SECONDS: Final = 30  # clocks differ

_PROBLEMS: Final[tuple[tuple[type[Exception], TokenProblem], ...]] = (
    (jwt.ExpiredSignatureError, TokenProblem.EXPIRED),
    (jwt.ImmatureSignatureError, TokenProblem.NOT_YET_VALID),
    (jwt.InvalidIssuerError, TokenProblem.WRONG_ISSUER),
    (jwt.InvalidAudienceError, TokenProblem.WRONG_AUDIENCE),
    (jwt.InvalidAlgorithmError, TokenProblem.WRONG_ALGORITHM),
    (jwt.InvalidSignatureError, TokenProblem.BAD_SIGNATURE),
    (jwt.InvalidKeyError, TokenProblem.UNKNOWN_KEY),
    (jwt.PyJWKError, TokenProblem.UNKNOWN_KEY),
)


class JwtVerifier:
    """Takes tokens of the issuer for the audience, signed by one of its keys.

    `issuer` is without a trailing slash; a token's `iss` may have one, as Auth0's do.
    """

    def __init__(self, issuer: str, audience: str, keys: JwksCache) -> None:
        self._issuers = [issuer, f"{issuer}/"]
        self._audience = audience
        self._keys = keys

    def check(self, token: str) -> TokenProblem | None:
        try:
            return self._problem_with(token)
        except KeysUnavailable:
            return TokenProblem.KEYS_UNAVAILABLE  # JwksCache has logged why
        except (jwt.PyJWTError, ValueError, OverflowError, RecursionError) as failure:
            # Infinite times, and JSON that nests deeper than the stack.
            return next(
                (problem for kind, problem in _PROBLEMS if isinstance(failure, kind)),
                TokenProblem.MALFORMED,
            )

    def _problem_with(self, token: str) -> TokenProblem | None:
        header = jwt.get_unverified_header(token)
        algorithm, key_id = header.get("alg"), header.get("kid")
        # Both before the keys are looked for: nonsense must not make us fetch.
        if algorithm not in ALGORITHMS:
            return TokenProblem.WRONG_ALGORITHM
        if not isinstance(key_id, str):
            return TokenProblem.UNKNOWN_KEY
        key = self._keys.find(key_id)
        if key is None:
            return TokenProblem.UNKNOWN_KEY
        self._verify(token, key)
        return None

    def _verify(self, token: str, key: dict[str, Any]) -> None:
        # A PyJWK is bound to its key's algorithm: whatever the token's header says, an RSA key
        # verifies RSA signatures.
        jwt.decode(
            token,
            jwt.PyJWK(key),
            algorithms=ALGORITHMS,
            audience=self._audience,
            issuer=self._issuers,
            leeway=LEEWAY_SECONDS,
            options={"require": ["exp", "iss", "aud"], "enforce_minimum_key_length": True},
        )
