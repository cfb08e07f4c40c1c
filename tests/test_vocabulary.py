"""Words that no text of the project uses, because a reader of plain English stumbles over them."""

import re
import subprocess

import pytest

from counter_service.paths import ROOT

AVOIDED = re.compile(
    r"\b("
    # Metaphors for a module, a rule, a random number and a stale connection.
    "rooms?|houses?|laws?|dice|ghosts?"
    # Write only, again and more expensive.
    "|alone|anew|dearer"
    # Write the client, the invocation, DynamoDB, because machines are not people.
    r"|somebody|nobody|anybody|whoever)\b",
    re.IGNORECASE,
)
# Texts of others, measurements, pictures, and this list.
SKIPPED = re.compile(
    r"\.(lock|pem|png|svg)$|package-lock\.json$|^requirements|^bench/results/"
    r"|^tests/test_vocabulary\.py$"
)


def avoided_words(text: str) -> list[str]:
    """Each line with an avoided word, after its number."""
    return [
        f"{number}: {line.strip()}"
        for number, line in enumerate(text.splitlines(), 1)
        if AVOIDED.search(line)
    ]


def tracked_texts() -> dict[str, str]:
    listed = subprocess.check_output(["git", "ls-files"], cwd=ROOT, encoding="utf-8")
    return {
        path: (ROOT / path).read_text(encoding="utf-8")
        for path in listed.splitlines()
        if not SKIPPED.search(path) and (ROOT / path).is_file()
    }


def test_tracked_texts_have_no_avoided_word() -> None:
    found = {
        path: lines for path, text in tracked_texts().items() if (lines := avoided_words(text))
    }
    assert found == {}, f"Replace the words in {', '.join(found)}."


@pytest.mark.parametrize("word", ["alone", "Dice", "rooms", "nobody"])
def test_avoided_word_is_found_with_its_line(word: str) -> None:
    assert avoided_words(f"good\n  this is {word}.\n") == [f"2: this is {word}."]
    assert avoided_words(f"un{word}s") == []
