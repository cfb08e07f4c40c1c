"""Peers side by side: in each round everyone runs once, so that a slow minute is everyone's."""

from collections.abc import Callable, Mapping
from statistics import median

Sample = Mapping[str, float]


def interleaved(peers: Mapping[str, Callable[[], Sample]], rounds: int) -> dict[str, list[Sample]]:
    """Every peer's samples, in order. Odd rounds go backwards, or the same one would always run
    behind the one that heats the machine."""
    samples: dict[str, list[Sample]] = {name: [] for name in peers}
    for number in range(rounds):
        names = list(peers)
        for name in names if number % 2 == 0 else reversed(names):
            samples[name].append(peers[name]())
    return samples


def middle(samples: list[Sample], figure: str) -> float:
    return median(sample[figure] for sample in samples)


def ratio(ours: list[Sample], theirs: list[Sample], figure: str) -> float:
    """The median of theirs to ours, round by round: drift is in both."""
    pairs = zip(ours, theirs, strict=True)
    return median(them[figure] / us[figure] for us, them in pairs)
