"""Tokens as an issuer signs them, and forged ones."""

import base64
import json
import time
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from jwt.warnings import InsecureKeyLengthWarning

from counter_service.runtime.auth.jwks import JwksCache
from counter_service.runtime.auth.jwt_verifier import LEEWAY_SECONDS as LEEWAY
from counter_service.runtime.auth.jwt_verifier import JwtVerifier
from counter_service.runtime.core.ports import TokenProblem
from tests.unit.issuer import AUDIENCE, Issuer, ec_key, public_jwk, rsa_key


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


def problem_of(token: str, issuer: Issuer) -> TokenProblem | None:
    keys = JwksCache(issuer.url, fetch=issuer.fetch)
    return JwtVerifier(issuer.url, AUDIENCE, keys).check(token)


def encoded(part: object) -> str:
    text = part if isinstance(part, str) else json.dumps(part)
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


@pytest.mark.parametrize("make_key", [rsa_key, ec_key], ids=["RS256", "ES256"])
def test_token_of_the_issuer_is_accepted(issuer: Issuer, make_key: Any) -> None:
    issuer.keys["first"] = make_key()
    assert problem_of(issuer.token(), issuer) is None
    assert issuer.asked == ["/.well-known/openid-configuration", "/keys"]


# Claims of a token (numbers are seconds from now), and what is wrong with it.
CLAIMS: list[tuple[dict[str, Any], TokenProblem | None]] = [
    ({"aud": [AUDIENCE, "another"]}, None),
    ({"iss": "https://login.example.com/"}, None),  # Auth0's have the slash, our setting has not
    ({"iat": None}, None),
    ({"exp": -LEEWAY // 2}, None),
    ({"exp": -LEEWAY - 1}, TokenProblem.EXPIRED),
    ({"exp": None}, TokenProblem.MALFORMED),
    ({"exp": "tomorrow"}, TokenProblem.MALFORMED),
    ({"exp": float("inf")}, TokenProblem.MALFORMED),
    ({"nbf": LEEWAY // 2}, None),
    ({"nbf": 10 * LEEWAY}, TokenProblem.NOT_YET_VALID),
    ({"iat": LEEWAY // 2}, None),
    ({"iat": 10 * LEEWAY}, TokenProblem.NOT_YET_VALID),
    ({"iss": "https://login.example.com.evil.test"}, TokenProblem.WRONG_ISSUER),
    ({"iss": "https://login.example.com//"}, TokenProblem.WRONG_ISSUER),
    ({"iss": None}, TokenProblem.MALFORMED),
    ({"aud": "another"}, TokenProblem.WRONG_AUDIENCE),
    ({"aud": ["another"]}, TokenProblem.WRONG_AUDIENCE),
    ({"aud": ""}, TokenProblem.MALFORMED),
    ({"aud": []}, TokenProblem.MALFORMED),
    ({"aud": None}, TokenProblem.MALFORMED),
]


@pytest.mark.parametrize(("claims", "problem"), CLAIMS)
def test_token_is_checked_for_its_claims(issuer: Issuer, claims: Any, problem: Any) -> None:
    now = int(time.time())
    moments = {name: now + each for name, each in claims.items() if isinstance(each, int)}
    assert problem_of(issuer.token(**claims | moments), issuer) is problem


@pytest.mark.parametrize("algorithm", ["none", "None", "", "HS256", "RS512", "EdDSA", None, 7, []])
def test_other_algorithm_is_rejected_without_a_fetch(issuer: Issuer, algorithm: object) -> None:
    _, payload, signature = issuer.token().split(".")
    header = encoded({"alg": algorithm, "kid": "first"})
    for end in (signature, ""):
        problem = problem_of(f"{header}.{payload}.{end}", issuer)
        assert problem in {TokenProblem.WRONG_ALGORITHM, TokenProblem.MALFORMED}
    assert issuer.asked == []


@pytest.mark.parametrize(
    ("make_key", "problem"),
    [
        (ec_key, TokenProblem.BAD_SIGNATURE),
        (rsa_key, TokenProblem.WRONG_ALGORITHM),
        (lambda: ec.generate_private_key(ec.SECP384R1()), TokenProblem.WRONG_ALGORITHM),
    ],
)
def test_token_that_the_published_key_did_not_sign_is_rejected(
    issuer: Issuer, make_key: Any, problem: TokenProblem
) -> None:
    token = issuer.token()
    issuer.keys["first"] = make_key()
    assert problem_of(token, issuer) is problem


@pytest.mark.parametrize(("kid", "fetches"), [(None, 0), ("second", 1)])
def test_unknown_key_is_rejected(issuer: Issuer, kid: str | None, fetches: int) -> None:
    token = issuer.token(kid=kid, key=issuer.keys["first"])
    assert problem_of(token, issuer) is TokenProblem.UNKNOWN_KEY
    assert issuer.asked.count("/keys") == fetches


def test_key_in_the_token_is_ignored(issuer: Issuer) -> None:
    own = ec_key()
    headers = {"jwk": public_jwk(own, "own"), "jku": "https://evil.test/keys"}
    token = issuer.token(kid="own", key=own, headers=headers)
    assert problem_of(token, issuer) is TokenProblem.UNKNOWN_KEY
    assert set(issuer.asked) == {"/.well-known/openid-configuration", "/keys"}


def test_short_key_of_the_issuer_is_rejected(issuer: Issuer) -> None:
    issuer.keys["first"] = rsa_key(1024)
    with pytest.warns(InsecureKeyLengthWarning):  # from the issuer
        token = issuer.token()
    assert problem_of(token, issuer) is TokenProblem.UNKNOWN_KEY


def test_incomplete_key_of_the_issuer_is_rejected(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents = issuer.documents()
    del documents["/keys"]["keys"][0]["x"]
    monkeypatch.setattr(issuer, "documents", lambda: documents)
    assert problem_of(issuer.token(), issuer) is TokenProblem.UNKNOWN_KEY


def test_token_is_rejected_while_the_keys_are_unavailable(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(issuer, "documents", lambda: {"/.well-known/openid-configuration": {}})
    assert problem_of(issuer.token(), issuer) is TokenProblem.KEYS_UNAVAILABLE


@pytest.mark.parametrize(
    "token",
    [
        "",
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
def test_malformed_token_is_rejected(issuer: Issuer, token: str) -> None:
    assert problem_of(token, issuer) is TokenProblem.MALFORMED


ISSUER = Issuer()
GOOD = ISSUER.token()
parts = st.text() | st.sampled_from(GOOD.split("."))


@given(st.text() | st.lists(parts, max_size=4).map(".".join).filter(lambda text: text != GOOD))
def test_token_check_never_raises(text: str) -> None:
    assert problem_of(text, ISSUER) in set(TokenProblem)


@given(st.integers(0, len(GOOD) - 1), st.characters(codec="ascii"))
def test_token_with_any_character_changed_is_rejected(position: int, character: str) -> None:
    changed = GOOD[:position] + character + GOOD[position + 1 :]
    # The last character of a part has unused bits.
    is_end = position + 1 == len(GOOD) or GOOD[position + 1] == "."
    if changed != GOOD and not is_end:
        assert problem_of(changed, ISSUER) is not None
