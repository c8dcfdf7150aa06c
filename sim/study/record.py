"""What the folder of a study holds, as plain data: for its report, and for whoever reads studies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bitline.base.errors import TraceError
from bitline.sim.study.folder import STUDY_NAME, TABLE_NAME
from bitline.sim.study.point import METRICS, Row
from bitline.sim.study.screen import SCREEN_REPORT, SCREEN_TABLE
from bitline.sim.study.spec import StudySpec, load_study
from bitline.sim.study.store import STORE_NAME, Store
from bitline.sim.study.table import flat, read_table
from bitline.traces.strict_json import read_json

WORKLOAD = ("model", "phase", "batch", "context", "prompt", "tokens", "lengths", "seed")
"""What is asked of a design. All other parameters make the design."""

MAX_SCREEN_BYTES = 1 << 24


@dataclass(frozen=True)
class StudyRecord:
    """A study and what became of its points, by row of its table."""

    folder: str
    """Its name."""
    study: StudySpec
    rows: list[Row]
    keys: list[str | None]
    """Under which the store keeps each row's result; None where it does not."""
    bound_rows: list[Row]
    """The bound level of points that a screen looked at, where there was one."""
    screen: dict[str, Any] | None
    """What the screen said of itself (screen.py), where there was one."""
    result_of: Callable[[str], dict[str, Any] | None]
    """The whole result of a key."""

    @property
    def parameters(self) -> list[str]:
        """The columns that say what was run."""
        names = list(self.rows[0]) if self.rows else []
        return names[: names.index("status")] if "status" in names else []

    @property
    def workload_names(self) -> list[str]:
        """The parameters that say what a design was asked to do."""
        return [name for name in self.parameters if name in WORKLOAD]

    @property
    def design_names(self) -> list[str]:
        """The parameters that make a design."""
        return [name for name in self.parameters if name not in WORKLOAD]


@contextmanager
def open_record(folder: str | Path) -> Iterator[StudyRecord]:
    """The record of a study's folder; its results can be read until the block ends. Raises SpecError, TraceError."""
    folder = Path(folder)
    for name in (STUDY_NAME, TABLE_NAME):
        if not (folder / name).is_file():
            raise TraceError(f"holds no {name}", file=folder, expected="the folder of a finished `bitline sweep`")
    study = load_study(folder / STUDY_NAME)
    rows = read_table(folder / TABLE_NAME)
    if not rows:
        raise TraceError("holds no points", file=folder / TABLE_NAME, expected="a sweep with finished points")
    store = Store(folder, create=False) if (folder / STORE_NAME).is_file() else None
    try:
        yield StudyRecord(
            folder=folder.resolve().name,
            study=study,
            rows=rows,
            keys=_keys(rows, store) if store else [None for _ in rows],
            bound_rows=read_table(folder / SCREEN_TABLE) if (folder / SCREEN_TABLE).is_file() else [],
            screen=_screen(folder / SCREEN_REPORT),
            result_of=store.result if store else lambda _key: None,
        )
    finally:
        if store is not None:
            store.close()


def _screen(file: Path) -> dict[str, Any] | None:
    if not file.is_file():
        return None
    found = read_json(file, MAX_SCREEN_BYTES, TraceError)
    try:
        quality = found["quality"]
        numbers = [found[name] for name in ("points", "kept", "checked")]
        numbers += [measures["spearman"] or 0.0 for measures in quality["objectives"].values()]
        numbers.append(quality["front_recall"] or 0.0)
    except (KeyError, TypeError, AttributeError):
        raise TraceError("is not the report of a screen", file=file, expected="the file of `bitline sweep`") from None
    if not all(isinstance(number, int | float) for number in numbers):
        raise TraceError("holds no numbers where they belong", file=file, expected="the file of `bitline sweep`")
    return dict(found)


def _keys(rows: list[Row], store: Store) -> list[str | None]:
    """The key of each row, found by what was run and what came out: both are in the row and in the store."""
    names = list(rows[0])
    compared = {*names[: names.index("status")], "status", *METRICS}
    known = {_mark(flat(kept.row), compared): key for key, kept in store.all()}
    return [known.get(_mark(row, compared)) for row in rows]


def _mark(row: Row, names: set[str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, str(value)) for name, value in row.items() if name in names and value is not None))
