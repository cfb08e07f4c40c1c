"""Configuration of DynamoDB clients, and what their failures mean.

The adapters take low-level clients, because a `boto3.resource` costs start-up time.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from counter_service.runtime.core.errors import StoreBusy, StoreUnavailable

# Seconds. botocore's default of 60 s is longer than the invocation, and DynamoDB responds within
# milliseconds. Two attempts and the pause of at most 1 s between them take no longer than
# core.broadcast.STORE_MS.
_TIMEOUTS: Final = {"connect_timeout": 0.5, "read_timeout": 1}

# For idempotent requests.
WITH_RETRIES: Final = Config(retries={"mode": "standard", "total_max_attempts": 2}, **_TIMEOUTS)

# For the increment without an op id: an ADD that is retried after a lost response counts twice, and
# botocore tries a request up to ten times by default.
NO_RETRY: Final = Config(retries={"total_max_attempts": 1}, **_TIMEOUTS)

# Transient errors: transaction conflicts and throttling. The second line has the codes of
# CancellationReasons
# (docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html).
BUSY: Final = frozenset(
    {
        *("TransactionConflictException", "ThrottlingException", "RequestLimitExceeded"),
        *("TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"),
        *("ProvisionedThroughputExceededException", "TransactionInProgressException"),
    }
)

# Errors are recognized by DynamoDB's code. The classes in `client.exceptions` are not reliable:
# botocore creates them at their first use without a lock, so two threads may see different ones.
CONDITION_FAILED: Final = "ConditionalCheckFailedException"
TRANSACTION_CANCELED: Final = "TransactionCanceledException"


@contextmanager
def translate_errors(operation: str) -> Iterator[None]:
    """Raise StoreUnavailable or StoreBusy for the SDK's exceptions from an idempotent operation."""
    try:
        yield
    except (ClientError, BotoCoreError) as failure:
        raise to_store_error(operation, reason(failure)) from failure


def to_store_error(operation: str, reason: str) -> StoreUnavailable:
    """The error for an operation that is safe to retry, by DynamoDB's error code."""
    return (StoreBusy if reason in BUSY else StoreUnavailable)(operation, reason)


@contextmanager
def ignore_condition_failure() -> Iterator[None]:
    """Suppress the error of a condition that does not hold. Other errors pass unchanged."""
    try:
        yield
    except ClientError as failure:
        if reason(failure) != CONDITION_FAILED:
            raise


def is_client_error(failure: ClientError) -> bool:
    """Whether the status is 4xx, so that nothing was written. After a 5xx, it may have been."""
    status: int = failure.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
    return 400 <= status < 500


def reason(failure: Exception) -> str:
    """One word for the log: DynamoDB's error code, or the name of the exception."""
    if isinstance(failure, ClientError):
        return str(failure.response.get("Error", {}).get("Code", "unknown"))
    return type(failure).__name__
