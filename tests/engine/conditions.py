"""Refuses an Output where the program needs a value.

Pulumi allows it: an Output is always true, and equal to no value. A program that tests one takes
the same branch whatever AWS says.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import pulumi
import pytest

PROGRAM: Final = "counter_service.infra."


@contextmanager
def refused(program: str = PROGRAM) -> Iterator[None]:
    """Raise where a module of the program tests or compares an Output. Pulumi's SDK may do so."""
    with pytest.MonkeyPatch.context() as patch:
        for operator, default in (("__bool__", lambda _: True), ("__eq__", object.__eq__)):
            patch.setattr(pulumi.Output, operator, _guarded(default, program), raising=False)
        yield


def _guarded(default: Callable[..., object], program: str) -> Callable[..., object]:
    def guarded(self: pulumi.Output[object], *others: object) -> object:
        if sys._getframe(1).f_globals["__name__"].startswith(program):
            raise TypeError(
                "The program tests an Output, which is unknown in a preview. Use apply instead."
            )
        return default(self, *others)

    return guarded
