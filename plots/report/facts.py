"""What a report says of a study, found in its rows: best points, fronts, what matters, what failed and why."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from bitline.plots.report.effects import Effects, main_effects
from bitline.sim.study.pareto import as_costs, on_front
from bitline.sim.study.record import StudyRecord

Values = tuple[Any, ...]


@dataclass(frozen=True)
class Failures:
    """Points that failed for one reason; reasons that differ in their numbers only count as one."""

    example: str
    count: int


@dataclass(frozen=True)
class BestDesign:
    """The design that is best over all workloads, by the geometric mean of how far it is from the best of each."""

    values: Values
    mean_ratio: float
    worst_ratio: float


class Facts:
    """Facts of one study. Rows are meant by their place in the table, from 0."""

    def __init__(self, record: StudyRecord) -> None:
        self.record = record
        self.objective, self.goal = next(iter(record.study.objectives.items()))
        rows = record.rows
        self.done = [i for i, row in enumerate(rows) if row["status"] == "done"]
        self.failed = [i for i, row in enumerate(rows) if row["status"] != "done"]
        self.infeasible = {i for i in self.done if rows[i].get("feasible") is False}
        self.candidates = [i for i in self.done if i not in self.infeasible and _number(rows[i].get(self.objective))]

    @cached_property
    def workloads(self) -> list[Values]:
        """The distinct workloads, in the order of their first rows."""
        return list(dict.fromkeys(self.workload_of(i) for i in range(len(self.record.rows))))

    def workload_of(self, index: int) -> Values:
        """The values of the workload's parameters."""
        return tuple(self.record.rows[index].get(name) for name in self.record.workload_names)

    def design_of(self, index: int) -> Values:
        """The values of the design's parameters."""
        return tuple(self.record.rows[index].get(name) for name in self.record.design_names)

    def varying(self, names: list[str]) -> list[str]:
        """Those of the parameters in which the points differ."""
        return [name for name in names if name in self._varying]

    @cached_property
    def _varying(self) -> set[str]:
        # A point that failed says nothing of a policy that its system would have chosen.
        rows = self.record.rows
        said = {name: {str(row[name]) for row in rows if row[name] is not None} for name in self.record.parameters}
        for row in (rows[i] for i in self.done):
            for name, values in said.items():
                values.add(str(row[name]))
        return {name for name, values in said.items() if len(values) > 1}

    def value(self, index: int) -> float:
        """The first objective of a row."""
        return float(self.record.rows[index][self.objective])

    @cached_property
    def best(self) -> dict[Values, int]:
        """The best feasible row of each workload that has one; of equals, the first."""
        sign = 1 if self.goal == "min" else -1
        found: dict[Values, int] = {}
        for i in sorted(self.candidates, key=lambda i: (sign * self.value(i), i)):
            found.setdefault(self.workload_of(i), i)
        return {workload: found[workload] for workload in self.workloads if workload in found}

    @cached_property
    def front(self) -> list[int]:
        """The feasible rows that no other of their workload beats in all objectives."""
        goals = self.record.study.objectives
        groups: dict[Values, list[int]] = {}
        for i in self.candidates:
            groups.setdefault(self.workload_of(i), []).append(i)
        found: list[int] = []
        for group in groups.values():
            columns = {name: [self.record.rows[i].get(name) for i in group] for name in goals}
            kept = on_front(as_costs(columns, goals))
            found += [i for i, is_on in zip(group, kept) if is_on]
        return sorted(found)

    @cached_property
    def best_design(self) -> BestDesign | None:
        """The best over several workloads; None where there is one workload, or no design that finished in all."""
        if len(self.best) < 2 or any(self.value(i) <= 0 for i in self.candidates):
            return None
        ratios: dict[Values, list[float]] = {}
        for i in self.candidates:
            ratio = self.value(i) / self.value(self.best[self.workload_of(i)])
            ratios.setdefault(self.design_of(i), []).append(ratio if self.goal == "min" else 1 / ratio)
        whole = {design: of for design, of in ratios.items() if len(of) == len(self.best)}
        if len(ratios) < 2 or not whole:
            return None
        means = {design: math.exp(sum(map(math.log, of)) / len(of)) for design, of in whole.items()}
        design = min(means, key=lambda design: means[design])
        return BestDesign(design, means[design], max(whole[design]))

    @property
    def star(self) -> int | None:
        """The row that stands for the study's answer: the best design under its hardest workload, or the best point."""
        if self.best_design is not None:
            own = [i for i in self.candidates if self.design_of(i) == self.best_design.values]
            sign = 1 if self.goal == "min" else -1
            return max(own, key=lambda i: (sign * self.value(i), -i))
        return next(iter(self.best.values()), None)

    @cached_property
    def effects(self) -> Effects:
        """What each parameter that varies does to the first objective, over all points that finished."""
        rows = [self.record.rows[i] for i in self.done if _number(self.record.rows[i].get(self.objective))]
        columns = {name: [_plain(row[name]) for row in rows] for name in self.varying(self.record.parameters)}
        return main_effects(columns, [float(row[self.objective]) for row in rows])

    @cached_property
    def failures(self) -> list[Failures]:
        """Why points failed, the most frequent reason first."""
        errors = [str(self.record.rows[i].get("error") or "no reason kept") for i in self.failed]
        alike = Counter(_without_numbers(error) for error in errors)
        example: dict[str, str] = {}
        for error in errors:
            example.setdefault(_without_numbers(error), error)
        return [Failures(example[kind], count) for kind, count in alike.most_common()]

    @cached_property
    def shown(self) -> list[int]:
        """All rows, in the order in which they are kept where not all fit: fronts, the best, failures last."""
        first = dict.fromkeys([*self.front, *self.best.values()])
        sign = 1 if self.goal == "min" else -1
        rest = sorted(self.candidates, key=lambda i: (sign * self.value(i), i))
        return list(dict.fromkeys([*first, *rest, *self.done, *self.failed]))


def bottleneck_shares(result: dict[str, Any]) -> dict[str, float]:
    """The part of a run's time that passes in operators held back by each unit, the largest first."""
    total_s = float(np.sum([operator["time_s"] for operator in result["operators"]])) or 1.0
    shares: dict[str, float] = {}
    for operator in result["operators"]:
        shares[operator["bottleneck"]] = shares.get(operator["bottleneck"], 0.0) + operator["time_s"] / total_s
    return dict(sorted(shares.items(), key=lambda item: (-item[1], item[0])))


def _without_numbers(text: str) -> str:
    return re.sub(r"[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?", "#", text)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _plain(value: Any) -> Any:
    return value if _number(value) or isinstance(value, str) else str(value)
