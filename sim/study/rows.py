"""What a study adds to the rows of its table: derived columns, and whether a point is feasible."""

from __future__ import annotations

from typing import Any

import numpy as np

from bitline.sim.study.expressions import Array, parse, parse_condition
from bitline.sim.study.point import METRICS, PARAMETERS, Row
from bitline.sim.study.scope import DocumentFields, in_order
from bitline.sim.study.spec import StudySpec
from bitline.sim.study.violation import violation

FEASIBLE = "feasible"


class RowFinish:
    """The derived columns and constraints of a study, ready for many rows."""

    def __init__(self, study: StudySpec) -> None:
        self._derived = in_order({name: parse(text) for name, text in study.derived.items()}, "derived")
        self._constraints = [parse_condition(text) for text in study.constraints]
        known = {*PARAMETERS, *study.setting_paths, *METRICS, *study.derived}
        reads = {name for formula in (*self._derived.values(), *self._constraints) for name in formula.names}
        self._documents = DocumentFields(reads - known)
        self._known = {*known, *self._documents.names}

    @property
    def added(self) -> list[str]:
        """The columns that are added: derived ones in the order of their names, then `feasible` if it is asked."""
        return [*sorted(self._derived), *([FEASIBLE] if self._constraints else [])]

    def row(self, row: Row) -> Row:
        """A flat row with what is added. A failed point has no derived values and is neither feasible nor not."""
        if row["status"] != "done":
            return row | dict.fromkeys(self.added)
        known = self._known_columns(row)
        values: Row = {}
        for name, formula in self._derived.items():
            known[name] = values[name] = formula.of(known)
        if self._constraints:
            values[FEASIBLE] = all(bool(one.holds(known)[0]) for one in self._constraints)
        return row | {name: values[name] for name in self.added}

    def columns(self, columns: dict[str, Any]) -> dict[str, Array]:
        """What is added to columns of done points; each column a list, an array or one value for all rows."""
        rows = max(len(column) for column in columns.values() if isinstance(column, list | np.ndarray))
        known = dict.fromkeys(self._known) | columns
        if self._documents.names:
            pairs = (np.broadcast_to(np.asarray(columns[name], dtype=object), rows) for name in ("system", "policy"))
            known |= self._documents.columns(*(pair.tolist() for pair in pairs))
        found: dict[str, Array] = {}
        for name, formula in self._derived.items():
            known[name] = found[name] = np.broadcast_to(formula.over(known), rows)
        if self._constraints:
            feasible = np.ones(rows, dtype=bool)
            for constraint in self._constraints:
                feasible &= constraint.holds(known)
            found[FEASIBLE] = feasible
        return {name: found[name] for name in self.added}

    def violation(self, row: Row) -> float:
        """By how much a finished row of a done point breaks the constraints, as parts of their limits; 0: by none."""
        known = self._known_columns(row)
        return sum(violation(constraint, known) for constraint in self._constraints)

    def _known_columns(self, row: Row) -> dict[str, Any]:
        # What a row does not say (the seed of a run without one) is missing, not unknown.
        known = dict.fromkeys(self._known) | row
        for name, values in self._documents.columns([row["system"]], [row["policy"]]).items():
            known[name] = values[0]
        return known


def finish_row(study: StudySpec, row: Row) -> Row:
    """A flat row with the study's derived columns and `feasible`. For many rows, make one RowFinish."""
    return RowFinish(study).row(row)
