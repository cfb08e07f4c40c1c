"""Tokens as an issuer signs them, and as people forge them."""

import base64
import hmac
import json
import time
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from jwt.warnings import InsecureKeyLengthWarning

from counter_service.runtime.auth.jwks import REFETCH_SECONDS, JwksCache
from counter_service.runtime.auth.jwt_verifier import LEEWAY_SECONDS, JwtVerifier
from counter_service.runtime.core.ports import TokenProblem
from tests.unit.issuer import AUDIENCE, Issuer, ec_key, public_jwk, rsa_key


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
def verifier(issuer: Issuer) -> JwtVerifier:
    return verifier_of(issuer)


def verifier_of(issuer: Issuer) -> JwtVerifier:
    return JwtVerifier(issuer.url, AUDIENCE, JwksCache(issuer.url, fetch=issuer.fetch))


def encoded(part: object) -> str:
    text = part if isinstance(part, str) else json.dumps(part)
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


@pytest.mark.parametrize("make_key", [rsa_key, ec_key], ids=["RS256", "ES256"])
def test_takes_a_token_of_the_issuer(issuer: Issuer, verifier: JwtVerifier, make_key: Any) -> None:
    issuer.keys["first"] = make_key()
    assert verifier.check(issuer.token()) is None
    assert issuer.asked == ["/.well-known/openid-configuration", "/keys"]


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": [AUDIENCE, "another"]},
        {"iss": "https://login.example.com/"},  # Auth0's have the slash, our setting has not
        {"iat": None},
    ],
)
def test_takes_it_also_with(issuer: Issuer, verifier: JwtVerifier, claims: dict[str, Any]) -> None:
    assert verifier.check(issuer.token(**claims)) is None


@pytest.mark.parametrize(
    ("claims", "problem"),
    [
        ({"exp": 0}, TokenProblem.EXPIRED),
        ({"exp": None}, TokenProblem.MALFORMED),
        ({"exp": "tomorrow"}, TokenProblem.MALFORMED),
        ({"exp": float("inf")}, TokenProblem.MALFORMED),
        ({"iss": "https://evil.test"}, TokenProblem.WRONG_ISSUER),
        ({"iss": "https://login.example.com.evil.test"}, TokenProblem.WRONG_ISSUER),
        ({"iss": "https://login.example.com//"}, TokenProblem.WRONG_ISSUER),
        ({"iss": None}, TokenProblem.MALFORMED),
        ({"aud": "another"}, TokenProblem.WRONG_AUDIENCE),
        ({"aud": ["another"]}, TokenProblem.WRONG_AUDIENCE),
        ({"aud": ""}, TokenProblem.MALFORMED),
        ({"aud": []}, TokenProblem.MALFORMED),
        ({"aud": None}, TokenProblem.MALFORMED),
    ],
)
def test_refuses_what_it_claims(
    issuer: Issuer, verifier: JwtVerifier, claims: dict[str, Any], problem: TokenProblem
) -> None:
    assert verifier.check(issuer.token(**claims)) is problem


