"""The stub answers what the measured code asks for."""

import json

import pytest

from bench.stub_aws import answer


def test_a_click_counts() -> None:
    body = json.dumps({"ExpressionAttributeValues": {":one": {"N": "1"}}}).encode()
    assert answer("DynamoDB_20120810.UpdateItem", body, [])["Attributes"]["value"] == {"N": "42"}


def test_whoever_asks_for_the_lease_has_it() -> None:
    body = json.dumps({"ExpressionAttributeValues": {":me": {"S": "me"}}}).encode()
    assert answer("DynamoDB_20120810.UpdateItem", body, [])["Attributes"]["broadcaster"] == {
        "S": "me"
    }


def test_everyone_is_listed() -> None:
    rows = answer("DynamoDB_20120810.Scan", b"{}", ["a", "b"])["Items"]
    assert [row["connectionId"]["S"] for row in rows] == ["a", "b"]


def test_another_question_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="Query"):
        answer("DynamoDB_20120810.Query", b"{}", [])
