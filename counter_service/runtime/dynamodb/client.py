"""Speaking with DynamoDB: the clients' configuration, and what their failures mean to us.

Adapters take low-level clients: a `boto3.resource` costs start-up time and gives nothing here.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from counter_service.runtime.core.errors import StoreBusy, StoreUnavailable

# botocore's 60 s would outlast the invocation; DynamoDB answers in milliseconds or is in trouble.
_TIMEOUTS: Final = {"connect_timeout": 1, "read_timeout": 2}

# For everything that may be sent twice.
WITH_RETRIES: Final = Config(retries={"mode": "standard", "total_max_attempts": 3}, **_TIMEOUTS)

# For the increment without an op id. An ADD resent after a lost answer counts twice, and
# botocore's defaults send up to ten.
NO_RETRY: Final = Config(retries={"total_max_attempts": 1}, **_TIMEOUTS)

# Refusals of a moment: another transaction has the item, or there is no throughput left. The
# second line is what the reasons of a cancelled transaction are called
# (docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html).
BUSY: Final = frozenset(
    {
        *("TransactionConflictException", "ThrottlingException", "RequestLimitExceeded"),
        *("TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"),
        "ProvisionedThroughputExceededException",
    }
)


@contextmanager
def unavailable(operation: str) -> Iterator[None]:
    """Turn the SDK's failures of something that may be repeated into ours."""
    try:
        yield
    except (ClientError, BotoCoreError) as failure:
        raise refusal(operation, reason(failure)) from failure


def refusal(operation: str, reason: str) -> StoreUnavailable:
    return (StoreBusy if reason in BUSY else StoreUnavailable)(operation, reason)


@contextmanager
def ignore_condition_failure(client: Any) -> Iterator[None]:
    with suppress(client.exceptions.ConditionalCheckFailedException):
        yield


def is_client_error(failure: ClientError) -> bool:
    """A 4xx says that nothing was written; behind a 5xx the write may have happened."""
    status: int = failure.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
    return 400 <= status < 500


def reason(failure: Exception) -> str:
    """In a word, for the log: DynamoDB's error code, or the name of the exception."""
    if isinstance(failure, ClientError):
        return str(failure.response.get("Error", {}).get("Code", "unknown"))
    return type(failure).__name__
