"""The fan-out engine, as the function uses it."""

from collections.abc import Callable, Sequence

from counter_service.runtime.core.ports import Delivery
from counter_service.runtime.fanout.gateway import ApiGatewayOutbox, amazon_context
from counter_service.runtime.fanout.signing import Credentials

from . import job


def outbox(task: job.Job) -> ApiGatewayOutbox:
    context = amazon_context()
    context.load_verify_locations(task.authority)
    credentials = Credentials(job.ACCESS_KEY, job.SECRET_KEY, job.TOKEN)
    return ApiGatewayOutbox(task.endpoint, job.REGION, lambda: credentials, context=context)


def make(task: job.Job) -> Callable[[Sequence[str]], int]:
    ours = outbox(task)

    def post_to_all(ids: Sequence[str]) -> int:
        outcomes = ours.post(job.PAYLOAD, ids)
        return sum(outcome is Delivery.DELIVERED for outcome in outcomes.values())

    return post_to_all


if __name__ == "__main__":
    job.run(make)
