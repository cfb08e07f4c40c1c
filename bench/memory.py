"""Which memoryMb suits an audience?

Lambda gives a function CPU in proportion to its memory. Too little CPU makes a broadcast slower
than postsPerSecond allows.
"""

from typing import Final

from counter_service.costs.units import CPU_MEMORY_MB, core_share

from . import fan_out
from .report import Report, Row, Table
from .simulated_gateway import QUOTA
from .simulated_service import Load, counter_service

AUDIENCES: Final = (1000, 10_000, 50_000)
MEMORIES_MB: Final = (128, 256, 512, 1024, CPU_MEMORY_MB)
# A size suits if a broadcast takes at most this many times as long as with a whole core.
TOLERANCE: Final = 1.05


def measure() -> list[Row]:
    return [simulate(clients, memory_mb) for clients in AUDIENCES for memory_mb in MEMORIES_MB]


def simulate(clients: int, memory_mb: int) -> Row:
    """One broadcast."""
    outcome = counter_service(Load(clients=clients, clicks=[0.0], memory_mb=memory_mb))
    cpu_us = fan_out.cpu_seconds(fan_out.COUNTER_SERVICE) * 1e6  # of a whole core
    return {
        "clients": clients,
        "memory_mb": memory_mb,
        "cpu_us": cpu_us,
        "fan_out": outcome.fan_out,
    }


def suitable(rows: list[Row]) -> int:
    """The least memory that suits, among the rows of one audience."""
    whole_core = max(rows, key=lambda row: row["memory_mb"])
    least: int = min(
        row["memory_mb"] for row in rows if row["fan_out"] <= TOLERANCE * whole_core["fan_out"]
    )
    return least


def report(rows: list[Row]) -> Report:
    posts, cpu_us = QUOTA.default_posts_per_second, rows[0]["cpu_us"]
    share = posts * cpu_us / 1e6
    audiences = {
        clients: [row for row in rows if row["clients"] == clients] for clients in AUDIENCES
    }
    return Report(
        [
            Table(
                "One broadcast, s, by memoryMb (and its share of a core)",
                [
                    "clients",
                    *(f"{each:,} ({core_share(each):.2f})" for each in MEMORIES_MB),
                    "suits, MB",
                ],
                [
                    [
                        f"{clients:,}",
                        *(f"{row['fan_out']:.2f}" for row in found),
                        f"{suitable(found):,}",
                    ]
                    for clients, found in audiences.items()
                ],
                f"postsPerSecond is {posts:,}, the default of most regions. At {cpu_us:.0f} µs a "
                f"post it takes {share:.2f} of a core, which a function with "
                f"{share * CPU_MEMORY_MB:.0f} MB has. Suits: the least memory with which a "
                f"broadcast takes at most {TOLERANCE - 1:.0%} longer than with a whole core. Cold "
                "starts are not included.",
            )
        ]
    )
