"""docs/operations.md: what it names exists, and its sums are right."""

import re

import pytest
import yaml

from counter_service.paths import ROOT

PAGE = (ROOT / "docs/operations.md").read_text()
KEYS = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"].keys()
OTHER = {"durationMs"}  # of a log line


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\bmake ([a-z][a-z-]+)\b", PAGE))))
def test_every_target_exists(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize(
    "key", sorted(set(re.findall(r"`([a-z]+[A-Z][A-Za-z]+)(?:: \w+)?`", PAGE)))
)
def test_every_key_exists(key: str) -> None:
    assert key in KEYS | OTHER


@pytest.mark.parametrize("key", re.findall(r"pulumi config set (\w+) ", PAGE))
def test_what_is_set_is_a_key(key: str) -> None:
    assert key in KEYS


@pytest.mark.parametrize("file", sorted(set(re.findall(r"`(tests/[\w./]+)`", PAGE))))
def test_every_file_exists(file: str) -> None:
    assert (ROOT / file).exists()


def test_the_example_adds_up() -> None:
    amounts = [float(sum_) for sum_ in re.findall(r"\| \$(\d+\.\d\d) \|$", PAGE, re.MULTILINE)]
    total = re.search(r"\| \*\*\$(\d+\.\d\d)\*\* \|$", PAGE, re.MULTILINE)
    assert total
    assert len(amounts) == 8
    assert sum(amounts) == pytest.approx(float(total[1]))
