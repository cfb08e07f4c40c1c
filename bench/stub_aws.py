"""`python -m bench.stub_aws certificate audience`: AWS with canned answers, over TLS.

A process apart, so that its CPU is not in anybody's figures. Prints its port.
"""

import asyncio
import json
import ssl
import sys
from typing import Any, Final

ANSWER: Final = "HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.0\r\ncontent-length: "


def answer(target: str, body: bytes, audience: list[str]) -> dict[str, Any]:
    """What DynamoDB would say to the requests of a click."""
    match target.rpartition(".")[2]:
        case "UpdateItem":
            values = json.loads(body)["ExpressionAttributeValues"]
            if ":me" not in values:
                return {"Attributes": {"value": {"N": "42"}}}
            # Whoever asks for the lease has it.
            until = {"N": "1772545400"}
            return {
                "Attributes": {
                    "ticket": {"N": "1"},
                    "broadcaster": values[":me"],
                    "leaseUntil": until,
                }
            }
        case "GetItem":
            return {"Item": {"value": {"N": "42"}}}
        case "Scan":
            return {"Items": [{"connectionId": {"S": each}} for each in audience]}
        case other:
            raise ValueError(f"no answer to {other}")


async def serve(certificate: str, audience: list[str]) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                fields = (line.partition(":") for line in head[1:])
                headers = {name.lower(): value.strip() for name, _, value in fields}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                target = headers.get("x-amz-target")
                # A post to a connection is answered with nothing.
                content = json.dumps(answer(target, body, audience)) if target else ""
                writer.write(f"{ANSWER}{len(content)}\r\n\r\n{content}".encode())
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=context)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def original(head: str, target: str) -> str:
    """The target as it was written: header names are compared in lower case, values are not."""
    start = head.lower().index(target)
    return head[start : start + len(target)]


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], [f"client-{number}" for number in range(int(sys.argv[2]))]))
