"""What a scanner found, and what of it somebody has decided to live with."""

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final, Self

from .errors import AuditError

_KEYS: Final = {"check", "resource", "stacks", "reason", "expires"}


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    stack: str
    check: str  # CKV_AWS_119
    resource: str  # aws_dynamodb_table.aes_counter_state
    title: str

    def __str__(self) -> str:
        return f"{self.check} {self.resource} in {self.stack}: {self.title}"


@dataclass(frozen=True, slots=True)
class Waiver:
    check: str
    resource: str  # a pattern: aws_dynamodb_table.* is every table
    stacks: tuple[str, ...]  # empty: all
    reason: str
    expires: datetime.date  # the last day on which it holds

    @classmethod
    def read(cls, entry: Mapping[str, Any]) -> Self:
        """Raises AuditError naming what is wrong with an entry of waivers.yaml."""
        if not isinstance(entry, Mapping) or not _KEYS - {"stacks"} <= entry.keys() <= _KEYS:
            raise AuditError(
                f"Waiver {entry} needs check, resource, reason and expires, and may have stacks."
            )
        if not isinstance(entry["expires"], datetime.date):
            raise AuditError(f"Waiver {entry['check']}: expires is a date such as 2027-06-30.")
        if not str(entry["reason"]).strip():
            raise AuditError(f"Waiver {entry['check']}: say in reason why it may stay.")
        return cls(
            check=entry["check"],
            resource=entry["resource"],
            stacks=tuple(entry.get("stacks", ())),
            reason=entry["reason"],
            expires=entry["expires"],
        )

    def covers(self, finding: Finding) -> bool:
        return (
            self.check == finding.check
            and fnmatchcase(finding.resource, self.resource)
            and (not self.stacks or finding.stack in self.stacks)
        )

    def __str__(self) -> str:
        where = f" in {', '.join(self.stacks)}" if self.stacks else ""
        return f"{self.check} on {self.resource}{where}"


def complaints(
    findings: Iterable[Finding], waivers: Iterable[Waiver], today: datetime.date
) -> list[str]:
    """What has to be done before the scan counts as clean; nothing when it does."""
    findings, waivers = list(findings), list(waivers)
    holding = [waiver for waiver in waivers if today <= waiver.expires]
    lines = [
        f"{finding}. Fix it, or waive it with a reason in audit/waivers.yaml."
        for finding in sorted(set(findings))
        if not any(waiver.covers(finding) for waiver in holding)
    ]
    for waiver in waivers:
        if waiver not in holding:
            lines.append(f"The waiver of {waiver} expired on {waiver.expires}: decide again.")
        elif not any(waiver.covers(finding) for finding in findings):
            lines.append(f"The waiver of {waiver} matches nothing: remove it.")
    return lines
