"""A sweep: runs what a folder does not hold yet, keeps each point as it ends, writes the table of all."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bitline.base.errors import InternalError
from bitline.base.files import make_folder, whole_file, write_atomically
from bitline.sim.study.asker import KeepsFiles
from bitline.sim.study.check import check_study
from bitline.sim.study.choose import make_asker, study_size
from bitline.sim.study.claims import open_claims
from bitline.sim.study.point import Row
from bitline.sim.study.point_run import Runner, simulate
from bitline.sim.study.resolve import PointKeys
from bitline.sim.study.rounds import Rounds, Watch
from bitline.sim.study.rows import RowFinish
from bitline.sim.study.spec import StudySpec
from bitline.sim.study.store import Store, open_store
from bitline.sim.study.table import csv_lines, flat, study_columns
from bitline.sim.study.workers.crew import Jobs, open_crew

TABLE_NAME = "table.csv"
STUDY_NAME = "study.yaml"


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
    jobs: Jobs = 1,
    scheduler: str | None = None,
    retry_failed: bool = False,
    watch: Watch | None = None,
) -> SweepSummary:
    """Run every point of a study that `folder` does not hold yet, and write its table.csv.

    `jobs`: worker processes, or `auto`; `scheduler`: the address of a Dask scheduler in their place. A failed point is
    kept with its error and does not stop the others. Killed at any moment, the same call goes on where it was. Several
    sweeps may work on one folder at once: they share the points. Raises SpecError for a study that cannot be,
    OutputError where the folder cannot be written.
    """
    check_study(study)
    asker = make_asker(study)
    with open_crew(runner, jobs, scheduler) as crew:
        folder = make_folder(folder)
        with open_store(folder) as store, open_claims(store) as claims:
            write_atomically(folder / STUDY_NAME, study_text(study).encode())
            if watch is not None:
                watch.start(study_size(study).points)
            rounds = Rounds(store, claims, PointKeys(), crew, watch, retry_failed=retry_failed)
            finish = RowFinish(study)
            try:
                while keys := rounds.finish(asker.ask()):
                    asker.tell(finished_rows(store, keys, finish))
            except KeyboardInterrupt:
                _write_table(study, finish, store, rounds.keys, folder)
                raise
            count = _write_table(study, finish, store, rounds.keys, folder)
            if isinstance(asker, KeepsFiles):
                asker.write(folder)
    if count.done + count.failed < len(rounds.keys):
        raise InternalError("points of the study were not run", file=folder)
    return SweepSummary(len(rounds.keys), rounds.ran, count.done, count.failed, count.first_error, str(folder))


def study_text(study: StudySpec) -> str:
    """The study as a YAML file that `load_study` reads."""
    # Values as JSON, which quotes all text: `1e3` stays text in every YAML reader.
    fields = study.model_dump(mode="json", by_alias=True).items()
    return "".join(f"{name}: {json.dumps(value, ensure_ascii=False)}\n" for name, value in fields)


def finished_rows(store: Store, keys: Iterable[str], finish: RowFinish) -> Iterator[Row]:
    """The rows of those points that ended, with what the study adds to them."""
    for key in keys:
        kept = store.row(key)
        if kept is not None:
            yield finish.row(flat(kept.row))


class _Count:
    """How the points that pass by ended."""

    def __init__(self) -> None:
        self.done = self.failed = 0
        self.first_error: str | None = None

    def through(self, rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            if row["status"] == "done":
                self.done += 1
            else:
                self.failed += 1
                self.first_error = self.first_error or row["error"]
            yield row


def _write_table(study: StudySpec, finish: RowFinish, store: Store, keys: Iterable[str], folder: Path) -> _Count:
    names = study_columns(study, finish.added)
    count = _Count()
    with whole_file(folder / TABLE_NAME) as stream:
        for line in csv_lines(count.through(finished_rows(store, keys, finish)), names):
            stream.write(line.encode())
    return count
