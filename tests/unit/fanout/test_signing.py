import datetime
import random
import string
from urllib.parse import quote

import botocore.auth
import botocore.credentials
import pytest
from botocore.awsrequest import AWSRequest
from hypothesis import given
from hypothesis import strategies as st

from counter_service.runtime.fanout.signing import Credentials, SignedRequestTemplate, Target

HOST = "a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com"
ALPHABET = string.ascii_letters + string.digits + "=+/-_.~%@ é"

ids = st.text(ALPHABET, min_size=1, max_size=40).filter(lambda text: set(text) - {"."})
tokens = st.none() | st.text(string.ascii_letters + "+/=", min_size=1, max_size=900)


def botocores_authorization(
    target: Target, credentials: Credentials, payload: bytes, moment: float, connection_id: str
) -> str:
    """What the SDK would send."""
    request = AWSRequest(
        "POST",
        f"https://{target.host}{target.base_path}/@connections/{quote(connection_id, safe='')}",
        data=payload,
    )
    frozen = datetime.datetime.fromtimestamp(moment, datetime.UTC).replace(tzinfo=None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.auth, "get_current_datetime", lambda **_: frozen)
        botocore.auth.SigV4Auth(
            botocore.credentials.Credentials(
                credentials.access_key, credentials.secret_key, credentials.token
            ),
            "execute-api",
            target.region,
        ).add_auth(request)
    return str(request.headers["Authorization"])


def header(request: bytes, name: str) -> str:
    head = request.partition(b"\r\n\r\n")[0].decode()
    (value,) = (
        line.partition(": ")[2] for line in head.split("\r\n") if line.startswith(f"{name}: ")
    )
    return value


@given(
    connection_id=ids,
    token=tokens,
    payload=st.binary(max_size=100),
    moment=st.integers(1_600_000_000, 2_000_000_000),
    base_path=st.sampled_from(["/prod", "/a-b_c", "/_aws/execute-api/0a1b2c3d/prod", ""]),
)
def test_signs_as_botocore_does(
    connection_id: str, token: str | None, payload: bytes, moment: int, base_path: str
) -> None:
    target = Target("eu-central-1", HOST, base_path)
    credentials = Credentials("AKIDEXAMPLE", "se/cr+et=", token)
    request = SignedRequestTemplate(target, credentials, payload, moment).request(connection_id)
    assert header(request, "authorization") == botocores_authorization(
        target, credentials, payload, moment, connection_id
    )


def test_signs_as_botocore_does_for_thousands_of_ids_of_one_batch() -> None:
    chance = random.Random(4)  # ids, not secrets
    target = Target("us-east-1", "127.0.0.1:4566", "/prod")
    credentials = Credentials("AKIDEXAMPLE", "secret", "t" * 800)
    batch = SignedRequestTemplate(target, credentials, b"payload", 1_700_000_000)
    for _ in range(2000):
        connection_id = "".join(chance.choices(ALPHABET, k=16))
        assert header(batch.request(connection_id), "authorization") == botocores_authorization(
            target, credentials, b"payload", 1_700_000_000, connection_id
        )


def test_a_request_is_complete() -> None:
    target = Target("eu-central-1", HOST, "/prod")
    request = SignedRequestTemplate(target, Credentials("AK", "SK", "TOKEN"), b"{}", 0).request(
        "a+b/c="
    )
    lines = request.partition(b"\r\n\r\n")[0].decode().split("\r\n")
    assert lines[:-1] == [
        "POST /prod/@connections/a%2Bb%2Fc%3D HTTP/1.1",
        f"host: {HOST}",
        "x-amz-date: 19700101T000000Z",
        "x-amz-security-token: TOKEN",
        "content-length: 2",
    ]
    assert lines[-1].startswith("authorization: AWS4-HMAC-SHA256 Credential=AK/19700101/")
    assert request.endswith(b"\r\n\r\n{}")


def test_secrets_do_not_show() -> None:
    assert "hush" not in repr(Credentials("AK", "hush", "hush"))
