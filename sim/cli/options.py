"""Options and output that several commands share."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import click

from bitline.base.document import parse_setting
from bitline.base.errors import SpecError

Function = TypeVar("Function", bound=Callable[..., Any])


def settings_option(function: Function) -> Function:
    """`--set path=value`, any number of times, as a dict."""

    def collect(_context: click.Context, _parameter: click.Parameter, values: Sequence[str]) -> dict[str, Any]:
        settings: dict[str, Any] = {}
        for text in values:
            name, value = parse_setting(text)
            if name in settings:
                raise SpecError("is set twice", file="--set", field=name)
            settings[name] = value
        return settings

    option = click.option(
        "--set", "settings", multiple=True, metavar="PATH=VALUE", callback=collect, help="Override a field of the spec."
    )
    return option(function)


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def print_json(data: Any) -> None:
    """One JSON document; numbers that JSON cannot say are refused, not invented."""
    click.echo(json.dumps(data, indent=2, allow_nan=False))


def print_table(headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A plain table: text to the left, numbers to the right, the same in a terminal and in a pipe."""
    texts = [[_cell(cell) for cell in row] for row in rows]
    numeric = [bool(texts) and all(_is_number(row[i]) for row in texts) for i in range(len(headings))]
    widths = [max(len(row[i]) for row in [list(headings), *texts]) for i in range(len(headings))]

    def line(row: Sequence[str]) -> str:
        cells = [cell.rjust(width) if right else cell.ljust(width) for cell, width, right in zip(row, widths, numeric)]
        return "  ".join(cells).rstrip()

    click.echo(line(list(headings)))
    click.echo("  ".join("-" * width for width in widths))
    for row in texts:
        click.echo(line(row))


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 1e5 else f"{value:,.0f}"
    if isinstance(value, int):
        return f"{value:,}"
    return str(value)


def _is_number(text: str) -> bool:
    """Is this an empty cell, or one that begins with a digit, as numbers do here?"""
    return text == "" or text.lstrip("-+")[:1].isdigit()
