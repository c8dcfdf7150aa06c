"""`bitline list`: what comes with the package."""

from __future__ import annotations

import click

from bitline.sim.cli.catalogue import KINDS, Row
from bitline.sim.cli.options import json_option, print_json, print_table

MAX_TEXT_CHARS = 100


@click.command("list", short_help="List models, specs, systems, policies, controllers.")
@click.argument("kinds", nargs=-1, type=click.Choice([kind.plural for kind in KINDS]))
@json_option
def command(kinds: tuple[str, ...], as_json: bool) -> None:
    """List what comes with the package (all KINDS, if none is given), each in a line with its source."""
    chosen = [kind for kind in KINDS if not kinds or kind.plural in kinds]
    rows = {kind.plural: [kind.summary(name) for name in kind.names()] for kind in chosen}
    if as_json:
        print_json(rows)
        return
    for plural, table in rows.items():
        if len(rows) > 1:
            click.echo(f"\n{plural}\n" if plural != chosen[0].plural else f"{plural}\n")
        _print(table)


def _print(table: list[Row]) -> None:
    headings = list(table[0]) if table else ["name"]
    if "description" in headings:
        # A source belongs to numbers: `show` and --json print it; the list has one text a line.
        headings.remove("source")
    print_table(headings, [[_short(row[name]) for name in headings] for row in table])


def _short(value: object) -> object:
    if isinstance(value, str) and len(value) > MAX_TEXT_CHARS:
        return value[: MAX_TEXT_CHARS - 3] + "..."
    return "" if value is None else value
