"""The folder of a sweep in the terminal: what all points share, then a row for each; or what a query asks of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from bitline.base.units import format_energy, format_time
from bitline.sim.cli.options import print_json, print_table
from bitline.sim.study import STORE_NAME, TABLE_NAME, open_study
from bitline.sim.study.point import Row
from bitline.sim.study.query import choose, column_names, export, sort, where

NUMBER = "point"
"""The column that counts the rows of the table from 1, as `--point` does."""


@dataclass(frozen=True)
class Query:
    """Which points of a study to show, in which order, and how."""

    where: str | None = None
    sort: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    limit: int | None = None
    sql: str | None = None
    export: Path | None = None

    @property
    def given(self) -> bool:
        """Is anything asked?"""
        return self != Query()


def is_study_folder(folder: Path) -> bool:
    """Was a sweep written here?"""
    return (folder / STORE_NAME).is_file() or (folder / TABLE_NAME).is_file()


def show_study(folder: Path, as_json: bool, query: Query = Query()) -> None:
    """Print the table of a sweep; of one that was broken off, what its store holds. Raises TraceError, SpecError."""
    study = open_study(folder)
    if query.sql is not None:
        answer = study.sql(query.sql)
        _give(answer[: query.limit], query, as_json, column_names(answer))
        return
    everything = [{NUMBER: number} | row for number, row in enumerate(study.rows(), 1)]
    rows = _picked(everything, query)
    if query.columns or query.export is not None:
        _give(choose(rows, query.columns) if query.columns else rows, query, as_json, column_names(rows))
    elif as_json:
        print_json({"points": rows, "beyond_table": study.beyond_table})
    else:
        _print_study(folder, everything, rows, study.beyond_table)


def _picked(rows: list[Row], query: Query) -> list[Row]:
    if query.where is not None:
        rows = where(rows, query.where)
    return sort(rows, query.sort)[: query.limit]


def _give(rows: list[Row], query: Query, as_json: bool, names: list[str]) -> None:
    """To a file, as JSON or as a plain table."""
    if query.export is not None:
        export(rows, query.export)
        print_json({"rows": len(rows), "file": str(query.export)}) if as_json else click.echo(
            f"written  {query.export}: {len(rows):,} rows"
        )
    elif as_json:
        print_json(rows)
    else:
        shown = list(query.columns) or names
        print_table(shown, [["" if row[name] is None else row[name] for name in shown] for row in rows])


def _print_study(folder: Path, everything: list[Row], rows: list[Row], beyond_table: int) -> None:
    failed = sum(row["status"] == "failed" for row in everything)
    click.echo(f"sweep       {folder}: {len(everything):,} points, {failed:,} failed")
    if beyond_table:
        click.echo(f"            {beyond_table:,} more in the store: run the sweep again for the whole table")
    if len(rows) < len(everything):
        click.echo(f"shown       {len(rows):,} of them")
    if rows:
        _print_points(everything, rows)


def _print_points(everything: list[Row], rows: list[Row]) -> None:
    names = [name for name in column_names(everything) if name != NUMBER]
    axes = names[: names.index("status")] if "status" in names else names
    varying = [name for name in axes if len({str(row.get(name)) for row in everything}) > 1]
    shared = {name: everything[0].get(name) for name in axes if name not in varying}
    click.echo(f"all points  {', '.join(f'{name} {value}' for name, value in shared.items() if value is not None)}\n")
    headings = [NUMBER, *varying, "status", "time/token", "tokens/s", "energy", "bottleneck or error"]
    print_table(headings, [[row[NUMBER], *_cells(row, varying)] for row in rows])


def _cells(row: Row, varying: list[str]) -> list[Any]:
    axes = ["" if row.get(name) is None else row[name] for name in varying]
    if row["status"] == "failed":
        return [*axes, "failed", "", "", "", row["error"]]
    time, energy = format_time(row["time_per_token_s"]), format_energy(row["energy_j"])
    return [*axes, row["status"], time, f"{row['tokens_per_s']:.4g}", energy, row["bottleneck"]]
