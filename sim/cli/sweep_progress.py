"""The bar of a sweep: points ended, rate, time left, best so far, failures. Drawn on a terminal only."""

from __future__ import annotations

import math
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

from bitline.sim.study.rows import RowFinish
from bitline.sim.study.spec import StudySpec
from bitline.sim.study.store import Kept, Outcome
from bitline.sim.study.table import flat


class Best:
    """The best value so far of a study's first objective, among the points that keep its constraints."""

    def __init__(self, study: StudySpec) -> None:
        self.column, self._goal = next(iter(study.objectives.items()))
        self._finish = RowFinish(study)
        self.value: float | None = None

    def see(self, row: Mapping[str, Any]) -> None:
        """Compare one more row of a done point."""
        finished = self._finish.row(flat(dict(row)))
        value = finished.get(self.column)
        if finished.get("feasible") is False or not isinstance(value, int | float) or not math.isfinite(value):
            return
        choose = min if self._goal == "min" else max
        self.value = value if self.value is None else choose(self.value, value)

    def __str__(self) -> str:
        return "" if self.value is None else f"best {self.column} {self.value:.4g}"


class Rate:
    """Points that ended a second, over the last of them, and the time that others will take."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._times: deque[float] = deque([clock()], maxlen=200)

    def count(self) -> None:
        """One more point ended."""
        self._times.append(self._clock())

    def text(self, left: int) -> str:
        """The rate, and the time for the points that are left."""
        taken = self._times[-1] - self._times[0]
        if len(self._times) < 2 or taken <= 0:
            return ""
        rate = (len(self._times) - 1) / taken
        seconds = int(left / rate)
        return f"{rate:.3g} points/s, {seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02} left"


class SweepBar:
    """A bar on stderr while a sweep runs; silent in a pipe. Use as a context, and as the sweep's watch."""

    def __init__(self, study: StudySpec) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        self._points = self._ended = self._failed = 0
        self._visible = sys.stderr.isatty()
        self._best, self._rate = Best(study), Rate()
        self._progress = Progress(
            TextColumn("sweep"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TextColumn("{task.fields[best]}"),
            TextColumn("{task.fields[failed]} failed"),
            console=Console(stderr=True),
            transient=True,
            disable=not self._visible,
        )
        self._task = self._progress.add_task("sweep", total=None, rate="", best="", failed=0)

    def __enter__(self) -> SweepBar:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def start(self, points: int) -> None:
        """Begin."""
        self._points = points
        self._progress.update(self._task, total=points)

    def kept(self, kept: Kept) -> None:
        """Count a point that was there: it says nothing of the rate."""
        self._count(kept)

    def end(self, outcome: Outcome) -> None:
        """Count one point."""
        self._rate.count()
        self._count(outcome)

    def _count(self, ended: Kept | Outcome) -> None:
        if not self._visible:
            return
        self._ended += 1
        if ended.status == "failed":
            self._failed += 1
        else:
            self._best.see(ended.row)
        rate = self._rate.text(self._points - self._ended)
        self._progress.update(self._task, completed=self._ended, failed=self._failed, rate=rate, best=str(self._best))
