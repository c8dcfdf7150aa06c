"""Points over worker processes. Only the parent writes; a worker that dies costs its point, not the sweep."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import islice
from multiprocessing import resource_tracker

from bitline.sim.study.point import Point
from bitline.sim.study.point_run import Runner, failed, run_point
from bitline.sim.study.store import Outcome

Work = tuple[str, Point]

# Libraries that would start a thread a core in every worker.
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
# Points handed out at a time: one in work and one waiting a worker, so that memory does not grow with the grid.
_AHEAD = 2


def run_in_turn(work: Iterable[Work], runner: Runner) -> Generator[Outcome, None, None]:
    """Outcomes one after another, in this process."""
    for key, point in work:
        yield run_point(runner, key, point)


def run_in_pool(work: Iterable[Work], runner: Runner, jobs: int) -> Generator[Outcome, None, None]:
    """Outcomes as they come in from `jobs` worker processes."""
    todo = iter(work)
    with _one_thread_a_worker():
        while True:
            lost: list[Work] = []
            yield from _until_broken(todo, runner, jobs, lost)
            if not lost:
                return
            # Any of the lost points may have killed the pool: each gets one of its own.
            for key, point in lost:
                again: list[Work] = []
                yield from _until_broken(iter([(key, point)]), runner, 1, again)
                if again:
                    yield failed(key, point, "the worker process died (killed, or out of memory)")


def _until_broken(todo: Iterator[Work], runner: Runner, jobs: int, lost: list[Work]) -> Iterator[Outcome]:
    """Outcomes until the work is done or a worker dies; `lost` takes what was under way then."""
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), initializer=_start_worker)
    under_way: dict[Future[Outcome], Work] = {}
    try:
        for work in islice(todo, _AHEAD * jobs):
            _submit(pool, runner, work, under_way, lost)
        while under_way:
            finished, _ = wait(under_way, return_when=FIRST_COMPLETED)
            for future in finished:
                work = under_way.pop(future)
                try:
                    outcome = future.result()
                except BrokenProcessPool:
                    lost.append(work)
                    continue
                yield outcome
                for new in [] if lost else islice(todo, 1):
                    _submit(pool, runner, new, under_way, lost)
        pool.shutdown()
    finally:
        # Reached early by an interrupt or a full disk: what is under way is not waited for.
        for worker in set(multiprocessing.active_children()) - others:
            worker.terminate()
        pool.shutdown(cancel_futures=True)


def _submit(
    pool: ProcessPoolExecutor, runner: Runner, work: Work, under_way: dict[Future[Outcome], Work], lost: list[Work]
) -> None:
    # Workers start here and inherit the mask: Ctrl-C goes to the parent alone, which ends them.
    resource_tracker.ensure_running()  # or its own start would take the mask away
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        under_way[pool.submit(run_point, runner, *work)] = work
    except BrokenProcessPool:
        lost.append(work)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


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
