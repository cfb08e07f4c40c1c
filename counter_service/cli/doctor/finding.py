"""What a check found, and what to do."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """Whether a deployment can go on."""

    OK = "ok"
    PROBLEM = "problem"
    UNKNOWN = "not checked"  # for want of a network, of credentials or of a permission


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of a check.

    Attributes:
        subject: What was checked.
        found: What is there.
        advice: What to do, as whole sentences; empty if there is nothing to do.
    """

    subject: str
    state: State
    found: str
    advice: str = ""
