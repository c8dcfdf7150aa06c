"""Points over worker processes of this machine. A worker that dies costs its point, not the sweep."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import resource_tracker

from bitline.sim.study.point import Point
from bitline.sim.study.point_run import Runner, failed, run_point
from bitline.sim.study.store import Outcome
from bitline.sim.study.workers.crew import Jobs, Work
from bitline.sim.study.workers.machine import available_bytes, cores, peak_bytes, workers_that_fit

WORKER_DIED = "the worker process died (killed, or out of memory)"

# Libraries that would start a thread a core in every worker.
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
# Points handed out at a time: one in work and one waiting a worker, so that memory does not grow with the grid.
_AHEAD = 2

Ended = tuple[Outcome, int]
"""An outcome, and the most memory in bytes that its worker ever took."""


class LocalCrew:
    """Worker processes, kept from round to round. Use as a context."""

    def __init__(self, runner: Runner, jobs: Jobs) -> None:
        self._runner = runner
        self._most = cores() if jobs == "auto" else jobs
        # With `auto`, one worker's first point says how much memory each will need.
        self._measured = jobs != "auto"
        self._jobs = self._most if self._measured else 1
        self._others = set(multiprocessing.active_children())
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> LocalCrew:
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop()

    def __call__(self, work: Iterable[Work]) -> Generator[list[Outcome], None, None]:
        """Outcomes as they come in."""
        todo = iter(work)
        ended = False
        try:
            while True:
                lost: list[Work] = []
                yield from self._until_broken(todo, lost)
                if not lost:
                    ended = True
                    return
                self._stop()
                # Any of the lost points may have killed the pool: each gets one of its own.
                for key, point in lost:
                    again: list[Work] = []
                    yield from self._until_broken(iter([(key, point)]), again)
                    if again:
                        self._stop()
                        yield [failed(key, point, WORKER_DIED)]
        finally:
            if not ended:
                self._stop()

    def _until_broken(self, todo: Iterator[Work], lost: list[Work]) -> Iterator[list[Outcome]]:
        """Outcomes until the work is done or a worker dies; `lost` takes what was under way then."""
        under_way: dict[Future[Ended], Work] = {}
        more = True
        while more or under_way:
            while more and not lost and len(under_way) < self._room():
                work = next(todo, None)
                if work is None:
                    more = False
                else:
                    self._submit(work, under_way, lost)
            if lost:
                more = False
            if not under_way:
                return
            outcomes = []
            for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                work = under_way.pop(future)
                try:
                    outcome, peak = future.result()
                except BrokenProcessPool:
                    lost.append(work)
                    continue
                self._learn(peak)
                outcomes.append(outcome)
            if outcomes:
                yield outcomes

    def _room(self) -> int:
        return _AHEAD * self._jobs if self._measured else 1

    def _learn(self, peak: int) -> None:
        """How many workers fit, from what the first one took."""
        if self._measured:
            return
        self._measured = True
        free = available_bytes()
        self._jobs = workers_that_fit(self._most, peak, free)
        if self._jobs < self._most and free is not None:
            print(
                f"bitline: {self._jobs} of {self._most} workers: each takes {peak >> 20:,} MiB, "
                f"{free >> 20:,} MiB are free",
                file=sys.stderr,
            )

    def _submit(self, work: Work, under_way: dict[Future[Ended], Work], lost: list[Work]) -> None:
        with _one_thread_a_worker():
            if self._pool is None:
                # Its processes start one by one, as work comes for which none is idle.
                self._pool = ProcessPoolExecutor(
                    self._most, multiprocessing.get_context("spawn"), initializer=_start_worker
                )
            # Workers start here and inherit the mask: Ctrl-C goes to the parent alone, which ends them.
            resource_tracker.ensure_running()  # or its own start would take the mask away
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
            try:
                under_way[self._pool.submit(_run, self._runner, *work)] = work
            except BrokenProcessPool:
                lost.append(work)
            finally:
                signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})

    def _stop(self) -> None:
        """End the workers. What is under way, after an interrupt or a full disk, is not waited for."""
        if self._pool is not None:
            pool, self._pool = self._pool, None
            for worker in set(multiprocessing.active_children()) - self._others:
                worker.terminate()
            pool.shutdown(cancel_futures=True)


def _run(runner: Runner, key: str, point: Point) -> Ended:
    return run_point(runner, key, point), peak_bytes()


def _start_worker() -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A worker of a parent that was killed would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


@contextmanager
def _one_thread_a_worker() -> Iterator[None]:
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
