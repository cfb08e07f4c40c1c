"""The alarms as data: the metric, the threshold, and what to do when it is reached."""

from dataclasses import dataclass
from typing import Final

from counter_service.costs import prices
from counter_service.runtime.contract import Metric

from .metrics import MetricSource, MetricSources

PERIOD_SECONDS: Final = 300

# Share of the function's timeout. A broadcast that is cut off at the timeout misses clients.
_SLOW: Final = 0.8

# Share of the limit of posts. Only sustained clicks with a large audience reach it.
_MANY_MESSAGES: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """One CloudWatch alarm.

    It goes off if the statistic is at or above the threshold in each of the last `periods`.

    Args:
        description: What has happened and what to do, for the person who gets the e-mail.
        threshold: In the unit of the metric, for one period.
        statistic: Sum, or a percentile such as p99.
        periods: Number of periods of PERIOD_SECONDS.
    """

    name: str
    description: str
    source: MetricSource
    metric: str
    threshold: float
    statistic: str = "Sum"
    periods: int = 1


def alarms(
    *, timeout_seconds: int, posts_per_second: int, sources: MetricSources
) -> tuple[Alarm, ...]:
    """The alarms of a stack.

    Args:
        timeout_seconds: The function's timeout.
        posts_per_second: The limit of posts to clients.
    """
    messages_per_second = posts_per_second * _MANY_MESSAGES
    usd_per_day = messages_per_second * 24 * 60 * 60 * prices.MESSAGE
    return (
        Alarm(
            name="function-errors",
            description="Invocations end with an exception or at the timeout. See the function's "
            "log.",
            source=sources.function,
            metric="Errors",
            threshold=1,
        ),
        Alarm(
            name="function-throttles",
            description="Lambda is throttling invocations. Raise reservedConcurrency or the "
            "account's concurrency limit.",
            source=sources.function,
            metric="Throttles",
            threshold=1,
        ),
        Alarm(
            name="function-slow",
            description="The slowest invocations come close to the timeout, which would cut "
            "broadcasts off. Raise memoryMb or timeoutSeconds.",
            source=sources.function,
            metric="Duration",
            statistic="p99",
            threshold=timeout_seconds * 1000 * _SLOW,
            periods=3,
        ),
        Alarm(
            name="posts-forbidden",
            description="@connections returns 403, so clicks are not broadcast. Check "
            "execute-api:ManageConnections on the role and the management endpoint.",
            source=sources.custom,
            metric=Metric.FORBIDDEN,
            threshold=1,
        ),
        Alarm(
            # The function retries rejected posts, so a few do no harm.
            name="posts-throttled",
            description="API Gateway rejects posts with 429, because the account is at its quota "
            "of requests. Lower postsPerSecond, or request a higher quota and check which other "
            "APIs of the region use it.",
            source=sources.custom,
            metric=Metric.THROTTLED,
            threshold=100,
            periods=3,
        ),
        Alarm(
            # The function responds to these itself, so Lambda does not count them as errors.
            name="failures",
            description="Clicks fail or broadcasts are incomplete, because DynamoDB is unavailable "
            "or throttling. See the WARNING lines in the function's log.",
            source=sources.custom,
            metric=Metric.FAILURES,
            threshold=1,
        ),
        Alarm(
            name="api-execution-errors",
            description="API Gateway cannot invoke the function. Check its permission and Lambda's "
            "limits.",
            source=sources.api,
            metric="ExecutionError",
            threshold=1,
        ),
        Alarm(
            # Rejected handshakes count too, and any stranger can cause a few.
            name="api-integration-errors",
            description="Many events end in an error response. Check the function's log. Rejected "
            "handshakes count too.",
            source=sources.api,
            metric="IntegrationError",
            threshold=10,
            periods=3,
        ),
        Alarm(
            # The metric counts both directions: messages of clients, and posts to them.
            name="api-messages",
            description="Messages are above half of postsPerSecond, which costs "
            f"${usd_per_day:.0f} or more a day. The metrics Connects and Clicks show the cause. "
            "Lower postsPerSecond or throttleRate to limit the bill.",
            source=sources.api,
            metric="MessageCount",
            threshold=messages_per_second * PERIOD_SECONDS,
            periods=3,
        ),
    )
