"""The broadcast lease as a model small enough to explore completely.

Clickers count, draw a ticket and broadcast as `core.broadcast` does; one client joins
meanwhile; the lease may expire under its owner; a clicker may crash. Each step is one request
to DynamoDB, or the posts of one broadcast. `explore` takes every step that could come next, in
every state that can be reached, and returns the ends in which a client shows a stale number.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum

JOINER = -1
OLD_CLIENT, NEW_CLIENT = 0, 1


class Step(Enum):
    LIST_FIRST = "lists the audience before it counts"
    COUNT = "counts"
    TICKET = "draws a ticket"
    CONTINUE_BROADCAST = "takes an expired lease over"
    VALUE = "reads the value"
    LIST = "lists the audience"
    POST = "posts the value"
    RELEASE = "releases the lease"
    PUT_ROW = "puts its row"
    READ = "reads the value to show"
    SHOW = "shows it"
    DONE = "is done"
    CRASHED = "has crashed"


class Order(Enum):
    """What is explored: the protocol, or one of the orders that look as good."""

    RIGHT = "count, ticket, list, value"
    VALUE_FIRST = "count, ticket, value, list"  # as right: later pages of the list come so
    LIST_BEFORE_COUNT = "the audience is listed before the count"
    EVENTUAL_LIST = "the audience may be listed as it was before"
    UNCONDITIONAL_RELEASE = "the lease is released whatever happened meanwhile"
    READ_BEFORE_ROW = "a client reads the value before its row is there"


@dataclass(frozen=True, slots=True)
class Process:
    step: Step
    ticket: int = 0
    value: int = 0
    audience: frozenset[int] = frozenset()
    crashed_owner: int | None = None


@dataclass(frozen=True, slots=True)
class State:
    processes: tuple[Process, ...]  # the last one is the joiner
    count: int = 0
    tickets: int = 0
    owner: int | None = None
    expired: bool = False
    rows: frozenset[int] = frozenset({OLD_CLIENT})
    rows_before: frozenset[int] = frozenset({OLD_CLIENT})
    shown: tuple[int, int] = (0, 0)
    expiries: int = 0  # that may still happen
    crashes: int = 0


@dataclass(frozen=True, slots=True)
class End:
    state: State
    path: tuple[str, ...]


def explore(order: Order, clickers: int, expiries: int, crashes: int) -> tuple[int, list[End]]:
    """How many states there are, and the ends in which a live client is stale."""
    start = State(
        (
            *[Process(_first_step(order))] * clickers,
            Process(Step.READ if order is Order.READ_BEFORE_ROW else Step.PUT_ROW),
        ),
        expiries=expiries,
        crashes=crashes,
    )
    stale: list[End] = []
    seen = {start}
    waiting: list[End] = [End(start, ())]
    while waiting:
        here = waiting.pop()
        successors = list(_successors(here.state, order))
        for name, state in successors:
            if state not in seen:
                seen.add(state)
                waiting.append(End(state, (*here.path, name)))
        if not successors and _is_stale(here.state):
            stale.append(here)
    return len(seen), stale


def _first_step(order: Order) -> Step:
    return Step.LIST_FIRST if order is Order.LIST_BEFORE_COUNT else Step.COUNT


def _first_question(order: Order) -> Step:
    return Step.VALUE if order in (Order.VALUE_FIRST, Order.LIST_BEFORE_COUNT) else Step.LIST


def _is_stale(state: State) -> bool:
    """After everybody is done. A crash is healed by what comes next: the lease it left expires,
    and the next client that asks for the value takes it over; what was counted without a ticket
    is shown to each client when it asks."""
    clickers = state.processes[:-1]
    if any(process.step is Step.CRASHED for process in clickers):
        if state.owner is None:
            return False  # nobody waits for anybody
        return clickers[state.owner].step is not Step.CRASHED
    return state.owner is not None or any(
        state.shown[client] != state.count for client in state.rows
    )


def _successors(state: State, order: Order) -> Iterator[tuple[str, State]]:
    for index in range(len(state.processes)):
        for following in _steps(state, index, order):
            yield f"{_name(state, index)} {state.processes[index].step.value}", following
        if state.crashes and index < len(state.processes) - 1 and _lives(state, index):
            crashed = _with(state, index, Process(Step.CRASHED))
            yield f"{_name(state, index)} crashes", replace(crashed, crashes=state.crashes - 1)
    if state.expiries and state.owner is not None and not state.expired:
        yield "the lease expires", replace(state, expired=True, expiries=state.expiries - 1)


def _lives(state: State, index: int) -> bool:
    return state.processes[index].step not in (Step.DONE, Step.CRASHED)


def _name(state: State, index: int) -> str:
    return "the new client" if index == len(state.processes) - 1 else f"clicker {index}"


def _with(state: State, index: int, process: Process) -> State:
    processes = list(state.processes)
    processes[index] = process
    return replace(state, processes=tuple(processes))


def _steps(state: State, me: int, order: Order) -> Iterator[State]:
    process = state.processes[me]

    def go(step: Step, **changes: object) -> Process:
        return replace(process, step=step, **changes)  # type: ignore[arg-type]

    match process.step:
        case Step.LIST_FIRST:
            yield _with(state, me, go(Step.COUNT, audience=state.rows))
        case Step.COUNT:
            yield _with(replace(state, count=state.count + 1), me, go(Step.TICKET))
        case Step.TICKET:
            drawn = replace(state, tickets=state.tickets + 1)
            if state.owner is None:
                mine = replace(drawn, owner=me, expired=False)
                yield _with(mine, me, go(_first_question(order), ticket=drawn.tickets))
            elif state.expired:
                yield _with(drawn, me, go(Step.CONTINUE_BROADCAST, crashed_owner=state.owner))
            else:
                yield _with(drawn, me, Process(Step.DONE))
        case Step.CONTINUE_BROADCAST:
            if state.expired and state.owner == process.crashed_owner:
                mine = replace(state, owner=me, expired=False)
                following = go(_first_question(order), ticket=state.tickets, crashed_owner=None)
                yield _with(mine, me, following)
            else:
                yield _with(state, me, Process(Step.DONE))
        case Step.VALUE:
            step = Step.LIST if order is Order.VALUE_FIRST else Step.POST
            yield _with(state, me, go(step, value=state.count))
        case Step.LIST:
            step = Step.POST if order is Order.VALUE_FIRST else Step.VALUE
            yield _with(state, me, go(step, audience=state.rows))
            if order is Order.EVENTUAL_LIST:
                yield _with(state, me, go(step, audience=state.rows_before))
        case Step.POST:
            yield _with(
                replace(state, shown=_show(state, process.audience, process.value)),
                me,
                go(Step.RELEASE),
            )
        case Step.RELEASE:
            if state.owner != me:
                yield _with(state, me, Process(Step.DONE))
            elif state.tickets == process.ticket or order is Order.UNCONDITIONAL_RELEASE:
                free = replace(state, owner=None, expired=False)
                yield _with(free, me, Process(Step.DONE))
            else:
                renewed = replace(state, expired=False)
                yield _with(renewed, me, go(_first_question(order), ticket=state.tickets))
        case Step.PUT_ROW:
            joined = replace(state, rows=state.rows | {NEW_CLIENT}, rows_before=state.rows)
            last = order is Order.READ_BEFORE_ROW
            yield _with(joined, me, go(Step.SHOW if last else Step.READ))
        case Step.READ:
            first = order is Order.READ_BEFORE_ROW
            yield _with(state, me, go(Step.PUT_ROW if first else Step.SHOW, value=state.count))
        case Step.SHOW:
            shown = _show(state, frozenset({NEW_CLIENT}), process.value)
            yield _with(replace(state, shown=shown), me, Process(Step.DONE))
        case Step.DONE | Step.CRASHED:
            return


def _show(state: State, audience: frozenset[int], value: int) -> tuple[int, int]:
    """Each client keeps the greatest value that it has seen."""
    old, new = (
        max(shown, value) if client in audience else shown
        for client, shown in enumerate(state.shown)
    )
    return old, new
