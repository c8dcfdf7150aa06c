"""The ways to run points: each takes work and gives outcomes as they end."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import Literal

from bitline.sim.study.point import Point
from bitline.sim.study.point_run import Runner, run_point
from bitline.sim.study.store import Outcome

Work = tuple[str, Point]
"""A key and its point."""

Crew = Callable[[Iterable[Work]], Generator[list[Outcome], None, None]]
"""Draws work as it has room for it, and gives what ended since it was asked last; closing it breaks off the rest."""

Jobs = int | Literal["auto"]


@contextmanager
def open_crew(runner: Runner, jobs: Jobs, scheduler: str | None) -> Iterator[Crew]:
    """A crew of a cluster where a scheduler's address is given, else of this machine. Raises SpecError.

    `jobs`: 1 is this process itself; `auto` as many processes as there are cores, and room in memory.
    """
    if scheduler is not None:
        from bitline.sim.study.workers.cluster import ClusterCrew

        with ClusterCrew(runner, scheduler) as cluster:
            yield cluster
    elif jobs == 1:
        yield lambda work: _in_turn(work, runner)
    else:
        from bitline.sim.study.workers.local import LocalCrew

        with LocalCrew(runner, jobs) as local:
            yield local


def _in_turn(work: Iterable[Work], runner: Runner) -> Generator[list[Outcome], None, None]:
    """Outcomes one after another, in this process."""
    for key, point in work:
        yield [run_point(runner, key, point)]
