"""Why AWS did not respond to a check, and what to do."""

from typing import Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    HTTPClientError,
    LoginError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)
from botocore.exceptions import (
    ConnectionError as NoConnection,
)

from .finding import Finding, State

_DENIED: Final = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")
_REFUSED: Final = (
    *("ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "RequestExpired"),
    *("SignatureDoesNotMatch", "InvalidSignatureException", "UnrecognizedClientException"),
)


def finding(subject: str, failure: BotoCoreError | ClientError) -> Finding:
    """A problem if the credentials are wrong. Otherwise the check was not possible."""
    match failure:
        case NoCredentialsError():
            return Finding(
                subject,
                State.UNKNOWN,
                "there are none in this shell",
                "Set AWS_PROFILE, or run aws configure or aws sso login.",
            )
        case ProfileNotFound():
            return Finding(
                subject,
                State.PROBLEM,
                str(failure),
                "Correct AWS_PROFILE or aws:profile of the stack, or run aws configure.",
            )
        case (
            PartialCredentialsError()
            | CredentialRetrievalError()
            | TokenRetrievalError()
            | SSOError()
            | LoginError()
        ):
            return Finding(subject, State.PROBLEM, str(failure), "Sign in again: aws sso login.")
        case NoConnection() | HTTPClientError():
            return Finding(
                subject,
                State.UNKNOWN,
                f"AWS does not respond: {failure}",
                "Check the network, or set HTTPS_PROXY.",
            )
        case ClientError():
            return _of_a_response(subject, failure)
    return Finding(subject, State.UNKNOWN, str(failure), "Correct it, and run the command again.")


def _of_a_response(subject: str, failure: ClientError) -> Finding:
    error = failure.response.get("Error", {})
    code, message = error.get("Code", "unknown"), error.get("Message", "")
    if code in _DENIED:
        found = f"the credentials may not call {failure.operation_name}"
        return Finding(subject, State.UNKNOWN, found, "Allow it, or look in the console.")
    if code in _REFUSED:
        return Finding(
            subject,
            State.PROBLEM,
            f"AWS refuses the credentials: {message}",
            "Sign in again. In a region that the account has not enabled, enable it first.",
        )
    return Finding(subject, State.UNKNOWN, f"{code}: {message}", "Run the command again later.")