@pytest.mark.parametrize(
    ("claim", "seconds", "problem"),
    [
        ("exp", -LEEWAY_SECONDS // 2, None),
        ("exp", -LEEWAY_SECONDS - 1, TokenProblem.EXPIRED),
        ("nbf", LEEWAY_SECONDS // 2, None),
        ("nbf", 10 * LEEWAY_SECONDS, TokenProblem.NOT_YET_VALID),
        ("iat", LEEWAY_SECONDS // 2, None),
        ("iat", 10 * LEEWAY_SECONDS, TokenProblem.NOT_YET_VALID),
    ],
)
def test_clocks_may_differ_a_little(
    issuer: Issuer, verifier: JwtVerifier, claim: str, seconds: int, problem: TokenProblem | None
) -> None:
    claims: dict[str, Any] = {claim: int(time.time()) + seconds}
    token = issuer.token(**claims)
    assert verifier.check(token) is problem


def test_refuses_a_signature_of_another_key(issuer: Issuer, verifier: JwtVerifier) -> None:
    token = issuer.token(key=ec_key())
    assert verifier.check(token) is TokenProblem.BAD_SIGNATURE


def test_refuses_another_payload_under_a_signature(issuer: Issuer, verifier: JwtVerifier) -> None:
    header, payload, signature = issuer.token().split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    changed = f"{header}.{encoded(claims | {'sub': 'eve'})}.{signature}"
    assert verifier.check(changed) is TokenProblem.BAD_SIGNATURE


@pytest.mark.parametrize("algorithm", ["none", "None", "", "HS256", "RS512", "EdDSA", None, 7, []])
def test_refuses_every_other_algorithm(
    issuer: Issuer, verifier: JwtVerifier, algorithm: object
) -> None:
    _, payload, signature = issuer.token().split(".")
    header = encoded({"alg": algorithm, "kid": "first"})
    for end in (signature, ""):
        problem = verifier.check(f"{header}.{payload}.{end}")
        assert problem in {TokenProblem.WRONG_ALGORITHM, TokenProblem.MALFORMED}
    assert issuer.asked == []


def test_refuses_the_public_key_as_a_shared_secret(issuer: Issuer, verifier: JwtVerifier) -> None:
    key = issuer.keys["first"].public_key()
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    claims = {"iss": issuer.url, "aud": AUDIENCE, "exp": int(time.time()) + 300}
    signed = f"{encoded({'alg': 'HS256', 'kid': 'first'})}.{encoded(claims)}"
    signature = base64.urlsafe_b64encode(hmac.digest(der, signed.encode(), "sha256"))
    forged = f"{signed}.{signature.rstrip(b'=').decode()}"
    assert verifier.check(forged) is TokenProblem.WRONG_ALGORITHM


def test_refuses_the_algorithm_of_another_kind_of_key(
    issuer: Issuer, verifier: JwtVerifier
) -> None:
    token = issuer.token(key=rsa_key())  # RS256, where the key of that id is for ES256
    assert verifier.check(token) is TokenProblem.WRONG_ALGORITHM


@pytest.mark.parametrize("kid", [None, "second", ""])
def test_refuses_a_key_that_the_issuer_does_not_have(
    issuer: Issuer, verifier: JwtVerifier, kid: str | None
) -> None:
    token = issuer.token(kid=kid, key=issuer.keys["first"])
    assert verifier.check(token) is TokenProblem.UNKNOWN_KEY


def test_takes_no_key_from_the_token(issuer: Issuer, verifier: JwtVerifier) -> None:
    own = ec_key()
    headers = {"jwk": public_jwk(own, "own"), "jku": "https://evil.test/keys"}
    token = issuer.token(kid="own", key=own, headers=headers)
    assert verifier.check(token) is TokenProblem.UNKNOWN_KEY
    assert set(issuer.asked) == {"/.well-known/openid-configuration", "/keys"}


def test_refuses_a_key_that_is_too_short(issuer: Issuer, verifier: JwtVerifier) -> None:
    issuer.keys["first"] = rsa_key(1024)
    with pytest.warns(InsecureKeyLengthWarning):  # at the issuer's
        token = issuer.token()
    assert verifier.check(token) is TokenProblem.UNKNOWN_KEY


@pytest.mark.parametrize("broken", ["curve", "field"])
def test_refuses_a_key_that_cannot_be_used(
    issuer: Issuer, verifier: JwtVerifier, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = issuer.token()
    if broken == "curve":
        issuer.keys["first"] = ec.generate_private_key(ec.SECP384R1())
        expected = TokenProblem.WRONG_ALGORITHM
    else:
        documents = issuer.documents()
        del documents["/keys"]["keys"][0]["x"]
        monkeypatch.setattr(issuer, "documents", lambda: documents)
        expected = TokenProblem.UNKNOWN_KEY
    assert verifier.check(token) is expected


def test_takes_the_tokens_of_a_new_key(issuer: Issuer) -> None:
    now = [0.0]
    keys = JwksCache(issuer.url, fetch=issuer.fetch, monotonic=lambda: now[0])
    verifier = JwtVerifier(issuer.url, AUDIENCE, keys)
    old = issuer.token()
    assert verifier.check(old) is None
    issuer.keys = {"second": rsa_key()}
    new = issuer.token(kid="second")
    assert verifier.check(new) is TokenProblem.UNKNOWN_KEY
    now[0] += REFETCH_SECONDS
    assert verifier.check(new) is None
    assert verifier.check(old) is TokenProblem.UNKNOWN_KEY


def test_keys_that_cannot_be_had(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    token = issuer.token()
    monkeypatch.setattr(issuer, "documents", dict)

    def down(url: str) -> bytes:
        raise TimeoutError

    keys = JwksCache(issuer.url, fetch=down)
    verifier = JwtVerifier(issuer.url, AUDIENCE, keys)
    assert verifier.check(token) is TokenProblem.KEYS_UNAVAILABLE


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "..",
        "a.b.c",
        "a.b.c.d",
        "\u00e4.\ud800.c",
        f"{encoded('[]')}.e30.x",
        f"{encoded('null')}.e30.x",
        f"{encoded('[' * 5000)}.e30.x",
        f"{encoded({'alg': 'ES256', 'kid': ['first']})}.e30.x",
        f"{encoded({'alg': 'ES256', 'kid': 'first', 'crit': ['x'], 'x': 1})}.e30.x",
        "x" * 100_000,
    ],
    ids=lambda token: repr(token[:30]),
)
def test_refuses_what_is_no_token(verifier: JwtVerifier, token: str) -> None:
    assert verifier.check(token) is TokenProblem.MALFORMED


ISSUER = Issuer()
GOOD = ISSUER.token()


parts = st.text() | st.sampled_from(GOOD.split("."))


@given(st.text() | st.lists(parts, max_size=4).map(".".join).filter(lambda text: text != GOOD))
def test_never_raises(text: str) -> None:
    assert verifier_of(ISSUER).check(text) in set(TokenProblem)


@given(st.integers(0, len(GOOD) - 1), st.characters(codec="ascii"))
def test_no_other_character_anywhere_is_as_good(position: int, character: str) -> None:
    changed = GOOD[:position] + character + GOOD[position + 1 :]
    # The last character of a part has bits that encode nothing.
    is_end = position + 1 == len(GOOD) or GOOD[position + 1] == "."
    if changed != GOOD and not is_end:
        assert verifier_of(ISSUER).check(changed) is not None
