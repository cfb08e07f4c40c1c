"""A model of the broadcast lease that is small enough to explore completely.

Clickers are invocations that count, take a ticket and broadcast as `core.broadcast` does. Meanwhile
one client connects, the lease may expire, and a clicker may crash. Each step is one request to
DynamoDB, or the posts of one broadcast. `explore` takes every possible step in every reachable
state.
"""

from collections.abc import Iterator
from enum import Enum, StrEnum
from typing import Any, NamedTuple

OLD_CLIENT, NEW_CLIENT = 0, 1


class Step(StrEnum):
    LIST_FIRST = "lists the audience before it counts"
    COUNT = "counts"
    TICKET = "takes a ticket"
    TAKE_OVER = "takes over an expired lease"
    VALUE = "reads the value"
    LIST = "lists the audience"
    POST = "posts the value"
    RENEW = "renews the lease"
    RELEASE = "releases the lease"
    PUT_ROW = "puts its row"
    READ = "reads the value to show"
    SHOW = "shows it"
    DONE = "is done"
    CRASHED = "has crashed"


ENDS = (Step.DONE, Step.CRASHED)


class Order(Enum):
    """The order of the steps: the service's, one that is equally right, and five that are wrong."""

    RIGHT = "count, ticket, list, value"
    VALUE_FIRST = "count, ticket, value, list"  # later pages of the list are read after the value
    LIST_BEFORE_COUNT = "the audience is listed before the count"
    EVENTUAL_LIST = "the list may be eventually consistent"
    NEW_TICKET_TO_CONTINUE = "a continued broadcast takes the newest ticket as its own"
    UNCONDITIONAL_RELEASE = "the lease is released despite newer tickets"
    READ_BEFORE_ROW = "a client reads the value before it puts its row"


class Process(NamedTuple):
    step: Step
    ticket: int = 0
    value: int = 0
    audience: frozenset[int] = frozenset()
    reached: int | None = None  # the client that a broadcast reached before its time was up
    crashed_owner: int | None = None


class State(NamedTuple):
    processes: tuple[Process, ...]  # the clickers, then the new client
    clicks: int = 0
    tickets: int = 0
    owner: int | None = None
    expired: bool = False
    rows: frozenset[int] = frozenset({OLD_CLIENT})
    rows_before: frozenset[int] = frozenset({OLD_CLIENT})
    shown: tuple[int, int] = (0, 0)  # the value on the page of each client
    expiries: int = 0  # that may still happen
    crashes: int = 0  # that may still happen
    pauses: int = 0  # of a broadcast whose time is up; that may still happen


class End(NamedTuple):
    """A state, and the steps that lead to it."""

    state: State
    path: tuple[str, ...]


def explore(
    order: Order, clickers: int, expiries: int, crashes: int, pauses: int
) -> tuple[int, list[End]]:
    """Explore every state.

    Args:
        clickers: Number of invocations that count.
        expiries, crashes, pauses: Number of each that may happen at most.

    Returns:
        The number of states, of which those that differ only in the clickers' numbers count as one,
        and the ends in which a connected client shows an old value.
    """
    first_step = Step.LIST_FIRST if order is Order.LIST_BEFORE_COUNT else Step.COUNT
    client = Process(Step.READ if order is Order.READ_BEFORE_ROW else Step.PUT_ROW)
    processes = (*[Process(first_step)] * clickers, client)
    start = State(processes, expiries=expiries, crashes=crashes, pauses=pauses)
    stale: list[End] = []
    seen = {_symmetric(start)}
    waiting: list[End] = [End(start, ())]
    while waiting:
        here = waiting.pop()
        successors = list(_successors(here.state, order))
        for name, state in successors:
            if (same := _symmetric(state)) not in seen:
                seen.add(same)
                waiting.append(End(state, (*here.path, name)))
        if not successors and _is_stale(here.state):
            stale.append(here)
    return len(seen), stale


def _symmetric(state: State) -> State:
    """The same state for all that differ only in the clickers' numbers."""
    *clickers, client = state.processes
    numbers = sorted(range(len(clickers)), key=lambda number: _sort_key(clickers[number]))
    new_number = {None: None} | {number: place for place, number in enumerate(numbers)}
    processes = [
        clickers[number]._replace(crashed_owner=new_number[clickers[number].crashed_owner])
        for number in numbers
    ]
    return state._replace(processes=(*processes, client), owner=new_number[state.owner])


def _sort_key(clicker: Process) -> tuple[Any, ...]:
    audience = sorted(clicker.audience)
    return clicker.step, clicker.ticket, clicker.value, audience, str(clicker.reached)


def _first_read(order: Order) -> Step:
    return Step.VALUE if order in (Order.VALUE_FIRST, Order.LIST_BEFORE_COUNT) else Step.LIST


