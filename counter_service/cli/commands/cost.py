"""`counter cost`: the bill of a month, beside the naive design, and the effect of each setting."""

from typing import Annotated, Final

import typer

from counter_service.cli.commands import DEPLOYING
from counter_service.cli.errors import UsageError
from counter_service.cli.output import JsonOption, console, print_json
from counter_service.costs.forecast import Load

PANEL: Final = DEPLOYING


def cost(
    clients: Annotated[
        int,
        typer.Option(help="Clients that are connected at the same time.", show_default=False),
    ],
    clicks: Annotated[
        float,
        typer.Option(help="Clicks per second, of all clients together.", show_default=False),
    ],
    hours: Annotated[
        float, typer.Option(help="Hours of each day in which they are connected and click.")
    ] = 24.0,
    stack: Annotated[
        str, typer.Option(metavar="STACK", help="Take the settings of Pulumi.<STACK>.yaml.")
    ] = "dev",
    as_json: JsonOption = False,
) -> None:
    """Estimate the bill of a month, and what each setting does to it.

    A month has 30 days. Prices are the list prices of us-east-1, without free tiers and taxes. The
    naive design posts each click to every client.

    It is a model: clicks arrive at random and have op ids, pages are visible and replace their
    connections, DynamoDB responds in 5 ms. docs/operations.md has the prices.

    Example: counter cost --clients 100 --clicks 0.28 --hours 8 --stack prod
    """
    from counter_service.cli import configuration, cost_report

    try:
        load = Load(clients=clients, clicks_per_second=clicks, hours=hours)
    except ValueError as problem:
        raise UsageError(str(problem)) from None
    report = cost_report.of(load, configuration.read(stack))
    if as_json:
        print_json(report.as_json())
    else:
        report.show(console())
