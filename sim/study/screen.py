"""A screen: the bound level over all points of a study, then the cycle level on those on or near the front.

Designs compete within a workload. Kept are the feasible points that are at most `margin` behind the front of their
workload (pareto.py), the nearest first, at most `keep` in all; among equals a draw decides. `check` others are drawn
from the feasible ones that were not kept and simulated too: they say how well the bound ranked (screen_quality.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from bitline.arch.systems.system import load_system
from bitline.base.errors import SpecError
from bitline.base.files import whole_file, write_atomically
from bitline.sim.study.bound_survey import BoundSurvey, Candidates, GridCandidates, ListedCandidates
from bitline.sim.study.pareto import Array, as_costs, beyond_front, on_front
from bitline.sim.study.point import METRICS, PARAMETERS, Point, Row
from bitline.sim.study.rows import FEASIBLE, RowFinish
from bitline.sim.study.screen_quality import Simulated, screen_quality
from bitline.sim.study.spec import Screen, StudySpec
from bitline.sim.study.table import csv_lines

SCREEN_TABLE = "screen.csv"
SCREEN_REPORT = "screen.json"
MOST_LISTED = 50_000
"""Rows of the table: of more points those that were simulated or are on the front, and a draw of the others."""


class ScreenAsker:
    """Asks for one round: what the bound level leaves, and the random others."""

    def __init__(self, study: StudySpec, points: Iterable[Point] | None = None) -> None:
        """`points`: to choose from, by default the grid. Raises SpecError where nothing can be screened."""
        if study.screen is None or study.level != "cycle":
            raise SpecError("a screen leads to level cycle", field="level", expected="cycle")
        for name in study.systems:
            if load_system(name).processor is not None:
                problem = f"system '{name}' is known by its peaks alone: there is no cycle level to screen for"
                raise SpecError(problem, field="system", expected="level: bound, without a screen")
        self.study, self.screen = study, study.screen
        candidates: Candidates = GridCandidates(study) if points is None else ListedCandidates(points)
        self.survey = BoundSurvey(study, candidates)
        self.objectives = ranking_objectives(study, self.survey)
        self.behind = self._behind()
        """Of every row, how far behind the front of its workload; NaN where it is not feasible."""
        self.kept, self.checked = choose(self.behind, self.screen)
        self._asked: list[int] = sorted([*self.kept.tolist(), *self.checked.tolist()])
        self._left = True
        self._simulated: list[Simulated] = []

    def _behind(self) -> Array:
        survey = self.survey
        costs = survey.costs[:, [list(self.study.objectives).index(name) for name in self.objectives]]
        found: Array = np.full(len(costs), np.nan)
        for workload in np.unique(survey.workload[survey.feasible]):
            rows = np.flatnonzero(survey.feasible & (survey.workload == workload))
            mine = costs[rows]
            found[rows] = beyond_front(mine, mine[on_front(mine)], self.screen.margin)
        return found

    def ask(self) -> Iterator[Point]:
        """The points to simulate, in the order of the candidates; then none."""
        rows, self._left = (self._asked if self._left else []), False
        return (self.survey.candidates.point(int(self.survey.numbers[row])) for row in rows)

    def tell(self, rows: Iterable[Row]) -> None:
        """What was simulated, in the order asked."""
        kept = set(self.kept.tolist())
        goals = self.study.objectives
        for row, told in zip(self._asked, rows, strict=True):
            if told["status"] == "done" and told.get(FEASIBLE) is not False:
                costs = as_costs({name: [told[name]] for name in goals}, goals)[0]
                bound = tuple(self.survey.costs[row].tolist())
                self._simulated.append(
                    Simulated(int(self.survey.workload[row]), row in kept, bound, tuple(costs.tolist()))
                )

    def report(self) -> dict[str, Any]:
        """How many points were looked at, kept and simulated, and how well the bound level ranked them."""
        survey = self.survey
        dropped = np.isfinite(self.behind)
        dropped[self.kept] = False
        counts = np.bincount(survey.workload[dropped], minlength=1)
        return {
            "schema": 1,
            "points": len(survey.numbers),
            "failed": int((~survey.done).sum()),
            "infeasible": int((survey.done & ~survey.feasible).sum()),
            "on_bound_front": int((self.behind == 0).sum()),
            "near_front": int((self.behind <= self.screen.margin).sum()),
            "kept": len(self.kept),
            "checked": len(self.checked),
            "listed": len(self._listed()),
            "keep": self.screen.keep,
            "margin": self.screen.margin,
            "ranked_by": list(self.objectives),
            "not_ranked_by": [name for name in self.study.objectives if name not in self.objectives],
            "in_columns": survey.in_columns,
            "one_by_one": survey.one_by_one,
            "quality": screen_quality(self._simulated, list(self.study.objectives), dict(enumerate(counts.tolist()))),
        }

    def write(self, folder: Path) -> None:
        """Write the table of bounds and the report into a study's folder. Raises OutputError."""
        added = RowFinish(self.study).added
        names = [
            *PARAMETERS,
            *self.study.setting_paths,
            "status",
            *METRICS,
            *added,
            "behind_front",
            "simulated",
            "error",
        ]
        with whole_file(folder / SCREEN_TABLE) as stream:
            for line in csv_lines(self._rows(), names):
                stream.write(line.encode())
        write_atomically(folder / SCREEN_REPORT, (json.dumps(self.report(), indent=2) + "\n").encode())

    def _rows(self) -> Iterator[Row]:
        why = dict.fromkeys(self.kept.tolist(), "kept") | dict.fromkeys(self.checked.tolist(), "check")
        for row in self._listed():
            behind = float(self.behind[row])
            # Beyond the margin only that is known, not how far.
            near = behind if behind <= self.screen.margin else None
            yield {**self.survey.row(row), "behind_front": near, "simulated": why.get(row)}

    def _listed(self) -> list[int]:
        points = len(self.survey.numbers)
        if points <= MOST_LISTED:
            return list(range(points))
        first = {*self._asked, *np.flatnonzero(self.behind == 0)[:MOST_LISTED].tolist()}
        others = np.setdiff1d(np.arange(points), list(first))
        drawn = np.random.default_rng((self.screen.seed, 2)).permutation(others)[: max(0, MOST_LISTED - len(first))]
        return sorted(first | set(drawn.tolist()))


