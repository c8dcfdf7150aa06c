"""Design points as columns: parameters by name, each an array of numbers, or codes of its distinct values."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from bitline.sim.study.point import PARAMETERS, Level, Point

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]


NOT_SET = object()
"""In a column of a setting: this point does not set it. (None is a value that it may set.)"""


@dataclass(frozen=True)
class Coded:
    """A column of few distinct values, of any type."""

    codes: Array
    values: list[Any]


class PointColumns:
    """`rows` design points. Columns that are not given are not set (None)."""

    def __init__(self, rows: int, columns: Mapping[str, Any]) -> None:
        """`columns`: name or path -> one value for all rows, or a list or array with one for each."""
        self.rows = rows
        self._columns = {name: _compact(values, rows) for name, values in columns.items()}
        self.settings = sorted(name for name in columns if name not in PARAMETERS)

    @staticmethod
    def of(points: Iterable[Point]) -> PointColumns:
        """The columns of points."""
        rows = [point.columns() for point in points]
        names = {name: None for row in rows for name in row}
        return PointColumns(len(rows), {name: [row.get(name, _not_set(name)) for row in rows] for name in names})

    @property
    def names(self) -> list[str]:
        """Every column, sorted."""
        return sorted(self._columns)

    def numbers(self, name: str) -> Array | None:
        """A column of whole numbers only, or of fractions only; None for any other."""
        column = self._columns[name]
        if isinstance(column, Coded):
            value = column.values[0]
            if len(column.values) == 1 and type(value) in (int, float):
                return np.broadcast_to(np.asarray(value), self.rows)
            return None
        return column

    def codes(self, name: str) -> tuple[Array, int]:
        """A code for each row, equal where values are, and how many codes there are."""
        column = self._columns[name]
        if isinstance(column, Coded):
            return column.codes, len(column.values)
        distinct, where = np.unique(column, return_inverse=True)
        return where, len(distinct)

    def value(self, name: str, row: int) -> Any:
        """One value, as a study file says it."""
        column = self._columns.get(name)
        if column is None:
            return None
        return column.values[int(column.codes[row])] if isinstance(column, Coded) else column[row].item()

    def values(self, name: str) -> list[Any]:
        """All values of a column."""
        column = self._columns[name]
        if isinstance(column, Coded):
            return [column.values[code] for code in column.codes.tolist()]
        found: list[Any] = column.tolist()
        return found

    def point(self, row: int, level: Level) -> Point:
        """One row as a point."""
        fields = {name: self.value(name, row) for name in PARAMETERS} | {"level": level}
        settings = {path: self.value(path, row) for path in self.settings}
        return Point(**fields, settings={path: value for path, value in settings.items() if value is not NOT_SET})


def _not_set(name: str) -> Any:
    return None if name in PARAMETERS else NOT_SET


def _compact(values: Any, rows: int) -> Array | Coded:
    if isinstance(values, np.ndarray):
        if len(values) != rows:
            raise ValueError(f"a column of {len(values)} values for {rows} rows")
        return values if values.dtype.kind in "if" else _compact(values.tolist(), rows)
    if not isinstance(values, list):
        return Coded(np.broadcast_to(np.int32(0), rows), [values])
    if len(values) != rows:
        raise ValueError(f"a column of {len(values)} values for {rows} rows")
    kinds = set(map(type, values))
    if kinds == {int} and max(values) < 1 << 62 and min(values) > -(1 << 62):
        return _array(np.array(values, np.int64))
    if kinds == {float}:
        return _array(np.array(values, np.float64))
    return _coded(values)


def _array(column: Array) -> Array | Coded:
    """One value for all rows takes no room."""
    if (column == column[0]).all():
        return Coded(np.broadcast_to(np.int32(0), len(column)), [column[0].item()])
    return column


def _coded(values: Sequence[Any]) -> Coded:
    known: dict[Any, int] = {}
    kept: list[Any] = []
    codes = np.empty(len(values), np.int32)
    for row, value in enumerate(values):
        # 1, 1.0 and true are equal to Python and not to a document.
        plain = value is NOT_SET or isinstance(value, str | int | float | None)
        key = (type(value), value if plain else json.dumps(value, sort_keys=True))
        code = known.get(key)
        if code is None:
            code = known[key] = len(kept)
            kept.append(value)
        codes[row] = code
    return Coded(codes if len(kept) > 1 else np.broadcast_to(np.int32(0), len(values)), kept)
