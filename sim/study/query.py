"""Rows of a study picked, put in order and written out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from bitline.base.errors import MissingExtraError, SpecError, did_you_mean
from bitline.base.files import write_atomically
from bitline.sim.study.expressions import parse_condition
from bitline.sim.study.point import Row
from bitline.sim.study.table import csv_lines


def column_names(rows: list[Row]) -> list[str]:
    """Every column that a row has, in order."""
    return list(dict.fromkeys(name for row in rows for name in row))


def where(rows: list[Row], condition: str) -> list[Row]:
    """The rows that a condition such as `power_w < 300 and memory.channels >= 8` holds for. Raises SpecError."""
    parsed = parse_condition(condition)
    names = column_names(rows)
    _check_names(parsed.names, names, "--where")
    columns = {name: [row.get(name) for row in rows] for name in parsed.names}
    return [row for row, holds in zip(rows, parsed.holds(columns)) if holds] if rows else []


def sort(rows: list[Row], columns: Sequence[str]) -> list[Row]:
    """Rows by some columns, the first counts most; `-COLUMN` turns its order. Missing values come last."""
    names = column_names(rows)
    _check_names((column.removeprefix("-") for column in columns), names, "--sort")
    for column in reversed(columns):
        name = column.removeprefix("-")
        there = [row for row in rows if row.get(name) is not None]
        missing = [row for row in rows if row.get(name) is None]
        rows = sorted(there, key=lambda row: _rank(row[name]), reverse=column.startswith("-")) + missing
    return rows


def choose(rows: list[Row], columns: Sequence[str]) -> list[Row]:
    """Rows with some of their columns only."""
    _check_names(columns, column_names(rows), "--columns")
    return [{name: row.get(name) for name in columns} for row in rows]


def export(rows: list[Row], file: str | Path) -> None:
    """Write rows to a .csv or .parquet file, whole or not at all. Raises SpecError, OutputError, MissingExtraError."""
    path = Path(file)
    names = column_names(rows)
    if path.suffix.lower() == ".csv":
        write_atomically(path, "".join(csv_lines(rows, names)).encode())
    elif path.suffix.lower() == ".parquet":
        write_atomically(path, _parquet(rows, names))
    else:
        raise SpecError("is no form to export to", file=file, expected="a name that ends in .csv or .parquet")


def _parquet(rows: list[Row], names: list[str]) -> bytes:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise MissingExtraError("pyarrow", "parquet", "a .parquet file") from None
    columns = {name: _alike([row.get(name) for row in rows]) for name in names}
    sink = pyarrow.BufferOutputStream()
    pyarrow.parquet.write_table(pyarrow.table(columns), sink)
    return bytes(sink.getvalue())


def _alike(values: list[Any]) -> list[Any]:
    """Values of one type: numbers as they are, or, where text or lists stand among them, all as text."""
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {int, float}:
        return [None if value is None else float(value) for value in values] if len(kinds) > 1 else values
    if len(kinds) == 1 and kinds <= {str, bool}:
        return values
    return [value if value is None or isinstance(value, str) else json.dumps(value) for value in values]


def _check_names(wanted: Iterable[str], known: list[str], option: str) -> None:
    for name in wanted:
        if known and name not in known:
            raise SpecError(f"no column '{name}'", file=option, expected=did_you_mean(name, known))


def _rank(value: Any) -> tuple[int, Any]:
    if isinstance(value, int | float):
        return 0, value
    return 1, value if isinstance(value, str) else json.dumps(value)