def _is_stale(state: State) -> bool:
    """Whether a client shows an old value when every process is done.

    A crash may leave a client with an old value until the next get-current. That takes over the
    lease of an owner that crashed, and reads a count for which no ticket was taken.
    """
    clickers = state.processes[:-1]
    if any(process.step is Step.CRASHED for process in clickers):
        if state.owner is None:
            return False
        return clickers[state.owner].step is not Step.CRASHED
    return state.owner is not None or any(
        state.shown[client] != state.clicks for client in state.rows
    )


def _successors(state: State, order: Order) -> Iterator[tuple[str, State]]:
    for index in range(len(state.processes)):
        for following, process in _steps(state, index, order):
            step = state.processes[index].step.value
            yield f"{_name(state, index)} {step}", _with(following, index, process)
        is_clicker = index < len(state.processes) - 1
        if state.crashes and is_clicker and state.processes[index].step not in ENDS:
            crashed = _with(state, index, Process(Step.CRASHED))
            yield f"{_name(state, index)} crashes", crashed._replace(crashes=state.crashes - 1)
    if state.expiries and state.owner is not None and not state.expired:
        yield "the lease expires", state._replace(expired=True, expiries=state.expiries - 1)


def _name(state: State, index: int) -> str:
    return "the new client" if index == len(state.processes) - 1 else f"clicker {index}"


def _with(state: State, index: int, process: Process) -> State:
    processes = list(state.processes)
    processes[index] = process
    return state._replace(processes=tuple(processes))


def _steps(state: State, me: int, order: Order) -> Iterator[tuple[State, Process]]:
    """The states after the next step of one process, and the process after it."""
    process = state.processes[me]
    done = Process(Step.DONE)

    def go(step: Step, **changes: object) -> Process:
        return process._replace(step=step, **changes)  # type: ignore[arg-type]

    def own(state: State) -> tuple[State, Process]:
        process = go(_first_read(order), ticket=state.tickets, reached=None, crashed_owner=None)
        return state._replace(owner=me, expired=False), process

    match process.step:
        case Step.LIST_FIRST:
            yield state, go(Step.COUNT, audience=state.rows)
        case Step.COUNT:
            yield state._replace(clicks=state.clicks + 1), go(Step.TICKET)
        case Step.TICKET:
            taken = state._replace(tickets=state.tickets + 1)
            if state.owner is None:
                yield own(taken)
            elif state.expired:
                yield taken, go(Step.TAKE_OVER, crashed_owner=state.owner)
            else:
                yield taken, done
        case Step.TAKE_OVER:
            is_crashed = state.expired and state.owner == process.crashed_owner
            yield own(state) if is_crashed else (state, done)
        case Step.VALUE:
            step = Step.LIST if order is Order.VALUE_FIRST else Step.POST
            yield state, go(step, value=state.clicks)
        case Step.LIST:
            step = Step.POST if order is Order.VALUE_FIRST else Step.VALUE
            yield state, go(step, audience=state.rows - {process.reached})
            if order is Order.EVENTUAL_LIST:
                yield state, go(step, audience=state.rows_before)
        case Step.POST:
            yield _show(state, process.audience, process.value), go(Step.RELEASE)
            if state.pauses and process.reached is None:
                # The time is up after the first client of the listing, whichever that is.
                paused = state._replace(pauses=state.pauses - 1)
                for client in process.audience:
                    posted = _show(paused, frozenset({client}), process.value)
                    yield posted, go(Step.RENEW, reached=client)
        case Step.RENEW:
            if state.owner != me:
                yield state, done
            else:
                is_new = order is Order.NEW_TICKET_TO_CONTINUE
                ticket = state.tickets if is_new else process.ticket
                yield state._replace(expired=False), go(_first_read(order), ticket=ticket)
        case Step.RELEASE:
            if state.owner != me:
                yield state, done
            elif state.tickets == process.ticket or order is Order.UNCONDITIONAL_RELEASE:
                yield state._replace(owner=None, expired=False), done
            else:
                yield own(state)
        case Step.PUT_ROW:
            joined = state._replace(rows=state.rows | {NEW_CLIENT}, rows_before=state.rows)
            yield joined, go(Step.SHOW if order is Order.READ_BEFORE_ROW else Step.READ)
        case Step.READ:
            following = Step.PUT_ROW if order is Order.READ_BEFORE_ROW else Step.SHOW
            yield state, go(following, value=state.clicks)
        case Step.SHOW:
            yield _show(state, frozenset({NEW_CLIENT}), process.value), done


def _show(state: State, audience: frozenset[int], value: int) -> State:
    """The state after a post. Each page keeps its greatest value."""
    old, new = (
        max(shown, value) if client in audience else shown
        for client, shown in enumerate(state.shown)
    )
    return state._replace(shown=(old, new))
