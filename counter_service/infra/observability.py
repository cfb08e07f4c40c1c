"""Monitoring: alarms and their notifications, the dashboard and the budget."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import pulumi
import pulumi_aws as aws

from . import dashboard, policies
from .alarms import PERIOD_SECONDS, Alarm, alarms
from .metrics import MetricSources
from .names import Names

TOPIC: Final = "counter-alarms"
BUDGET: Final = "counter-budget"
DASHBOARD: Final = "counter"

# When the budget notifies: percent of it, compared with the forecast or with the actual spend.
_NOTIFICATIONS: Final = ((80, "FORECASTED"), (100, "ACTUAL"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservabilityArgs:
    """Arguments of Observability.

    Args:
        tags: The tags of every resource of the stack, by which the budget finds the stack's costs.
        timeout_seconds: The function's timeout.
        posts_per_second: The limit of posts to clients.
        alarm_email: Address for notifications; empty sends none.
        budget_usd: Monthly budget in US dollars; 0 creates none. Needs `alarm_email`.
    """

    names: Names
    sources: MetricSources
    tags: Mapping[str, str]
    timeout_seconds: int
    posts_per_second: int
    alarms: bool
    alarm_email: str
    dashboard: bool
    budget_usd: int

    @property
    def is_enabled(self) -> bool:
        """Whether any monitoring is configured."""
        return bool(self.alarms or self.alarm_email or self.dashboard or self.budget_usd)


class Observability(pulumi.ComponentResource):
    """Alarms, a topic that e-mails them, a dashboard and a budget, each if it is configured."""

    def __init__(
        self, name: str, args: ObservabilityArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("counter:infra:Observability", name, {}, opts)
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)
        topic = self._create_topic() if args.alarm_email else None
        if args.alarms:
            self._create_alarms(topic)
        if args.dashboard:
            self._create_dashboard()
        if topic:
            policy = self._create_topic_policy(topic)
            if args.budget_usd:
                self._create_budget(topic, policy)
        self.register_outputs({"topicArn": topic.arn if topic else None})

    def _create_topic(self) -> aws.sns.Topic:
        topic = aws.sns.Topic(
            TOPIC,
            name=self._args.names.resource_name(TOPIC),
            # Set no KMS key. With alias/aws/sns, whose policy cannot be changed, alarms could not
            # publish (repost.aws/knowledge-center/cloudwatch-configure-alarm-sns). A key of our own
            # would cost a dollar a month, only to encrypt which alarm went off.
            opts=self._child,
        )
        aws.sns.TopicSubscription(
            f"{TOPIC}-email",
            topic=topic.arn,
            protocol="email",  # pending until the link in SNS's first e-mail is opened
            endpoint=self._args.alarm_email,
            opts=self._child,
        )
        return topic

    def _create_topic_policy(self, topic: aws.sns.Topic) -> aws.sns.TopicPolicy:
        return aws.sns.TopicPolicy(
            f"{TOPIC}-policy",
            arn=topic.arn,
            policy=pulumi.Output.json_dumps(topic.arn.apply(policies.topic_policy)),
            opts=self._child,
        )

    def _create_alarms(self, topic: aws.sns.Topic | None) -> None:
        if topic is None:
            pulumi.log.warn(
                "alarms is true and alarmEmail is empty, so no notifications are sent. Set "
                "alarmEmail, or watch the alarms in CloudWatch."
            )
        args = self._args
        for alarm in alarms(
            timeout_seconds=args.timeout_seconds,
            posts_per_second=args.posts_per_second,
            sources=args.sources,
        ):
            self._create_alarm(alarm, [topic.arn] if topic else None)

    def _create_alarm(self, alarm: Alarm, actions: list[pulumi.Output[str]] | None) -> None:
        is_percentile = alarm.statistic.startswith("p")
        aws.cloudwatch.MetricAlarm(
            alarm.name,
            name=self._args.names.resource_name(f"counter-{alarm.name}"),
            alarm_description=alarm.description,
            namespace=alarm.source.namespace,
            metric_name=alarm.metric,
            dimensions=alarm.source.dimensions,
            statistic=None if is_percentile else alarm.statistic,
            extended_statistic=alarm.statistic if is_percentile else None,
            period=PERIOD_SECONDS,
            evaluation_periods=alarm.periods,
            threshold=alarm.threshold,
            comparison_operator="GreaterThanOrEqualToThreshold",
            treat_missing_data="notBreaching",  # no data means no traffic, which is no failure
            alarm_actions=actions,
            ok_actions=actions,
            opts=self._child,
        )

    def _create_dashboard(self) -> None:
        names = self._args.names
        aws.cloudwatch.Dashboard(
            DASHBOARD,
            dashboard_name=names.global_name(DASHBOARD),
            dashboard_body=pulumi.Output.json_dumps(
                dashboard.body(names.region, self._args.sources)
            ),
            opts=self._child,
        )

    def _create_budget(self, topic: aws.sns.Topic, policy: aws.sns.TopicPolicy) -> None:
        notifications: list[Any] = [
            {
                "comparison_operator": "GREATER_THAN",
                "threshold": percent,
                "threshold_type": "PERCENTAGE",
                "notification_type": kind,
                "subscriber_sns_topic_arns": [topic.arn],
            }
            for percent, kind in _NOTIFICATIONS
        ]
        aws.budgets.Budget(
            BUDGET,
            name=self._args.names.global_name(BUDGET),
            budget_type="COST",
            time_unit="MONTHLY",
            limit_amount=str(self._args.budget_usd),
            limit_unit="USD",
            metrics="UnblendedCost",
            # The budget counts nothing until the account has activated these tags for cost
            # allocation.
            filter_expression={
                "ands": [
                    {"tags": {"key": key, "values": [value]}}
                    for key, value in self._args.tags.items()
                ]
            },
            notifications=notifications,
            # AWS checks at creation that the topic's policy lets the budget publish.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
        )
