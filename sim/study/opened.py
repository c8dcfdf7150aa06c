"""`bitline.open`: what the folder of a study holds, as rows, a data frame, whole results, or the answer to SQL."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from bitline.base.errors import MissingExtraError, SpecError, TraceError
from bitline.sim.run.result import Result
from bitline.sim.study.folder import STUDY_NAME, TABLE_NAME
from bitline.sim.study.point import Row
from bitline.sim.study.spec import StudySpec, load_study
from bitline.sim.study.store import STORE_NAME, Store
from bitline.sim.study.table import flat, read_table

POINTS = "points"
"""The table that SQL sees."""
MAX_SQL_ROWS = 1_000_000


class OpenedStudy:
    """The folder of a study, to be read. A sweep may be writing it meanwhile: `rows` are those of its last table.

    `beyond_table`: records of the store that the table does not have: of a sweep broken off, or of other studies.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self._has_store = (self.folder / STORE_NAME).is_file()
        has_table = (self.folder / TABLE_NAME).is_file()
        if not (self._has_store or has_table):
            raise TraceError("is not the folder of a sweep", file=folder, expected=f"a folder with {STORE_NAME}")
        kept = self._kept() if self._has_store else []
        self._rows = read_table(self.folder / TABLE_NAME) if has_table else kept
        self.beyond_table = max(0, len(kept) - len(self._rows)) if has_table else 0

    @property
    def study(self) -> StudySpec:
        """What was asked. Raises SpecError."""
        return load_study(self.folder / STUDY_NAME)

    @property
    def columns(self) -> list[str]:
        """The names of the columns, in order."""
        return list(dict.fromkeys(name for row in self._rows for name in row))

    def rows(self) -> list[Row]:
        """The table, a dict a point."""
        return [dict(row) for row in self._rows]

    def table(self) -> Any:
        """The table as a pandas data frame. Raises MissingExtraError."""
        try:
            import pandas
        except ImportError:
            raise MissingExtraError("pandas", "frames", "a data frame") from None
        return pandas.DataFrame(self._rows, columns=self.columns)

    def result(self, number: int) -> Result:
        """The whole result of a row of the table, counted from 1. Raises TraceError."""
        if not 1 <= number <= len(self._rows):
            problem = f"has {len(self._rows)} points"
            raise TraceError(problem, file=self.folder, field="--point", expected=f"1 to {len(self._rows)}")
        wanted = self._rows[number - 1]
        if not self._has_store:
            raise TraceError("is not there", file=self.folder / STORE_NAME, expected="the store, for whole results")
        with closing(Store(self.folder, create=False)) as store:
            for key, kept in store.all():
                if _is_row_of(flat(kept.row), wanted):
                    result = store.result(key)
                    if result is not None:
                        return Result.from_dict(result, self.folder)
                    if kept.status == "failed":
                        raise TraceError(f"point {number} failed: {kept.row.get('error')}", file=self.folder)
        problem = f"point {number} is not in the store, or damaged"
        raise TraceError(problem, file=self.folder / STORE_NAME, expected="the table's own store; run the sweep again")

    def sql(self, query: str) -> list[Row]:
        """The answer to a query over the table `points`, whose columns are those of the table. Nothing can be written.

        Names with a dot stand in double quotes: SELECT "memory.channels", min(time_s) FROM points GROUP BY 1. Truth
        values are 0 and 1, lists JSON text. Raises SpecError.
        """
        with closing(sqlite3.connect(":memory:")) as database:
            _fill(database, self.columns, self._rows)
            database.set_authorizer(_read_only)
            try:
                cursor = database.execute(query)
                names = [column[0] for column in cursor.description or ()]
                found = cursor.fetchmany(MAX_SQL_ROWS)
            except (sqlite3.Error, sqlite3.Warning, ValueError) as error:
                hint = f"a SELECT over the table {POINTS}: {', '.join(self.columns[:12])}, ..."
                raise SpecError(str(error), file="--sql", expected=hint) from None
        return [dict(zip(names, cells)) for cells in found]

    def _kept(self) -> list[Row]:
        with closing(Store(self.folder, create=False)) as store:
            return [flat(record.row) for _, record in store.all()]


def open_study(folder: str | Path) -> OpenedStudy:
    """The study of a folder that a sweep has written. Raises TraceError."""
    return OpenedStudy(folder)


def _is_row_of(kept: Row, wanted: Row) -> bool:
    """Is a row of the table this record's? The table may have columns that were derived."""
    return all(value == wanted.get(name) for name, value in kept.items() if value is not None)


def _fill(database: sqlite3.Connection, columns: list[str], rows: list[Row]) -> None:
    names = ", ".join('"' + name.replace('"', '""') + '"' for name in columns)
    marks = ", ".join("?" * len(columns))
    database.execute(f"CREATE TABLE {POINTS} ({names or 'nothing'})")
    if columns:
        cells: Iterator[list[Any]] = ([_sql_value(row.get(name)) for name in columns] for row in rows)
        database.executemany(f"INSERT INTO {POINTS} VALUES ({marks})", cells)


def _sql_value(value: Any) -> Any:
    if value is None or isinstance(value, str | float):
        return value
    if isinstance(value, int) and abs(value) < 1 << 63:
        return int(value)
    return json.dumps(value)


def _read_only(action: int, *_what: str | None) -> int:
    allowed = (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE)
    return sqlite3.SQLITE_OK if action in allowed else sqlite3.SQLITE_DENY
