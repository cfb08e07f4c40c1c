"""Watching: who is told, of what, and where to look."""

from collections.abc import Mapping
from typing import Any, Final

import pulumi
import pulumi_aws as aws

from . import dashboard, policies
from .alarms import PERIOD_SECONDS, alarms
from .metrics import Sources
from .settings import Settings

TOPIC: Final = "counter-alarms"
BUDGET: Final = "counter-budget"
DASHBOARD: Final = "counter"

# Percent of the budget, and whether of what was spent or of what will have been by the month's end.
_NEWS: Final = ((80, "FORECASTED"), (100, "ACTUAL"))


def wanted(settings: Settings) -> bool:
    """Whether the stack has anything of this room."""
    return bool(
        settings.alarms or settings.alarm_email or settings.dashboard or settings.budget_usd
    )


class Observability(pulumi.ComponentResource):
    """Alarms, a topic that mails them, a dashboard and a budget, each only if it is configured.

    `tags` tell what the stack costs: the ones that the provider gives to every resource.
    """

    topic: aws.sns.Topic | None = None

    def __init__(
        self,
        name: str,
        settings: Settings,
        sources: Sources,
        tags: Mapping[str, str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("counter:infra:Observability", name, {}, opts)
        self._settings = settings
        self._child = pulumi.ResourceOptions(parent=self)
        policy = self._tell(settings.alarm_email) if settings.alarm_email else None
        if settings.alarms:
            self._watch(sources)
        if settings.dashboard:
            self._show(sources)
        if settings.budget_usd and self.topic and policy:
            self._limit(self.topic, policy, tags)
        self.register_outputs({"topicArn": self.topic.arn if self.topic else None})

    def _tell(self, address: str) -> aws.sns.TopicPolicy:
        self.topic = aws.sns.Topic(
            TOPIC,
            name=self._settings.physical_name(TOPIC),
            # Without a key: under alias/aws/sns the alarms could not publish, since nobody can
            # change that key's policy (repost.aws/knowledge-center/cloudwatch-configure-alarm-sns),
            # and a key of our own costs a dollar a month to hide that a threshold was crossed.
            opts=self._child,
        )
        policy = aws.sns.TopicPolicy(
            f"{TOPIC}-policy",
            arn=self.topic.arn,
            policy=pulumi.Output.json_dumps(self.topic.arn.apply(policies.topic_policy)),
            opts=self._child,
        )
        aws.sns.TopicSubscription(
            f"{TOPIC}-email",
            topic=self.topic.arn,
            protocol="email",  # active once the person has followed the link in SNS's first mail
            endpoint=address,
            opts=self._child,
        )
        return policy

    def _watch(self, sources: Sources) -> None:
        told = [self.topic.arn] if self.topic else None
        for alarm in alarms(self._settings, sources):
            percentile = alarm.statistic.startswith("p")
            aws.cloudwatch.MetricAlarm(
                alarm.name,
                name=self._settings.physical_name(f"counter-{alarm.name}"),
                alarm_description=alarm.meaning,
                namespace=alarm.source.namespace,
                metric_name=alarm.metric,
                dimensions=alarm.source.dimensions,
                statistic=None if percentile else alarm.statistic,
                extended_statistic=alarm.statistic if percentile else None,
                period=PERIOD_SECONDS,
                evaluation_periods=alarm.periods,
                threshold=alarm.threshold,
                comparison_operator="GreaterThanOrEqualToThreshold",
                treat_missing_data="notBreaching",  # nobody clicks at night
                alarm_actions=told,
                ok_actions=told,
                opts=self._child,
            )

    def _show(self, sources: Sources) -> None:
        aws.cloudwatch.Dashboard(
            DASHBOARD,
            # Dashboards are the account's, not a region's.
            dashboard_name=f"{self._settings.physical_name(DASHBOARD)}-{self._settings.region}",
            dashboard_body=pulumi.Output.json_dumps(dashboard.body(self._settings.region, sources)),
            opts=self._child,
        )

    def _limit(
        self, topic: aws.sns.Topic, policy: aws.sns.TopicPolicy, tags: Mapping[str, str]
    ) -> None:
        notifications: list[Any] = [
            {
                "comparison_operator": "GREATER_THAN",
                "threshold": percent,
                "threshold_type": "PERCENTAGE",
                "notification_type": kind,
                "subscriber_sns_topic_arns": [topic.arn],
            }
            for percent, kind in _NEWS
        ]
        aws.budgets.Budget(
            BUDGET,
            # Budgets are the account's, not a region's.
            name=f"{self._settings.physical_name(BUDGET)}-{self._settings.region}",
            budget_type="COST",
            time_unit="MONTHLY",
            limit_amount=str(self._settings.budget_usd),
            limit_unit="USD",
            metrics="UnblendedCost",
            # Counts nothing until both are activated as cost allocation tags of the account.
            filter_expression={
                "ands": [{"tags": {"key": key, "values": [value]}} for key, value in tags.items()]
            },
            notifications=notifications,
            # AWS asks the topic's policy whether it may publish, when the budget is created.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
        )
