import datetime
import hmac
import string
from urllib.parse import quote

import botocore.auth
import botocore.credentials
import pytest
from botocore.awsrequest import AWSRequest
from hypothesis import given
from hypothesis import strategies as st

from counter_service.runtime.fanout.signing import (
    Credentials,
    SignedRequestTemplate,
    Target,
    _Hmac,
)

ALPHABET = string.ascii_letters + string.digits + "=+/-_.~%@ é"

ids = st.text(ALPHABET, min_size=1, max_size=40).filter(lambda text: set(text) - {"."})
tokens = st.none() | st.text(string.ascii_letters + "+/=", min_size=1, max_size=900)
all_credentials = st.builds(Credentials, st.just("AKIDEXAMPLE"), st.just("se/cr+et="), tokens)
targets = st.builds(
    Target,
    st.sampled_from(["eu-central-1", "us-east-1"]),
    st.sampled_from(["a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com", "127.0.0.1:4566"]),
    st.sampled_from(["/prod", "/a-b_c", "/_aws/execute-api/0a1b2c3d/prod", ""]),
)
moments = st.integers(1_600_000_000, 2_000_000_000)


def request_by_botocore(
    method: str,
    target: Target,
    credentials: Credentials,
    payload: bytes,
    moment: float,
    connection_id: str,
) -> bytes:
    path = f"{target.base_path}/@connections/{quote(connection_id, safe='')}"
    request = AWSRequest(method, f"https://{target.host}{path}", data=payload)
    frozen = datetime.datetime.fromtimestamp(moment, datetime.UTC).replace(tzinfo=None)
    keys = botocore.credentials.Credentials(
        credentials.access_key, credentials.secret_key, credentials.token
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.auth, "get_current_datetime", lambda **_: frozen)
        botocore.auth.SigV4Auth(keys, "execute-api", target.region).add_auth(request)
    headers = {"host": target.host} | {k.lower(): v for k, v in request.headers.items()}
    authorization = headers.pop("authorization")
    headers |= {"content-length": str(len(payload)), "authorization": authorization}
    head = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + payload


@given(
    st.sampled_from(["POST", "DELETE"]),
    targets,
    all_credentials,
    st.binary(max_size=100),
    moments,
    st.lists(ids, min_size=1),
)
def test_signed_request_equals_that_of_botocore(
    method: str,
    target: Target,
    credentials: Credentials,
    payload: bytes,
    moment: int,
    connection_ids: list[str],
) -> None:
    template = SignedRequestTemplate(target, credentials, payload, moment, method)
    for connection_id in connection_ids:
        expected = request_by_botocore(method, target, credentials, payload, moment, connection_id)
        assert template.request(connection_id) == expected


def test_credentials_hide_their_secrets() -> None:
    assert "hush" not in repr(Credentials("AK", "hush", "hush"))


@given(st.binary(max_size=64), st.binary(max_size=200), st.lists(st.binary(max_size=200)))
def test_hmac_of_messages_that_begin_alike_equals_that_of_the_standard_library(
    key: bytes, start: bytes, rests: list[bytes]
) -> None:
    ours = _Hmac(key, start)
    for rest in rests:
        assert ours.hexdigest(rest) == hmac.digest(key, start + rest, "sha256").hex()
