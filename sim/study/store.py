"""Finished points of sweeps, in one SQLite file that several processes may write: each point whole or not at all.

The journal is SQLite's rollback journal with full syncs: it needs nothing but working locks, so it also serves a
network folder that has them. A record carries a digest of its own content: one that was damaged on disk counts as not
done. Who works on what stands in the same file (claims.py).
"""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, NamedTuple

from bitline.base.errors import OutputError, TraceError

STORE_NAME = "study.sqlite"
SCHEMA = 2
APPLICATION_ID = 0x42746C6E  # "Btln", so that another program's database is not taken for a study
# Another process holds the file for milliseconds; on a crowded disk or a network folder, for longer.
BUSY_S = 60
# Records are read in pieces: an open read would keep every writer waiting.
PIECE = 500

_TABLES = (
    "CREATE TABLE points (key TEXT PRIMARY KEY, status TEXT NOT NULL, row TEXT NOT NULL, digest TEXT NOT NULL)"
    " WITHOUT ROWID",
    "CREATE TABLE results (key TEXT PRIMARY KEY, result BLOB NOT NULL, digest TEXT NOT NULL)",
    "CREATE TABLE claims (key TEXT PRIMARY KEY, owner TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE owners (owner TEXT PRIMARY KEY, machine TEXT NOT NULL, pid INTEGER NOT NULL,"
    " started TEXT NOT NULL, beat INTEGER NOT NULL) WITHOUT ROWID",
)

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
                f"{self.file.absolute().as_uri()}?mode={mode}", uri=True, isolation_level=None, timeout=BUSY_S
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

    # --- writing ---

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that `write` does inside, or nothing of it; no other process writes meanwhile. Raises OutputError."""
        try:
            self.write("BEGIN IMMEDIATE")
            yield
            self.write("COMMIT")
        except _DAMAGED as error:
            raise OutputError(f"cannot be written ({error})", file=self.file) from None
        finally:
            if self._database.in_transaction:
                # Where even that fails, the next process that opens the file rolls back.
                with suppress(*_DAMAGED):
                    self._database.execute("ROLLBACK")

    def write(self, statement: str, values: tuple[Any, ...] = ()) -> None:
        """Every statement that changes the file goes through here."""
        self._database.execute(statement, values)

    def read(self, query: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """The rows of a query, all at once. Raises TraceError."""
        try:
            return self._database.execute(query, values).fetchall()
        except _DAMAGED as error:
            raise self._unreadable(error) from None

    def put(self, outcomes: Iterable[Outcome]) -> None:
        """Keep outcomes, all or none of them, and give up the claims on their points. Raises OutputError.

        A point that is done stays done, whatever another sweep may say of it later.
        """
        ready = [(outcome, *_written(outcome)) for outcome in outcomes]
        if not ready:
            return
        with self.transaction():
            for outcome, row, result in ready:
                key, status = outcome.key, outcome.status
                self.write("DELETE FROM claims WHERE key = ?", (key,))
                kept = self.find(key)
                if kept is not None and kept.status == "done":
                    continue
                digest = _digest(key, status, row)
                self.write("INSERT OR REPLACE INTO points VALUES (?, ?, ?, ?)", (key, status, row, digest))
                if result is not None:
                    values = (key, result, _digest(key, result))
                    self.write("INSERT OR REPLACE INTO results VALUES (?, ?, ?)", values)

    # --- reading ---

    def find(self, key: str) -> Kept | None:
        """What is kept of a point; None where it was never finished, or its record or its result is damaged."""
        kept = self.row(key)
        if kept is not None and kept.status == "done" and self._raw_result(key) is None:
            return None
        return kept

    def row(self, key: str) -> Kept | None:
        """As `find`, without a look at the result."""
        for record in self.read("SELECT key, status, row, digest FROM points WHERE key = ?", (key,)):
            if _is_intact(record):
                return Kept(record[1], json.loads(record[2]))
        return None

    def result(self, key: str) -> dict[str, Any] | None:
        """The whole result of a point; None where it failed, is not kept or is damaged."""
        raw = self._raw_result(key)
        found: dict[str, Any] | None = None if raw is None else json.loads(zlib.decompress(raw))
        return found

    def _raw_result(self, key: str) -> bytes | None:
        for _key, result, digest in self.read("SELECT key, result, digest FROM results WHERE key = ?", (key,)):
            if isinstance(result, bytes) and _digest(key, result) == digest:
                return result
        return None

    def all(self) -> Iterator[tuple[str, Kept]]:
        """Every intact record with its key, in order of the keys, one at a time."""
        last = ""
        query = "SELECT key, status, row, digest FROM points WHERE key > ? ORDER BY key LIMIT ?"
        while piece := self.read(query, (last, PIECE)):
            for record in piece:
                if _is_intact(record):
                    yield record[0], Kept(record[1], json.loads(record[2]))
            last = piece[-1][0]

    # --- opening ---

    def _check_version(self, create: bool) -> None:
        self._database.execute("PRAGMA synchronous = EXTRA")
        if create and self._version() == (0, 0, 0):
            self._set_up()
        application, version, _tables = self._version()
        if application != APPLICATION_ID:
            raise TraceError("is not the store of a sweep", file=self.file, expected=f"a {STORE_NAME} of bitline sweep")
        if version != SCHEMA:
            age = "a newer" if version > SCHEMA else "an older"
            problem = f"has schema {version}, of {age} version of bitline"
            raise TraceError(problem, file=self.file, field="schema", expected=f"{SCHEMA}; or sweep into a new folder")

    def _version(self) -> tuple[int, int, int]:
        """Application, schema and number of tables."""
        questions = ("PRAGMA application_id", "PRAGMA user_version", "SELECT count(*) FROM sqlite_master")
        application, version, tables = (self._database.execute(text).fetchone()[0] for text in questions)
        return application, version, tables

    def _set_up(self) -> None:
        # All appears together: a killed start leaves an empty file, which is a fresh one.
        with self.transaction():
            # Another process may have been first while this one waited.
            if self._version() == (0, 0, 0):
                for statement in _TABLES:
                    self.write(statement)
                self.write(f"PRAGMA application_id = {APPLICATION_ID}")
                self.write(f"PRAGMA user_version = {SCHEMA}")

    def _unreadable(self, error: Exception) -> TraceError:
        return TraceError(f"cannot be read ({error})", file=self.file, expected="the store of a sweep")


@contextmanager
def open_store(folder: Path) -> Iterator[Store]:
    """The store of a folder, to write to; made where it is missing. Raises TraceError, OutputError."""
    store = Store(folder, create=True)
    try:
        yield store
    finally:
        store.close()


def _written(outcome: Outcome) -> tuple[str, bytes | None]:
    """An outcome's row and result as they are kept."""
    row = json.dumps(outcome.row, allow_nan=False)
    if outcome.result is None:
        return row, None
    return row, zlib.compress(json.dumps(outcome.result, allow_nan=False).encode())


def _digest(*parts: str | bytes) -> str:
    digest = sha256()
    for part in parts:
        raw = part.encode(errors="replace") if isinstance(part, str) else part
        digest.update(len(raw).to_bytes(8, "little") + raw)
    return digest.hexdigest()


def _is_intact(record: tuple[Any, ...]) -> bool:
    """Is a record what was written?"""
    *parts, digest = record
    return all(isinstance(part, str) for part in parts) and bool(_digest(*parts) == digest)
