"""boto3: one post after the other, or in threads with a connection for each."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import boto3
from botocore.config import Config

from . import job


def make(task: job.Job) -> Callable[[Sequence[str]], int]:
    client = boto3.Session(
        job.ACCESS_KEY, job.SECRET_KEY, job.TOKEN, region_name=job.REGION
    ).client(
        "apigatewaymanagementapi",
        endpoint_url=task.endpoint,
        verify=task.authority,
        config=Config(max_pool_connections=task.concurrency),
    )
    payload = job.PAYLOAD.encode()

    def post(connection_id: str) -> bool:
        answer = client.post_to_connection(ConnectionId=connection_id, Data=payload)
        return bool(answer["ResponseMetadata"]["HTTPStatusCode"] == 200)

    if task.concurrency == 1:
        return lambda ids: sum(map(post, ids))
    threads = ThreadPoolExecutor(task.concurrency)
    return lambda ids: sum(threads.map(post, ids))


if __name__ == "__main__":
    job.run(make)
