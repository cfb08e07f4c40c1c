"""Runs a scanner and hands back what it printed, however it ended."""

import os
import subprocess
from pathlib import Path
from typing import Any, Final

from .errors import AuditError

_SECONDS: Final = 300


def run(
    command: list[Any], *, name: object, cwd: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Raises AuditError, by this name, when it does not start or does not end."""
    try:
        return subprocess.run(
            command,
            cwd=cwd,
            env=os.environ | environment,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except OSError as problem:
        raise AuditError(f"{name} did not start: {problem}. Run make audit.") from problem
    except subprocess.TimeoutExpired as problem:
        raise AuditError(f"{name} did not end within {_SECONDS} s.") from problem
