"""Measures peers in turns: every peer runs once in each round, so drift affects all of them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import median

Sample = Mapping[str, float]
Samples = dict[str, list[Sample]]


def orders(peers: Sequence[str], rounds: int) -> Iterator[Sequence[str]]:
    """The order of the peers in each round.

    Every other round is reversed, so that no peer always follows the one that heats the machine.
    """
    for number in range(rounds):
        yield peers if number % 2 == 0 else peers[::-1]


def interleaved(peers: Mapping[str, Callable[[], Sample]], rounds: int) -> Samples:
    """The samples of every peer, in the order of the rounds."""
    samples: Samples = {name: [] for name in peers}
    for order in orders(list(peers), rounds):
        for name in order:
            samples[name].append(peers[name]())
    return samples


def summary(samples: Samples, reference: str) -> dict[str, dict[str, float]]:
    """The medians of each peer's figures, and of their ratios to the reference.

    `<figure>_ratio` is the median of the ratios within a round, because a slow round is slow for
    every peer.
    """
    found: dict[str, dict[str, float]] = {}
    for name, runs in samples.items():
        figures = found[name] = {"rounds": len(runs)}
        for figure in runs[0]:
            figures[figure] = median(run[figure] for run in runs)
            pairs = zip(runs, samples[reference], strict=True)
            figures[f"{figure}_ratio"] = median(run[figure] / base[figure] for run, base in pairs)
    return found
