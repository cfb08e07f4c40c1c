"""The alarms as data: what is watched, from when on it is news, and what to do then."""

from dataclasses import dataclass
from typing import Final

from counter_service.runtime.contract import Metric

from .metrics import Source, Sources
from .settings import Settings

PERIOD_SECONDS: Final = 300

# Of the function's timeout. A broadcast that is cut off there has not reached everybody.
_SLOW: Final = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """Goes off when the statistic is at the threshold or above it in each of the last periods."""

    name: str
    meaning: str  # for the person who gets the mail: what it is, and where to look
    source: Source
    metric: str
    threshold: float
    statistic: str = "Sum"  # or a percentile, such as p99
    periods: int = 1


def alarms(settings: Settings, sources: Sources) -> tuple[Alarm, ...]:
    return (
        Alarm(
            name="function-errors",
            meaning="Invocations end with an exception or at the timeout: see the function's log.",
            source=sources.function,
            metric="Errors",
            threshold=1,
        ),
        Alarm(
            name="function-throttles",
            meaning="Lambda turns invocations away: raise reservedConcurrency or the account's.",
            source=sources.function,
            metric="Throttles",
            threshold=1,
        ),
        Alarm(
            name="function-slow",
            meaning="The slowest invocations come near the timeout, so broadcasts are about to be "
            "cut off: raise memoryMb or timeoutSeconds.",
            source=sources.function,
            metric="Duration",
            statistic="p99",
            threshold=settings.timeout_seconds * 1000 * _SLOW,
            periods=3,
        ),
        Alarm(
            name="posts-forbidden",
            meaning="@connections answers 403, so nobody hears of clicks: the role's "
            "execute-api:ManageConnections or the management endpoint is wrong.",
            source=sources.product,
            metric=Metric.FORBIDDEN,
            threshold=1,
        ),
        Alarm(
            # The function answers these itself, so it does not count them as its errors.
            name="failures",
            meaning="Clicks are refused or broadcasts cut short because DynamoDB does not answer, "
            "or throttles: see the function's warnings.",
            source=sources.product,
            metric=Metric.FAILURES,
            threshold=1,
        ),
        Alarm(
            name="api-execution-errors",
            meaning="API Gateway cannot call the function: its permission, or Lambda's limits.",
            source=sources.api,
            metric="ExecutionError",
            threshold=1,
        ),
        Alarm(
            # Handshakes that the function refuses count here as well, and strangers try some.
            name="api-integration-errors",
            meaning="The function answers many events with an error: see its log, and who tries "
            "to connect.",
            source=sources.api,
            metric="IntegrationError",
            threshold=10,
            periods=3,
        ),
    )
