"""The bar of a sweep: points ended, rate, time left, failures. Drawn on a terminal only."""

from __future__ import annotations

import sys
from types import TracebackType

from bitline.sim.study.store import Status


class SweepBar:
    """A bar on stderr while a sweep runs; silent in a pipe. Use as a context, and as the sweep's watch."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._failed = 0
        self._progress = Progress(
            TextColumn("sweep"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[failed]} failed"),
            console=Console(stderr=True),
            transient=True,
            disable=not sys.stderr.isatty(),
        )
        self._task = self._progress.add_task("sweep", total=None, rate="", failed=0)

    def __enter__(self) -> SweepBar:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def start(self, points: int, kept: int, failed: int) -> None:
        """Begin where an earlier sweep ended."""
        self._failed = failed
        self._progress.update(self._task, total=points, completed=kept, failed=failed)

    def end(self, status: Status) -> None:
        """Count one point."""
        self._failed += status == "failed"
        self._progress.update(self._task, advance=1, failed=self._failed, rate=self._rate())

    def _rate(self) -> str:
        speed = self._progress.tasks[0].speed
        return f"{speed:.3g} points/s" if speed else ""
