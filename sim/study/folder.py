"""A sweep: runs what a folder does not hold yet, keeps each point as it ends, writes the table of all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from bitline.base.errors import InternalError
from bitline.base.files import make_folder, whole_file, write_atomically
from bitline.sim.study.check import check_study
from bitline.sim.study.grid import grid_points, grid_size
from bitline.sim.study.point_run import Runner, simulate
from bitline.sim.study.pool import Work, run_in_pool, run_in_turn
from bitline.sim.study.resolve import PointKeys
from bitline.sim.study.spec import StudySpec
from bitline.sim.study.store import Status, Store, open_store
from bitline.sim.study.table import Row, columns, csv_lines, flat

TABLE_NAME = "table.csv"
STUDY_NAME = "study.yaml"


class Watch(Protocol):
    """Who wants to know how far a sweep is."""

    def start(self, points: int, kept: int, failed: int) -> None:
        """The sweep begins; `kept` points are finished already, `failed` of them failed."""

    def end(self, status: Status) -> None:
        """One more point ended."""


@dataclass(frozen=True)
class SweepSummary:
    """What a folder holds of a study. `ran` counts the points of this sweep, the others were there before."""

    points: int
    ran: int
    done: int
    failed: int
    first_error: str | None
    folder: str

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def sweep(
    study: StudySpec,
    folder: str | Path,
    *,
    runner: Runner = simulate,
    jobs: int = 1,
    retry_failed: bool = False,
    watch: Watch | None = None,
) -> SweepSummary:
    """Run every point of a study that `folder` does not hold yet, over `jobs` processes, and write its table.csv.

    A failed point is kept with its error and does not stop the others. Killed at any moment, the same call goes on
    where it was. Raises SpecError for a study that cannot be, OutputError where the folder cannot be written.
    """
    check_study(study)
    folder = make_folder(folder)
    with open_store(folder) as store:
        write_atomically(folder / STUDY_NAME, study_text(study).encode())
        keys = PointKeys()
        before = count_kept(study, store, keys)
        if watch is not None:
            retried = before.failed if retry_failed else 0
            watch.start(before.points, before.done + before.failed - retried, before.failed - retried)
        work = _missing(study, store, keys, retry_failed)
        outcomes = run_in_turn(work, runner) if jobs == 1 else run_in_pool(work, runner, jobs)
        ran = 0
        try:
            with closing(outcomes):
                for outcome in outcomes:
                    store.put(outcome)
                    ran += 1
                    if watch is not None:
                        watch.end(outcome.status)
        except KeyboardInterrupt:
            _write_table(study, store, keys, folder)
            raise
        _write_table(study, store, keys, folder)
        after = count_kept(study, store, keys)
        if after.done + after.failed < after.points:
            raise InternalError("points of the grid were not run", file=folder)
        return SweepSummary(after.points, ran, after.done, after.failed, after.first_error, str(folder))


def study_text(study: StudySpec) -> str:
    """The study as a YAML file that `load_study` reads."""
    # Values as JSON, which quotes all text: `1e3` stays text in every YAML reader.
    fields = study.model_dump(mode="json", by_alias=True).items()
    return "".join(f"{name}: {json.dumps(value, ensure_ascii=False)}\n" for name, value in fields)


def count_kept(study: StudySpec, store: Store, keys: PointKeys) -> SweepSummary:
    """What the store holds of a study, before any of it runs."""
    count: dict[Status, int] = {"done": 0, "failed": 0}
    first_error = None
    for point in grid_points(study):
        kept = store.find(keys(point))
        if kept is not None:
            count[kept.status] += 1
            if first_error is None and kept.status == "failed":
                first_error = kept.row["error"]
    return SweepSummary(grid_size(study), 0, count["done"], count["failed"], first_error, str(store.file.parent))


def _missing(study: StudySpec, store: Store, keys: PointKeys, retry_failed: bool) -> Iterator[Work]:
    for point in grid_points(study):
        key = keys(point)
        kept = store.find(key)
        if kept is None or (retry_failed and kept.status == "failed"):
            yield key, point


def _write_table(study: StudySpec, store: Store, keys: PointKeys, folder: Path) -> None:
    names = columns(study.setting_paths)
    with whole_file(folder / TABLE_NAME) as stream:
        for line in csv_lines(_rows(study, store, keys), names):
            stream.write(line.encode())


def _rows(study: StudySpec, store: Store, keys: PointKeys) -> Iterator[Row]:
    for point in grid_points(study):
        kept = store.find(keys(point))
        if kept is not None:
            yield flat(kept.row)