def ranking_objectives(study: StudySpec, survey: BoundSurvey) -> list[str]:
    """The objectives that the bound level tells apart: one that is alike on all points (energy, where it is not known
    at that level) ranks nothing. Raises SpecError where no point is left, or no objective.
    """
    costs = survey.costs[survey.feasible]
    if not len(costs):
        first = survey.first_error()
        problem = f"none of {len(survey.numbers):,} points is feasible at the bound level"
        raise SpecError(problem if first is None else f"{problem}; one says: {first}", field="constraints")
    alike = [bool((column == column[0]).all()) for column in costs.T]
    left = [name for name, same in zip(study.objectives, alike) if not same]
    if not left and len(costs) > 1:
        raise SpecError(
            f"{', '.join(study.objectives)} is alike on all points at the bound level",
            field="objectives",
            expected="an objective that the bound level knows, such as time_per_token_s",
        )
    return left or list(study.objectives)


def choose(behind: Array, screen: Screen) -> tuple[Array, Array]:
    """(kept rows, rows to check), both rising. Rows with NaN are neither."""
    ties = np.random.default_rng((screen.seed, 0)).permutation(len(behind))
    near = np.flatnonzero(behind <= screen.margin)
    kept = np.sort(near[np.lexsort((ties[near], behind[near]))][: screen.keep])
    others = np.setdiff1d(np.flatnonzero(~np.isnan(behind)), kept)
    drawn = np.random.default_rng((screen.seed, 1)).permutation(others)
    return kept, np.sort(drawn[: screen.check])
