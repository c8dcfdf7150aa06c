"""What a study would take, told before it is run: its size, one of its points, and a time scaled up from that point."""

from __future__ import annotations

import multiprocessing
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from typing import Any

from bitline.base.errors import BitlineError, SpecError
from bitline.sim.study.choose import make_asker, study_size
from bitline.sim.study.grid import MAX_COUNTED, Grid
from bitline.sim.study.point import Point
from bitline.sim.study.spec import StudySpec

# A point that takes longer is broken off: the time of the study is then said as a lower limit.
PATIENCE_S = 5.0


@dataclass(frozen=True)
class DryRun:
    """The size of a study (`exact`: not only a limit), its first point, and its time as far as one point tells it."""

    points: int
    exact: bool
    first: Point
    timed: Point
    """The point whose time was taken: one from the middle of a grid, else the first."""
    point_s: float | None
    """What it took, or the patience that was not enough; None where it failed."""
    within_patience: bool
    error: str | None
    jobs: int

    @property
    def expected_s(self) -> float | None:
        """Time of the study, were all points like the timed one; without the start of workers."""
        return None if self.point_s is None else self.point_s * self.points / self.jobs

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "points": self.points,
            "exact": self.exact,
            "expected_s": self.expected_s,
            "is_lower_limit": not self.within_patience,
            "jobs": self.jobs,
            "timed": {"command": self.timed.command(), "time_s": self.point_s, "error": self.error},
            "first": {"command": self.first.command(), **asdict(self.first)},
        }


def dry_run(study: StudySpec, jobs: int = 1, patience_s: float = PATIENCE_S) -> DryRun:
    """Size up a checked study: count its points and run one of them. Raises SpecError where it has none."""
    size = study_size(study)
    # A screen asks for no point before it has looked at all: its first point is that of the whole space.
    whole = study.model_copy(update={"screen": None})
    first = next(iter(make_asker(whole).ask()), None)
    if first is None:
        raise SpecError("the study has no points", expected="at least one")
    timed = first if study.draws else _middle(Grid(study), first)
    point_s, error = _time(timed, patience_s)
    within = error is not None or point_s is not None
    return DryRun(*size, first, timed, point_s if within else patience_s, within, error, jobs)


def _middle(grid: Grid, first: Point) -> Point:
    """The point in the middle of a grid; of a huge one with conditions, the first."""
    size = grid.count()
    if size.exact and grid.size == size.points:
        return grid.point(grid.size // 2)
    if grid.size > MAX_COUNTED:
        return first
    for number, index in enumerate(grid.indices()):
        if number == size.points // 2:
            return grid.point(index)
    return first


def _time(point: Point, patience_s: float) -> tuple[float | None, str | None]:
    """Seconds that a point takes, or its error; neither where patience ends. In a process, which can be ended."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(theirs, point), daemon=True)
    process.start()
    theirs.close()
    try:
        found: tuple[float | None, str | None] | None = ours.recv()
        if found is None:  # it has started: imports are done, documents are read
            found = ours.recv() if ours.poll(patience_s) else (None, None)
        return found
    except EOFError:
        return None, "its process died"
    finally:
        process.kill()
        process.join()
        ours.close()


def _run(pipe: Connection, point: Point) -> None:
    from time import perf_counter

    from bitline.sim.run.run import plan
    from bitline.sim.study.point_run import simulate

    try:
        plan(**{name: value for name, value in point.arguments().items() if name != "level"})
        pipe.send(None)
        start = perf_counter()
        simulate(point)
        pipe.send((perf_counter() - start, None))
    except BitlineError as error:
        pipe.send((None, str(error)))
