"""Which findings are left when somebody has decided about some of them."""

import datetime
from typing import Any

import pytest

from audit.__main__ import WAIVERS, read_waivers
from audit.errors import AuditError
from audit.findings import Finding, Waiver, complaints

TODAY = datetime.date(2027, 3, 1)
FOUND = Finding("dev", "CKV_1", "aws_dynamodb_table.state", "Be encrypted")


def waiver(**changes: Any) -> Waiver:
    entry = {"check": "CKV_1", "resource": "*", "reason": "because", "expires": TODAY}
    return Waiver.read(entry | changes)


def test_a_finding_says_what_to_do() -> None:
    (line,) = complaints([FOUND, FOUND], [], TODAY)
    assert line == (
        "CKV_1 aws_dynamodb_table.state in dev: Be encrypted. "
        "Fix it, or waive it with a reason in audit/waivers.yaml."
    )


def test_nothing_found_is_nothing_to_do() -> None:
    assert complaints([], [], TODAY) == []


@pytest.mark.parametrize(
    ("changes", "covered"),
    [
        ({}, True),
        ({"resource": "aws_dynamodb_table.state"}, True),
        ({"resource": "aws_dynamodb_table.*"}, True),
        ({"resource": "aws_dynamodb_table.other"}, False),
        ({"resource": "state"}, False),
        ({"check": "CKV_2"}, False),
        ({"check": "CKV_*"}, False),  # a check is waived by its name
        ({"stacks": ["dev", "prod"]}, True),
        ({"stacks": ["prod"]}, False),
    ],
)
def test_a_waiver_covers(changes: dict[str, Any], covered: bool) -> None:
    assert waiver(**changes).covers(FOUND) == covered
    assert (complaints([FOUND], [waiver(**changes)], TODAY) == []) == covered


def test_a_waiver_holds_on_its_last_day_and_not_after() -> None:
    assert complaints([FOUND], [waiver()], TODAY) == []
    finding, expired = complaints([FOUND], [waiver()], TODAY + datetime.timedelta(days=1))
    assert finding.startswith("CKV_1 aws_dynamodb_table.state in dev")
    assert expired == "The waiver of CKV_1 on * expired on 2027-03-01: decide again."


def test_a_waiver_that_matches_nothing_is_to_be_removed() -> None:
    assert complaints([], [waiver(stacks=["dev"])], TODAY) == [
        "The waiver of CKV_1 on * in dev matches nothing: remove it."
    ]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"expires": "soon"}, "expires is a date"),
        ({"reason": " "}, "say in reason"),
        ({"until": 1}, "needs check, resource, reason and expires"),
    ],
)
def test_a_wrong_waiver_is_one_sentence(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(AuditError, match=sentence):
        waiver(**changes)


@pytest.mark.parametrize("missing", ["check", "resource", "reason", "expires"])
def test_a_waiver_without_one_of_its_keys(missing: str) -> None:
    entry = {"check": "C", "resource": "*", "reason": "r", "expires": TODAY}
    del entry[missing]
    with pytest.raises(AuditError, match="needs check, resource, reason and expires"):
        Waiver.read(entry)


def test_the_waivers_that_come_along_are_read() -> None:
    waivers = read_waivers(WAIVERS)
    assert waivers
    assert len({str(each) for each in waivers}) == len(waivers)
