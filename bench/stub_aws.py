"""`python -m bench.stub_aws certificate clients`: AWS with fixed responses, over TLS.

It is a process of its own, so that no figure contains its CPU. It prints its port.
"""

import asyncio
import json
import ssl
import sys
from typing import Any, Final

HEAD: Final = "HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.0\r\ncontent-length: "


def respond(target: str, body: bytes, audience: list[str]) -> dict[str, Any]:
    """DynamoDB's response to a request of a click. Raises ValueError for any other request."""
    match target.rpartition(".")[2]:
        case "UpdateItem":
            values = json.loads(body)["ExpressionAttributeValues"]
            if ":me" not in values:
                return {"Attributes": {"value": {"N": "42"}}}
            # The lease is always free, so the function always broadcasts.
            lease = {"ticket": {"N": "1"}, "leaseUntil": {"N": "1772545400"}}
            return {"Attributes": lease | {"broadcaster": values[":me"]}}
        case "GetItem":
            return {"Item": {"value": {"N": "42"}}}
        case "Scan":
            return {"Items": [{"connectionId": {"S": each}} for each in audience]}
        case other:
            raise ValueError(f"There is no response for {other}.")


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
                # A post to a connection has no target, and gets an empty response.
                content = json.dumps(respond(target, body, audience)) if target else ""
                writer.write(f"{HEAD}{len(content)}\r\n\r\n{content}".encode())
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=context)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], [f"client-{number}" for number in range(int(sys.argv[2]))]))
