"""A design is a place in the space of free parameters; its points are that design under every workload."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from bitline.base.errors import SpecError
from bitline.sim.study.axes import fixed_design, free_dimensions, workload_axes, workloads
from bitline.sim.study.domains import Interval
from bitline.sim.study.point import Point
from bitline.sim.study.scope import Scope
from bitline.sim.study.spec import StudySpec

MAX_WORKLOADS = 1 << 16


class Designs:
    """The space that samples and searches draw from: a unit cube with one side for each free parameter."""

    def __init__(self, study: StudySpec) -> None:
        self.dimensions = free_dimensions(study)
        self._fixed = fixed_design(study)
        self._scope = Scope(study)
        count = math.prod(len(axis.places) for axis in workload_axes(study))
        if count > MAX_WORKLOADS:
            raise SpecError(f"every design would run {count:,} workloads", expected=f"at most {MAX_WORKLOADS:,}")
        self._workloads = list(workloads(study))
        self._workload_columns = {name: [one[name] for one in self._workloads] for name in self._workloads[0]}

    @property
    def workloads(self) -> int:
        """How many points a design has, conditions aside."""
        return len(self._workloads)

    @property
    def count(self) -> int | None:
        """How many designs there are; None where a parameter is not countable."""
        size = 1
        for _, domain in self.dimensions:
            if isinstance(domain, Interval):
                if not domain.integer:
                    return None
                size *= int(domain.to - domain.first) + 1
            else:
                size *= len(domain)
        return size

    def at(self, parts: Sequence[float]) -> tuple[Any, ...]:
        """The design at a place of the cube: a value for each free parameter."""
        return tuple(domain.at(part) for (_, domain), part in zip(self.dimensions, parts))

    def points(self, design: tuple[Any, ...]) -> list[Point]:
        """The points of a design that meet the conditions."""
        chosen = self._fixed | {name: value for (name, _), value in zip(self.dimensions, design)}
        columns = {name: [value] for name, value in chosen.items()} | self._workload_columns
        # One value stands for all workloads, but the fields of documents are read for each.
        columns |= {name: [chosen[name]] * self.workloads for name in ("system", "policy")}
        kept = self._scope.exist(columns, self.workloads)
        return [self._scope.point(chosen | one) for one, exists in zip(self._workloads, kept) if exists]


def identity(design: tuple[Any, ...]) -> str:
    """A design as text, the same for the same values (which may be lists)."""
    return repr(design)
