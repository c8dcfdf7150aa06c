"""A search: designs in rounds of one size, each round chosen after the rows of those before.

The rounds depend on the study and on the rows alone: a round is asked whole before any of it is told, and told in the
order asked. A design is run once, whoever asks for it again. Its score is the mean of its rows, one for each workload.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from bitline.base.errors import SpecError
from bitline.sim.study.designs import Designs, identity
from bitline.sim.study.point import Point, Row
from bitline.sim.study.rows import RowFinish
from bitline.sim.study.spec import StudySpec

# Rounds in a row without a new design, after which a search has nothing left to try.
STALE_ROUNDS = 50
# The violation of a design that failed or that no condition lets exist: beyond any measured one.
NEVER = 1e6

Design = tuple[Any, ...]


@dataclass(frozen=True)
class Score:
    """What came of a design: objectives, all to be made small (None: it has none), and how far it is from feasible."""

    values: tuple[float, ...] | None
    violation: float


class Optimizer(Protocol):
    """A method of search over a space of designs."""

    def ask(self, count: int) -> list[Design]:
        """So many designs to try next; fewer or none ends the search."""

    def tell(self, scores: list[Score]) -> None:
        """The scores of the designs asked for last, in their order."""


class SearchAsker:
    """Rounds of a search, for `Asker`."""

    def __init__(self, study: StudySpec, designs: Designs, optimizer: Optimizer) -> None:
        assert study.search is not None
        self._search, self._designs, self._optimizer = study.search, designs, optimizer
        self._finish = RowFinish(study)
        self._signs = {name: 1.0 if goal == "min" else -1.0 for name, goal in study.objectives.items()}
        self._known: dict[str, Score] = {}
        self._asked: list[Design] = []
        self._running: list[tuple[str, int]] = []
        """Designs of the round that run, with the number of their points."""

    def ask(self) -> list[Point]:
        """The points of the next round's new designs; none when the search has ended."""
        for _ in range(STALE_ROUNDS):
            if len(self._known) == self._designs.count:
                return []  # nothing is left to try
            left = self._search.evaluations - len(self._known)
            self._asked = self._optimizer.ask(self._search.round) if left > 0 else []
            if not self._asked:
                return []
            points = self._points(left)
            if points:
                return points
            self._tell_optimizer()
        return []

    def tell(self, rows: Iterable[Row]) -> None:
        """Score the round's designs by their rows."""
        # Rows may come with their derived columns or without.
        finished = iter([self._finish.row(row) for row in rows])
        for name, count in self._running:
            self._known[name] = self._score([next(finished) for _ in range(count)])
        self._tell_optimizer()

    def _points(self, left: int) -> list[Point]:
        """Points of the new designs of the round, of at most `left` designs."""
        self._running, points = [], []
        for design in self._asked:
            name = identity(design)
            if name in self._known or any(name == running for running, _ in self._running):
                continue
            found = self._designs.points(design)
            if not found:
                self._known[name] = Score(None, NEVER)
            elif len(self._running) < left:
                self._running.append((name, len(found)))
                points += found
        return points

    def _tell_optimizer(self) -> None:
        # A design beyond the number asked for was not run; the search ends with this round.
        self._optimizer.tell([self._known.get(identity(design), Score(None, NEVER)) for design in self._asked])

    def _score(self, rows: list[Row]) -> Score:
        if any(row["status"] != "done" for row in rows):
            return Score(None, NEVER)
        values = []
        for name, sign in self._signs.items():
            found = [row.get(name) for row in rows]
            if not all(isinstance(value, int | float) and math.isfinite(value) for value in found):
                return Score(None, NEVER)
            values.append(sign * math.fsum(float(value) for value in found if value is not None) / len(found))
        return Score(tuple(values), math.fsum(self._finish.violation(row) for row in rows) / len(rows))


class Worst:
    """The worst of each objective so far: what a design is told that has none, so that it ranks behind."""

    def __init__(self, objectives: int) -> None:
        self._values = [0.0] * objectives

    def values(self, score: Score) -> tuple[float, ...]:
        """The score's values, or the worst so far."""
        if score.values is None:
            return tuple(self._values)
        self._values = [max(pair) for pair in zip(self._values, score.values)]
        return score.values


def make_search(study: StudySpec) -> SearchAsker:
    """The search of a study from its first round on. Raises SpecError, MissingExtraError."""
    assert study.search is not None
    designs = Designs(study)
    if not designs.dimensions:
        raise SpecError("nothing is free: every parameter has one value", field="search", expected="settings to choose")
    method, objectives = study.search.method, len(study.objectives)
    optimizer: Optimizer
    if method in ("nsga2", "nsga3"):
        from bitline.sim.study.pymoo_search import PymooSearch

        optimizer = PymooSearch(designs, study.search, objectives)
    elif method == "random":
        from bitline.sim.study.random_search import RandomSearch

        optimizer = RandomSearch(designs, study.search)
    else:
        from bitline.sim.study.optuna_search import OptunaSearch

        optimizer = OptunaSearch(designs, study.search, objectives)
    return SearchAsker(study, designs, optimizer)
