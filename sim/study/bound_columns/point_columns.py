"""Design points as columns: parameters by name, each an array of numbers, or codes of its distinct values."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
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

    def cells(self, name: str) -> Any:
        """A column as the formulas of a study take it: one value for all rows, an array of numbers, or a list."""
        column = self._columns[name]
        if not isinstance(column, Coded):
            return column
        return column.values[0] if len(column.values) == 1 else [column.values[code] for code in column.codes.tolist()]

    def groups(self, names: Sequence[str], rows: Array) -> Iterator[Array]:
        """Some rows in groups that are equal in the named columns, in order of their first rows."""
        if not len(rows):
            return
        key = np.zeros(len(rows), np.int64)
        for name in names:
            codes, count = self.codes(name)
            if count > 1:
                # Numbered anew after each column, so that keys never grow beyond the rows times its codes.
                _distinct, key = np.unique(key * count + codes[rows], return_inverse=True)
        order = np.argsort(key, kind="stable")
        ends = np.flatnonzero(np.diff(key[order])) + 1
        yield from sorted((rows[part] for part in np.split(order, ends)), key=lambda part: int(part[0]))

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
    kinds = set(map(type, values))
    if kinds <= _PLAIN and len(kinds) == 1:
        known = {value: code for code, value in enumerate(dict.fromkeys(values))}
        return _of_codes(map(known.__getitem__, values), len(values), list(known))
    # 1, 1.0 and true are equal to Python and not to a document.
    keys = [(type(one), one if type(one) in _PLAIN else json.dumps(one, sort_keys=True)) for one in values]
    kept = dict(zip(reversed(keys), reversed(values)))
    order = {key: code for code, key in enumerate(kept)}
    return _of_codes(map(order.__getitem__, keys), len(keys), list(kept.values()))


_PLAIN = {str, int, float, bool, type(None), type(NOT_SET)}


def _of_codes(codes: Iterable[int], rows: int, values: list[Any]) -> Coded:
    if len(values) == 1:
        return Coded(np.broadcast_to(np.int32(0), rows), values)
    return Coded(np.fromiter(codes, np.int32, rows), values)
