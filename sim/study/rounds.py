"""A round of points brought to its end: what is kept is taken, what is missing is run, what others run is awaited."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import islice
from typing import Protocol

from bitline.sim.study.claims import Claims
from bitline.sim.study.point import Point
from bitline.sim.study.resolve import PointKeys
from bitline.sim.study.store import Kept, Outcome, Status, Store
from bitline.sim.study.workers.crew import Crew, Work

POLL_S = 0.2
# Claims are taken for so many points at once that a transaction is worth it, and few enough to share work with others.
CLAIM_S = 0.5
MOST_CLAIMS = 64


class Watch(Protocol):
    """Who wants to know how far a sweep is."""

    def start(self, points: int) -> None:
        """The sweep begins; it has, or has at most, so many points."""

    def kept(self, kept: Kept) -> None:
        """A point was finished before, or by another sweep."""

    def end(self, outcome: Outcome) -> None:
        """A point ended."""


class Rounds:
    """The rounds of one sweep. `keys`: of all points asked so far, in the order asked, each once."""

    def __init__(
        self,
        store: Store,
        claims: Claims,
        point_keys: PointKeys,
        crew: Crew,
        watch: Watch | None,
        *,
        retry_failed: bool,
    ) -> None:
        self.keys: dict[str, None] = {}
        self.ran = 0
        self._store, self._claims, self._crew, self._watch = store, claims, crew, watch
        self._point_keys = point_keys
        self._enough: tuple[Status, ...] = ("done",) if retry_failed else ("done", "failed")

    def finish(self, points: Iterable[Point]) -> list[str]:
        """Bring every point to its end. Returns their keys, in order.

        An interrupt leaves no point half-done, and `keys` with all points of the round.
        """
        order: list[str] = []
        others: list[Work] = []
        fresh = self._fresh(iter(points), order)
        try:
            self._run(self._missing(fresh, others))
            while others:
                todo, others = others, []
                self._run(self._missing(iter(todo), others))
                if len(others) == len(todo):
                    time.sleep(POLL_S)
        except KeyboardInterrupt:
            for _work in fresh:
                pass
            raise
        return order

    def _fresh(self, points: Iterator[Point], order: list[str]) -> Iterator[Work]:
        """Points that were not asked before."""
        for point in points:
            key = self._point_keys(point)
            order.append(key)
            if key not in self.keys:
                self.keys[key] = None
                yield key, point

    def _missing(self, works: Iterator[Work], others: list[Work]) -> Iterator[Work]:
        """Claims what is to be run, some at a time; `others` takes what another sweep is at."""
        unfinished = self._unfinished(works)
        count, since = 1, time.monotonic()
        while piece := list(islice(unfinished, count)):
            taken = self._claims.take((key for key, _ in piece), self._enough)
            for key, point in piece:
                if key in taken.ours:
                    yield key, point
                elif key in taken.others:
                    others.append((key, point))
                else:
                    self._tell_kept(key)
            now = time.monotonic()
            count = min(MOST_CLAIMS, 2 * count) if now - since < CLAIM_S else max(1, count // 2)
            since = now

    def _unfinished(self, works: Iterator[Work]) -> Iterator[Work]:
        for key, point in works:
            kept = self._store.find(key)
            if kept is None or kept.status not in self._enough:
                yield key, point
            elif self._watch is not None:
                self._watch.kept(kept)

    def _tell_kept(self, key: str) -> None:
        kept = self._store.row(key)
        if kept is not None and self._watch is not None:
            self._watch.kept(kept)

    def _run(self, works: Iterator[Work]) -> None:
        with closing(self._crew(works)) as crew:
            for outcomes in crew:
                self._store.put(outcomes)
                self.ran += len(outcomes)
                if self._watch is not None:
                    for outcome in outcomes:
                        self._watch.end(outcome)
