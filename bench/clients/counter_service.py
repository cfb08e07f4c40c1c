"""The counter service's fan-out, as the function uses it."""

from collections.abc import Callable, Sequence

from counter_service.runtime.core.ports import Delivery
from counter_service.runtime.fanout.gateway import ApiGatewayOutbox, amazon_context
from counter_service.runtime.fanout.signing import Credentials

from . import job


def connect(task: job.Job) -> Callable[[Sequence[str]], int]:
    context = amazon_context()
    context.load_verify_locations(task.authority)
    credentials = Credentials(job.ACCESS_KEY, job.SECRET_KEY, job.TOKEN)
    outbox = ApiGatewayOutbox(task.endpoint, job.REGION, lambda: credentials, context=context)

    def post_to_all(ids: Sequence[str]) -> int:
        outcomes = outbox.post(job.PAYLOAD, ids).deliveries
        return sum(outcome is Delivery.DELIVERED for outcome in outcomes.values())

    return post_to_all


if __name__ == "__main__":
    job.run(connect)
