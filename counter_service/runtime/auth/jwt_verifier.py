"""TokenVerifier on PyJWT, for signed tokens (JWT, RFC 7519) of one OpenID Connect issuer.

Imported only if authentication is configured, because an archive without it has no PyJWT.
"""

from typing import Any, Final

import jwt

from counter_service.runtime.core.ports import TokenProblem

from .jwks import JwksCache, KeysUnavailable

# Only signatures by a key pair. "none" is no signature, and HS256 would use the public key as a
# shared secret.
ALGORITHMS: Final = ("RS256", "ES256")

LEEWAY_SECONDS: Final = 30  # for clocks that differ

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
    """Accepts tokens of the issuer for the audience that are signed by one of its keys.

    Args:
        issuer: URL without a trailing slash. A token's `iss` may have one, as Auth0's do.
        audience: Must be in the token's `aud`.
        keys: The issuer's keys.
    """

    def __init__(self, issuer: str, audience: str, keys: JwksCache) -> None:
        self._issuers = [issuer, f"{issuer}/"]
        self._audience = audience
        self._keys = keys

    def check(self, token: str) -> TokenProblem | None:
        try:
            return self._check(token)
        except KeysUnavailable:
            return TokenProblem.KEYS_UNAVAILABLE  # JwksCache has logged the reason
        except (jwt.PyJWTError, ValueError, OverflowError, RecursionError) as failure:
            # OverflowError: infinite timestamps. RecursionError: deeply nested JSON.
            return next(
                (problem for kind, problem in _PROBLEMS if isinstance(failure, kind)),
                TokenProblem.MALFORMED,
            )

    def _check(self, token: str) -> TokenProblem | None:
        header = jwt.get_unverified_header(token)
        algorithm, key_id = header.get("alg"), header.get("kid")
        # Check both before looking up the key, so that a malformed token never causes a fetch.
        if algorithm not in ALGORITHMS:
            return TokenProblem.WRONG_ALGORITHM
        if not isinstance(key_id, str):
            return TokenProblem.UNKNOWN_KEY
        key = self._keys.get(key_id)
        if key is None:
            return TokenProblem.UNKNOWN_KEY
        self._verify(token, key)
        return None

    def _verify(self, token: str, key: dict[str, Any]) -> None:
        # PyJWK binds the key to its own algorithm, whatever the token's header says.
        jwt.decode(
            token,
            jwt.PyJWK(key),
            algorithms=ALGORITHMS,
            audience=self._audience,
            issuer=self._issuers,
            leeway=LEEWAY_SECONDS,
            options={"require": ["exp", "iss", "aud"], "enforce_minimum_key_length": True},
        )
