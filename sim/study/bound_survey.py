"""Every candidate of a study at the bound level, kept as arrays: its metrics, its objectives, is it feasible."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol

import numpy as np

from bitline.base.errors import SpecError
from bitline.sim.study.axes import WORKLOAD
from bitline.sim.study.bound_columns import MetricColumns, PointColumns, bound_columns
from bitline.sim.study.grid import Grid
from bitline.sim.study.pareto import Array, as_costs
from bitline.sim.study.point import Point, Row
from bitline.sim.study.rows import FEASIBLE, RowFinish
from bitline.sim.study.spec import StudySpec

AT_ONCE = 1 << 18
"""Points that are computed together: enough for large groups of alike ones, and some hundred MB."""
MOST = 1 << 22
WORKLOAD_NAMES = ("model", *WORKLOAD)


class Candidates(Protocol):
    """Points to choose from, by number."""

    def blocks(self) -> Iterator[tuple[Array, PointColumns]]:
        """All points: their numbers, rising, and their parameters."""

    def point(self, number: int) -> Point:
        """One of them."""


class GridCandidates:
    """The grid of a study."""

    def __init__(self, study: StudySpec) -> None:
        self.grid = Grid(study)
        if self.grid.size > MOST:
            problem = f"{self.grid.size:,} points are too many to look at each"
            raise SpecError(problem, field="screen", expected=f"at most {MOST:,}, or a sample of them")

    def blocks(self) -> Iterator[tuple[Array, PointColumns]]:
        """See Candidates."""
        for start in range(0, self.grid.size, AT_ONCE):
            stop = min(start + AT_ONCE, self.grid.size)
            inside = np.flatnonzero(self.grid.exists(start, stop))
            if len(inside):
                columns = self.grid.columns(start, stop)
                if len(inside) < stop - start:
                    columns = {name: [values[i] for i in inside.tolist()] for name, values in columns.items()}
                yield inside + start, PointColumns(len(inside), columns)

    def point(self, number: int) -> Point:
        """See Candidates."""
        return self.grid.point(number)


class ListedCandidates:
    """Points that were drawn or listed."""

    def __init__(self, points: Iterable[Point]) -> None:
        self.points = list(points)

    def blocks(self) -> Iterator[tuple[Array, PointColumns]]:
        """See Candidates."""
        left = iter(self.points)
        start = 0
        while some := list(islice(left, AT_ONCE)):
            yield np.arange(start, start + len(some)), PointColumns.of(some)
            start += len(some)

    def point(self, number: int) -> Point:
        """See Candidates."""
        return self.points[number]


@dataclass(frozen=True)
class Surveyed:
    """Some candidates at the bound level, one row each."""

    numbers: Array
    metrics: MetricColumns
    added: dict[str, Array]
    """Derived columns, and `feasible` where the study has constraints."""
    costs: Array
    workload: Array


class BoundSurvey:
    """The bound level over all candidates, one row each."""

    def __init__(self, study: StudySpec, candidates: Candidates) -> None:
        self.candidates = candidates
        self._finish = RowFinish(study)
        self._goals = study.objectives
        self._workloads: dict[tuple[Any, ...], int] = {}
        blocks = [self._survey(*block) for block in candidates.blocks()]
        if not blocks:
            raise SpecError("no point meets the conditions", field="conditions", expected="some points")
        self._blocks = blocks
        self._starts = np.cumsum([len(block.numbers) for block in blocks])
        self.in_columns = sum(block.metrics.in_columns for block in blocks)
        self.one_by_one = sum(block.metrics.one_by_one for block in blocks)
        self.numbers: Array = np.concatenate([block.numbers for block in blocks])
        """Of the candidates."""
        self.costs: Array = np.concatenate([block.costs for block in blocks])
        """[row, objective], less is better; NaN where a point failed."""
        self.workload: Array = np.concatenate([block.workload for block in blocks])
        """A number for each workload; designs compete within one."""
        self.done: Array = np.concatenate([block.metrics.done for block in blocks])
        self.feasible: Array = self.done & np.concatenate([_feasible(block) for block in blocks])
        """Done, and within every constraint."""

    def _survey(self, numbers: Array, points: PointColumns) -> Surveyed:
        metrics = bound_columns(points)
        columns = metrics.columns()
        added = self._finish.columns({**{name: points.cells(name) for name in points.names}, **columns})
        known = columns | added
        values = {name: np.broadcast_to(np.asarray(known[name], float), points.rows) for name in self._goals}
        costs = as_costs(values, self._goals)
        costs[~metrics.done] = np.nan
        workload: Array = np.zeros(points.rows, np.int64)
        for rows in points.groups([name for name in WORKLOAD_NAMES if name in points.names], np.arange(points.rows)):
            name = tuple(points.value(name, int(rows[0])) for name in WORKLOAD_NAMES)
            workload[rows] = self._workloads.setdefault(name, len(self._workloads))
        return Surveyed(numbers, metrics, added, costs, workload)

    def row(self, row: int) -> Row:
        """A candidate as a row of a table, with what the bound level says of it."""
        number = int(np.searchsorted(self._starts, row, side="right"))
        block = self._blocks[number]
        at = row - int(self._starts[number]) + len(block.numbers)
        point = self.candidates.point(int(self.numbers[row])).columns() | {"level": "bound"}
        if not self.done[row]:
            return point | {"status": "failed", "error": block.metrics.error(at)}
        numbers = {name: float(column[at]) for name, column in block.metrics.numbers.items()}
        added = {name: _plain(column[at]) for name, column in block.added.items()}
        limit = {"bottleneck": block.metrics.bottleneck(at)}
        return {**point, "status": "done", **numbers, **limit, **added}

    def first_error(self) -> str | None:
        """Why the first failed point failed."""
        failed = np.flatnonzero(~self.done)
        return self.row(int(failed[0]))["error"] if len(failed) else None


def _feasible(block: Surveyed) -> Array:
    return block.added.get(FEASIBLE, np.ones(len(block.numbers), bool))


def _plain(value: Any) -> Any:
    """A cell as a row holds it: None for what is missing."""
    plain = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(plain, float) and np.isnan(plain) else plain
