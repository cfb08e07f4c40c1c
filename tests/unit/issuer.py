"""An OpenID Connect issuer: its keys, its documents, and the tokens that it signs."""

import json
import time
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

AUDIENCE: Final = "counter"
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def ec_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def public_jwk(key: PrivateKey, key_id: str) -> dict[str, Any]:
    if isinstance(key, rsa.RSAPrivateKey):
        jwk = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    else:
        jwk = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {**jwk, "kid": key_id, "use": "sig"}


class Issuer:
    """An issuer whose keys a test may change.

    Attributes:
        keys: The private keys by id.
        asked: The paths fetched so far.
    """

    def __init__(self, url: str = "https://login.example.com") -> None:
        self.url = url
        self.keys: dict[str, PrivateKey] = {"first": ec_key()}
        self.asked: list[str] = []

    def token(
        self,
        *,
        kid: str | None = "first",
        key: PrivateKey | None = None,
        headers: dict[str, Any] | None = None,
        **claims: Any,
    ) -> str:
        """A valid token, unless an argument spoils it. A claim of None is left out."""
        now = int(time.time())
        valid = {"iss": self.url, "aud": AUDIENCE, "sub": "ann", "iat": now, "exp": now + 300}
        complete = valid | claims
        signing = key or self.keys[kid or "first"]
        return jwt.encode(
            {name: value for name, value in complete.items() if value is not None},
            signing,
            "RS256" if isinstance(signing, rsa.RSAPrivateKey) else "ES256",
            headers={**({"kid": kid} if kid else {}), **(headers or {})},
        )

    def documents(self) -> dict[str, dict[str, Any]]:
        """The documents that it serves, by path."""
        keys = [public_jwk(key, key_id) for key_id, key in self.keys.items()]
        discovery = {"issuer": self.url, "jwks_uri": f"{self.url}/keys"}
        return {"/.well-known/openid-configuration": discovery, "/keys": {"keys": keys}}

    def fetch(self, url: str) -> bytes:
        path = url.removeprefix(self.url)
        self.asked.append(path)
        return json.dumps(self.documents()[path]).encode()
