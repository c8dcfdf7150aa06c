"""Finished points of a sweep, in one SQLite file: written one at a time, each whole or not at all.

The journal is SQLite's rollback journal with full syncs, which works on network folders too. A row carries a digest of
its own content: a row that was damaged on disk counts as not done.
"""

from __future__ import annotations

import fcntl
import json
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, NamedTuple

from bitline.base.errors import OutputError, TraceError

STORE_NAME = "study.sqlite"
LOCK_NAME = ".study.lock"
SCHEMA = 1
APPLICATION_ID = 0x42746C6E  # "Btln", so that another program's database is not taken for a study

_TABLE = """CREATE TABLE points (
    key TEXT PRIMARY KEY, status TEXT NOT NULL, row TEXT NOT NULL, result BLOB NOT NULL, digest TEXT NOT NULL
) WITHOUT ROWID"""

Status = Literal["done", "failed"]

# SQLite quotes a damaged schema in its message, and Python cannot decode that.
_DAMAGED = (sqlite3.Error, UnicodeError)


@dataclass(frozen=True)
class Outcome:
    """What became of a point: its row of the table, and the whole result of a done one (None for a failed one)."""

    key: str
    status: Status
    row: dict[str, Any]
    result: dict[str, Any] | None = None


class Kept(NamedTuple):
    """What the store says of a point: how it ended, and its row of the table."""

    status: Status
    row: dict[str, Any]


class Store:
    """The store of one study folder. Close it, or use `open_store`."""

    def __init__(self, folder: str | Path, *, create: bool) -> None:
        self.file = Path(folder) / STORE_NAME
        mode = "rwc" if create else "rw"
        try:
            # autocommit: every transaction is written out below
            self._database = sqlite3.connect(
                f"{self.file.absolute().as_uri()}?mode={mode}", uri=True, isolation_level=None, timeout=30
            )
        except sqlite3.Error as error:
            raise self._unreadable(error) from None
        # Bytes that are no text are damage for the digest to find, not an error.
        self._database.text_factory = lambda raw: raw.decode(errors="replace")
        try:
            self._check_version(create)
        except _DAMAGED as error:
            self.close()
            raise self._unreadable(error) from None
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def put(self, outcome: Outcome) -> None:
        """Keep one outcome, in one transaction. Raises OutputError; then this one is not kept, and all others are."""
        row = json.dumps(outcome.row, allow_nan=False)
        result = zlib.compress(json.dumps(outcome.result, allow_nan=False).encode())
        values = (outcome.key, outcome.status, row, result)
        try:
            self._write("INSERT OR REPLACE INTO points VALUES (?, ?, ?, ?, ?)", (*values, _digest(*values)))
        except _DAMAGED as error:
            raise OutputError(f"cannot be written ({error})", file=self.file) from None

    def _write(self, statement: str, values: tuple[Any, ...]) -> None:
        """Every write of a point goes through here: a single statement, so SQLite makes it one transaction."""
        self._database.execute(statement, values)

    def find(self, key: str) -> Kept | None:
        """What is kept of a point; None where it was never finished or its record is damaged."""
        record = self._record(key)
        return None if record is None else Kept(record[1], json.loads(record[2]))

    def result(self, key: str) -> dict[str, Any] | None:
        """The whole result of a point; None where it failed or is not kept."""
        record = self._record(key)
        result: dict[str, Any] | None = None if record is None else json.loads(zlib.decompress(record[3]))
        return result

    def all(self) -> Iterator[tuple[str, Kept]]:
        """Every intact record with its key, in order of the keys, one at a time."""
        try:
            for record in self._database.execute("SELECT * FROM points ORDER BY key"):
                if _is_intact(record):
                    yield record[0], Kept(record[1], json.loads(record[2]))
        except _DAMAGED as error:
            raise self._unreadable(error) from None

    def _record(self, key: str) -> Any:
        try:
            record = self._database.execute("SELECT * FROM points WHERE key = ?", (key,)).fetchone()
        except _DAMAGED as error:
            raise self._unreadable(error) from None
        return record if record is not None and _is_intact(record) else None

    def _check_version(self, create: bool) -> None:
        self._database.execute("PRAGMA synchronous = EXTRA")
        application = self._database.execute("PRAGMA application_id").fetchone()[0]
        version = self._database.execute("PRAGMA user_version").fetchone()[0]
        tables = self._database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if application == version == tables == 0 and create:
            # The three appear together: a killed start leaves an empty file, which is a fresh one.
            self._database.executescript(
                f"BEGIN IMMEDIATE; {_TABLE}; PRAGMA application_id = {APPLICATION_ID};"
                f"PRAGMA user_version = {SCHEMA}; COMMIT"
            )
        elif application != APPLICATION_ID:
            raise TraceError("is not the store of a sweep", file=self.file, expected=f"a {STORE_NAME} of bitline sweep")
        elif version != SCHEMA:
            problem = f"has schema {version}, of {'a newer' if version > SCHEMA else 'another'} version of bitline"
            raise TraceError(problem, file=self.file, field="schema", expected=f"{SCHEMA}")

    def _unreadable(self, error: Exception) -> TraceError:
        return TraceError(f"cannot be read ({error})", file=self.file, expected="the store of a sweep")


@contextmanager
def open_store(folder: Path) -> Iterator[Store]:
    """The store of a folder, to write to. Raises OutputError where another sweep has it."""
    with _lock(folder):
        store = Store(folder, create=True)
        try:
            yield store
        finally:
            store.close()


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    # A file of its own: closing any handle of the database itself would drop SQLite's locks in this process.
    file = folder / LOCK_NAME
    try:
        stream = file.open("w")
    except OSError as error:
        raise OutputError(f"cannot be written ({error.strerror})", file=file) from None
    with stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OutputError("is in use by another sweep", file=folder, expected="one sweep a folder") from None
        except OSError as error:
            raise OutputError(f"cannot be locked ({error.strerror})", file=file) from None
        yield


def _digest(key: str, status: str, row: str, result: bytes) -> str:
    digest = sha256()
    for part in (key.encode(), status.encode(), row.encode(), result):
        digest.update(len(part).to_bytes(8, "little") + part)
    return digest.hexdigest()


def _is_intact(record: tuple[Any, ...]) -> bool:
    """Is a record what was written?"""
    key, status, row, result, digest = record
    if not isinstance(result, bytes) or not all(isinstance(text, str) for text in (key, status, row)):
        return False
    return bool(_digest(key, status, row, result) == digest)
