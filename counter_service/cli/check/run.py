"""Runs the steps, each with a time limit, until one fails."""

import asyncio
import os
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Final

from counter_service.cli.address import Address
from counter_service.client.messages import Failure

from . import problems
from .problems import Problem
from .steps import STEPS, Session, Skipped, Step

# All of them and two closing handshakes take less than a minute. The first handshake after a
# deployment takes seconds, because Lambda starts the function.
STEP_SECONDS: Final = 7.0


@dataclass(frozen=True, slots=True)
class Result:
    """How a step ended.

    Attributes:
        ok: None if it was skipped, or could not be decided.
        note: What it has found, or why it was skipped; None if it failed.
        problem: What is wrong, if it failed.
    """

    name: str
    ok: bool | None
    milliseconds: float
    note: str | None = None
    problem: Problem | None = None


async def run(
    address: Address,
    token: str | None = None,
    report: Callable[[Result], object] = lambda _: None,
) -> list[Result]:
    """Run the steps until one fails; return how each ended.

    Args:
        address: The counter.
        token: A token of the stack's issuer.
        report: Called with each result at once.
    """
    results = []
    async with AsyncExitStack() as connections:
        session = Session(address, token, connections)
        for name, step in STEPS.items():
            result = await _run_step(name, step, session)
            report(result)
            results.append(result)
            if result.problem:
                break
    return results


async def _run_step(name: str, step: Step, session: Session) -> Result:
    began_at = time.perf_counter()
    ok: bool | None = True
    note = problem = None
    try:
        async with asyncio.timeout(STEP_SECONDS):
            note = await step(session)
    except Skipped as reason:
        ok, note = None, str(reason)
    except (Problem, Failure, OSError) as cause:
        ok, problem = False, _problem(cause, session)
    milliseconds = round((time.perf_counter() - began_at) * 1000, 1)
    return Result(name, ok, milliseconds, note, problem)


def _problem(cause: Problem | Failure | OSError, session: Session) -> Problem:
    match cause:
        case Problem():
            return cause
        case Failure():
            return problems.failed(session.address, session.request, cause)
        case TimeoutError():
            return session.symptom
    return problems.unreachable(session.address, _reason(cause))


def _reason(problem: OSError) -> str:
    # asyncio's text for a refused connection repeats the address.
    if isinstance(problem, ConnectionError) and problem.errno:
        return os.strerror(problem.errno)
    return problem.strerror or str(problem)
