"""Points over the workers of a Dask cluster, wherever they are. Only this process writes the store.

Dask's scheduler runs a point again whose worker died. Workers have to have the same code as this process, and reach
the users' own files by the same names.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Generator, Iterable, Iterator
from typing import Any

from bitline.base.errors import BitlineError, MissingExtraError, SpecError
from bitline.sim.run.run import code_hash
from bitline.sim.study.point import Point
from bitline.sim.study.point_run import Runner, failed, run_point
from bitline.sim.study.store import Outcome
from bitline.sim.study.workers.crew import Work
from bitline.sim.study.workers.local import WORKER_DIED

OPTION = "--scheduler"
CONNECT_S = 10
# Workers come and go: how often they are counted.
COUNT_S = 5.0
# Points handed out at a time for each thread of the cluster: one in work and one waiting.
_AHEAD = 2
# Handed out while no worker has come yet.
_FIRST = 8


class ClusterCrew:
    """The workers of the scheduler at an address. Use as a context. Raises SpecError where none answers in seconds."""

    def __init__(self, runner: Runner, address: str) -> None:
        try:
            from distributed import Client
        except ImportError:
            raise MissingExtraError("dask.distributed", "cluster", OPTION) from None
        # It logs each try to connect; the end of them is told below.
        logging.getLogger("distributed").setLevel(logging.CRITICAL)
        try:
            self._client = Client(address, timeout=CONNECT_S, set_as_default=False)
        except (OSError, ValueError, TypeError, ImportError) as error:
            problem = f"no scheduler at '{address}' ({' '.join(str(error).split())[:100]})"
            expected = "the address of a dask scheduler, such as tcp://host:8786"
            raise SpecError(problem, file=OPTION, expected=expected) from None
        self._runner = runner
        self._address = address
        self._room, self._counted = _FIRST, -COUNT_S

    def __enter__(self) -> ClusterCrew:
        return self

    def __exit__(self, *_error: object) -> None:
        self._client.close()

    def __call__(self, work: Iterable[Work]) -> Generator[list[Outcome], None, None]:
        """Outcomes as they come in."""
        from distributed import as_completed

        todo = iter(work)
        under_way: dict[Any, Work] = {}
        ended = as_completed(loop=self._client.loop)
        try:
            self._hand_out(todo, under_way, ended)
            while under_way:
                futures = [next(ended), *ended.next_batch(block=False)]
                yield [self._outcome(future, *under_way.pop(future)) for future in futures]
                self._hand_out(todo, under_way, ended)
        finally:
            self._client.cancel(list(under_way), force=True)

    def _hand_out(self, todo: Iterator[Work], under_way: dict[Any, Work], ended: Any) -> None:
        now = time.monotonic()
        if now - self._counted > COUNT_S:
            self._counted = now
            self._room = max(_FIRST, _AHEAD * sum(self._client.nthreads().values()))
        while len(under_way) < self._room:
            work = next(todo, None)
            if work is None:
                return
            # Not `pure`: an equal point of another sweep is no reason to leave this one's out.
            future = self._client.submit(_run, self._runner, *work, code_hash(), pure=False)
            under_way[future] = work
            ended.add(future)

    def _outcome(self, future: Any, key: str, point: Point) -> Outcome:
        if future.status == "finished":
            outcome: Outcome = future.result()
            return outcome
        error = future.exception() if future.status == "error" else None
        if isinstance(error, BitlineError):
            raise error
        if type(error).__name__ == "KilledWorker":
            return failed(key, point, WORKER_DIED)
        problem = (
            f"the scheduler at '{self._address}' is gone" if error is None else f"a worker failed ({error!r:.150})"
        )
        raise SpecError(problem, file=OPTION, expected="finished points are kept, the same command goes on")


def _run(runner: Runner, key: str, point: Point, code: str) -> Outcome:
    """On a worker. Raises SpecError where it has another version of the simulator."""
    if code_hash() != code:
        raise SpecError("a worker has another version of bitline", file=OPTION, expected="one version everywhere")
    return run_point(runner, key, point)
