"""boto3 in threads, with one connection for each thread."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import boto3
from botocore.config import Config

from . import job


def connect(task: job.Job) -> Callable[[Sequence[str]], int]:
    session = boto3.Session(job.ACCESS_KEY, job.SECRET_KEY, job.TOKEN, region_name=job.REGION)
    client = session.client(
        "apigatewaymanagementapi",
        endpoint_url=task.endpoint,
        verify=task.authority,
        config=Config(max_pool_connections=task.concurrency),
    )
    payload = job.PAYLOAD.encode()

    def post(connection_id: str) -> bool:
        response = client.post_to_connection(ConnectionId=connection_id, Data=payload)
        return bool(response["ResponseMetadata"]["HTTPStatusCode"] == 200)

    threads = ThreadPoolExecutor(task.concurrency)
    return lambda ids: sum(threads.map(post, ids))


if __name__ == "__main__":
    job.run(connect)
