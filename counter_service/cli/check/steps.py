"""The steps, each a coroutine that returns what it has found, or raises what is wrong.

They stay right while other clients click: the value may grow by more than one, and messages of
other clicks arrive between the responses.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from counter_service.cli.address import Address
from counter_service.client import op_ids
from counter_service.client.connection import Connection, Rejected, opened
from counter_service.client.messages import GET_CURRENT, Failure, Update, increment
from counter_service.runtime.core.protocol import MAX_VALUE, ErrorCode

from . import page, problems
from .problems import Problem

# No site can have it, because .invalid is reserved (RFC 2606).
FOREIGN_ORIGIN: Final = "https://check.invalid"
NOT_JSON: Final = "This is not JSON."

RESENDS: Final = 3
PAUSE_SECONDS: Final = 1.0
# The rate of a connection is limited by the second, and concurrent clicks conflict for less.
RETRY_SECONDS: Final = {ErrorCode.TOO_MANY_CLICKS: 1.0, ErrorCode.BUSY: 0.5}


class Skipped(Exception):
    """A step does not apply, or cannot be decided."""


class Session:
    """What the steps share.

    Args:
        address: The counter that is checked.
        token: A token of the stack's issuer.
        connections: Closes the connections at the end.

    Attributes:
        one: A connection, which clicks.
        other: A connection, which must see the click.
        seen: The greatest value so far.
        request: The last request, as problems name it.
        symptom: What it means if the step runs out of time now.
    """

    def __init__(self, address: Address, token: str | None, connections: AsyncExitStack) -> None:
        self.address = address
        self.one: Connection
        self.other: Connection
        self.seen = 0
        self.request: str
        self.symptom: Problem
        self._token = token
        self._connections = connections
        self._op_id = next(op_ids())

    async def connect(self) -> str:
        """Open two connections."""
        self.one = await self._connections.enter_async_context(self._opened())
        self.other = await self._connections.enter_async_context(self._opened())
        origin = self.address.origin
        return f"two connections, {f'as {origin}' if origin else 'without an origin'}"

    async def get_current(self) -> str:
        """Both connections get the value."""
        for connection in (self.one, self.other):
            await self._value(connection)
        return f"both get the value {self.seen}"

    async def increment(self) -> str:
        """A click is acknowledged, and the other connection gets its value."""
        before = self.seen
        value = await self._click(self.one)
        if value < min(before + 1, MAX_VALUE):
            raise problems.not_counted(self.address, before, value)
        self.symptom = problems.not_broadcast(self.address, value)
        while _value_in(await self._receive(self.other)) < value:
            pass
        return f"both see {value}"

    async def resend(self) -> str:
        """The same click on the other connection, as after a reconnect, is not counted again.

        A value that stays the same proves it. One that grows does not prove the contrary while
        others click, so the value is also compared over pauses.
        """
        is_disturbed = False
        for _ in range(RESENDS):
            before = self.seen
            if await self._click(self.other) == before:
                return f"acknowledged with {before}, not counted again"
            after = self.seen
            await asyncio.sleep(PAUSE_SECONDS)
            # A new connection, because an older one may have messages with earlier values.
            async with self._opened() as fresh:
                await self._value(fresh)
            is_disturbed |= self.seen > after
        if not is_disturbed:
            raise problems.counted_twice(self.address)
        raise Skipped("undecided, because others click at the same time: run it again")

    async def invalid_input(self) -> str:
        """An invalid message gets its error, and its connection stays open."""
        request = "a message that is not JSON"
        response = await self._ask(self.one, NOT_JSON, request, is_valid=False)
        if not isinstance(response, Failure) or response.code != ErrorCode.NOT_JSON:
            raise problems.wrong_error(self.address, response)
        await self._value(self.one)
        return f"{response.code}, and the connection stays"

    async def foreign_origin(self) -> str:
        """A page of an origin that is not configured cannot connect."""
        self.symptom = problems.unreachable(self.address, "no response to a handshake")
        try:
            async with opened(self.address.url, origin=FOREIGN_ORIGIN, token=self._token):
                raise problems.foreign_origin_accepted(self.address, FOREIGN_ORIGIN)
        except Rejected as rejected:
            if rejected.status == 403:
                return f"{FOREIGN_ORIGIN} is rejected (403)"
            raise self._rejected(rejected) from None

    async def page(self) -> str:
        """The page is served, and its config.json names this address."""
        website = self.address.website
        if website is None:
            raise Skipped("no page is known; --page names one")
        self.symptom = page.silent(self.address, website)
        await page.check(self.address, website)
        return "served, and its config.json names this URL"

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[Connection]:
        self.symptom = problems.unreachable(self.address, "no response to a handshake")
        origin, token = self.address.origin, self._token
        try:
            async with opened(self.address.url, origin=origin, token=token) as connection:
                yield connection
        except Rejected as rejected:
            raise self._rejected(rejected) from None

    def _rejected(self, rejected: Rejected) -> Problem:
        return problems.rejected(self.address, rejected.status, has_token=bool(self._token))

    async def _value(self, connection: Connection) -> int:
        """The response to get-current. A broadcast is as good, because it has the value too."""
        return _value_in(await self._ask(connection, GET_CURRENT, "get-current"))

    async def _click(self, connection: Connection) -> int:
        click = increment(self._op_id)
        return _value_in(await self._ask(connection, click, "increment", self._op_id))

    async def _ask(
        self,
        connection: Connection,
        request: str,
        name: str,
        op_id: str | None = None,
        *,
        is_valid: bool = True,
    ) -> Update | Failure:
        """The response to a request, which is sent again when the server is busy."""
        self.request = name
        self.symptom = problems.silent(self.address, name)
        while True:
            await connection.send(request)
            while True:
                message = await self._receive(connection)
                if isinstance(message, Failure) and message.is_about_any:
                    break
                if message.op_id == op_id and (is_valid or isinstance(message, Failure)):
                    break
            if not isinstance(message, Failure) or message.code not in RETRY_SECONDS:
                return message
            self.symptom = problems.failed(self.address, name, message)
            await asyncio.sleep(RETRY_SECONDS[ErrorCode(message.code)])

    async def _receive(self, connection: Connection) -> Update | Failure:
        message = await connection.receive()
        if isinstance(message, Update) and message.value is not None:
            self.seen = max(self.seen, message.value)
        return message


def _value_in(message: Update | Failure) -> int:
    if isinstance(message, Failure):
        raise message
    if message.value is None:
        raise problems.out_of_range()
    return message.value


Step = Callable[[Session], Awaitable[str]]

STEPS: Final[dict[str, Step]] = {
    "connect": Session.connect,
    "get-current": Session.get_current,
    "increment": Session.increment,
    "resend": Session.resend,
    "invalid input": Session.invalid_input,
    "foreign origin": Session.foreign_origin,
    "page": Session.page,
}
