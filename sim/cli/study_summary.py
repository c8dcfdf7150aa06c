"""The folder of a sweep in the terminal: what all points share, then a row for each."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import click

from bitline.base.errors import TraceError
from bitline.base.units import format_energy, format_time
from bitline.sim.cli.options import print_json, print_table
from bitline.sim.run.result import Result
from bitline.sim.study import STORE_NAME, TABLE_NAME, Store, read_table
from bitline.sim.study.point import Row
from bitline.sim.study.table import flat


def is_study_folder(folder: Path) -> bool:
    """Was a sweep written here?"""
    return (folder / STORE_NAME).is_file() or (folder / TABLE_NAME).is_file()


def show_study(folder: Path, as_json: bool) -> None:
    """Print the table of a sweep; of one that was broken off, what its store holds. Raises TraceError."""
    rows, missing = _rows(folder)
    if as_json:
        print_json({"points": rows, "beyond_table": missing})
        return
    click.echo(f"sweep       {folder}: {len(rows):,} points, {sum(row['status'] == 'failed' for row in rows):,} failed")
    if missing:
        click.echo(f"            {missing:,} more in the store: run the sweep again for the whole table")
    if rows:
        _print_points(rows)


def point_result(folder: Path, number: int) -> Result:
    """The whole result of a row of the table, counted from 1. Raises TraceError."""
    rows, _ = _rows(folder)
    if number > len(rows):
        raise TraceError(f"has {len(rows)} points", file=folder, field="--point", expected=f"1 to {len(rows)}")
    wanted = {name: value for name, value in rows[number - 1].items() if value is not None}
    with closing(Store(folder, create=False)) as store:
        for key, kept in store.all():
            if {name: value for name, value in flat(kept.row).items() if value is not None} == wanted:
                result = store.result(key)
                if result is None:
                    raise TraceError(f"point {number} failed: {kept.row.get('error')}", file=folder)
                return Result.from_dict(result, folder)
    raise TraceError(f"point {number} is not in the store", file=folder / STORE_NAME, expected="the table's own store")


def _rows(folder: Path) -> tuple[list[Row], int]:
    """Rows of the table, and how many records its store has beyond them."""
    if not (folder / STORE_NAME).is_file():
        return read_table(folder / TABLE_NAME), 0
    with closing(Store(folder, create=False)) as store:
        kept = [flat(record.row) for _, record in store.all()]
    if not (folder / TABLE_NAME).is_file():
        return kept, 0
    rows = read_table(folder / TABLE_NAME)
    return rows, max(0, len(kept) - len(rows))


def _print_points(rows: list[Row]) -> None:
    names = list(dict.fromkeys(name for row in rows for name in row))
    axes = names[: names.index("status")] if "status" in names else names
    varying = [name for name in axes if len({str(row.get(name)) for row in rows}) > 1]
    shared = {name: rows[0].get(name) for name in axes if name not in varying}
    click.echo(f"all points  {', '.join(f'{name} {value}' for name, value in shared.items() if value is not None)}\n")
    headings = ["point", *varying, "status", "time/token", "tokens/s", "energy", "bottleneck or error"]
    print_table(headings, [[number, *_cells(row, varying)] for number, row in enumerate(rows, 1)])


def _cells(row: Row, varying: list[str]) -> list[Any]:
    axes = ["" if row.get(name) is None else row[name] for name in varying]
    if row["status"] == "failed":
        return [*axes, "failed", "", "", "", row["error"]]
    time, energy = format_time(row["time_per_token_s"]), format_energy(row["energy_j"])
    return [*axes, row["status"], time, f"{row['tokens_per_s']:.4g}", energy, row["bottleneck"]]
