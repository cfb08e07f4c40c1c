"""aiobotocore: tasks of one event loop."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from aiobotocore.config import AioConfig
from aiobotocore.session import get_session

from . import job


def make(task: job.Job) -> Callable[[Sequence[str]], int]:
    loop = asyncio.new_event_loop()
    client: Any = loop.run_until_complete(_client(task))

    async def worker(ids: Iterator[str]) -> int:
        delivered = 0
        for connection_id in ids:
            answer = await client.post_to_connection(
                ConnectionId=connection_id, Data=job.PAYLOAD.encode()
            )
            delivered += answer["ResponseMetadata"]["HTTPStatusCode"] == 200
        return delivered

    async def fan_out(ids: Sequence[str]) -> int:
        shared = iter(ids)
        return sum(await asyncio.gather(*(worker(shared) for _ in range(task.concurrency))))

    return lambda ids: loop.run_until_complete(fan_out(ids))


async def _client(task: job.Job) -> Any:
    session = get_session()
    return await session.create_client(
        "apigatewaymanagementapi",
        region_name=job.REGION,
        endpoint_url=task.endpoint,
        verify=task.authority,
        aws_access_key_id=job.ACCESS_KEY,
        aws_secret_access_key=job.SECRET_KEY,
        aws_session_token=job.TOKEN,
        config=AioConfig(max_pool_connections=task.concurrency),
    ).__aenter__()


if __name__ == "__main__":
    job.run(make)
