"""A creation that AWS refuses, once for each type of resource."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pulumi.automation import CommandError

from .conftest import EVERYTHING
from .stacks import Stack


@pytest.mark.timeout(300)  # 16 engine runs
def test_stack_can_be_completed_or_destroyed_after_the_refused_creation_of_each_type(
    new_stack: Callable[..., Stack], deployed_everything: Stack, tmp_path: Path
) -> None:
    stack = new_stack("everything", "dev", **EVERYTHING | {"keepData": "false"})
    refuses = stack.account.refuses
    refuses |= {thing.type for thing in deployed_everything.account.things.values()}
    while refuses:
        number = len(refuses)
        with pytest.raises(CommandError, match="is refused, because the test requires it"):
            stack.up(continue_on_error=True)
        assert len(refuses) < number
        abandoned = stack.fork(tmp_path / str(number))
        abandoned.destroy()
        assert abandoned.account.things == {}
        assert stack.account.problems == []
    stack.up()
    assert stack.account.names() == deployed_everything.account.names()
    assert stack.account.problems == []
    assert stack.preview() == {}
