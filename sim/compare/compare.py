"""`bitline.compare`: two results side by side: what differs in what was asked, in the hardware, and in what it took."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bitline.sim.compare.configuration import configuration
from bitline.sim.run.result import OperatorResult, Result
from bitline.sim.run.result_file import read_result

OUTSIDE = "(outside operators)"
"""The row of what a run's operators do not account for."""

_NEGLIGIBLE = 1e-9
_TOTALS = ("time_s", "time_per_token_s", "tokens_per_s", "bound_time_s", "energy_j", "power_w", "row_hit_rate")


@dataclass(frozen=True)
class Change:
    """A field that differs; None where one side does not have it."""

    path: str
    a: Any
    b: Any


@dataclass(frozen=True)
class Quantity:
    """A number of both sides; None where a side does not have it."""

    name: str
    a: float | None
    b: float | None

    @property
    def difference(self) -> float | None:
        """b - a."""
        return None if self.a is None or self.b is None else self.b - self.a

    @property
    def ratio(self) -> float | None:
        """b / a."""
        return None if self.a is None or self.b is None else ratio(self.a, self.b)

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {**asdict(self), "difference": self.difference, "ratio": self.ratio}


@dataclass(frozen=True)
class OperatorSide:
    """All rows of one name in one result."""

    unit: str
    bottleneck: str
    count: int
    time_s: float
    energy_j: float


@dataclass(frozen=True)
class OperatorPair:
    """An operator by name; None on the side that does not have it."""

    name: str
    a: OperatorSide | None
    b: OperatorSide | None

    @property
    def time_difference_s(self) -> float:
        """Over all operators they sum to the difference of the runs; one that is missing took nothing."""
        return (self.b.time_s if self.b else 0.0) - (self.a.time_s if self.a else 0.0)

    @property
    def energy_difference_j(self) -> float:
        """As `time_difference_s`."""
        return (self.b.energy_j if self.b else 0.0) - (self.a.energy_j if self.a else 0.0)

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        both = self.a is not None and self.b is not None
        return {
            **asdict(self),
            "time_difference_s": self.time_difference_s,
            "time_ratio": ratio(self.a.time_s, self.b.time_s) if both and self.a and self.b else None,
            "energy_difference_j": self.energy_difference_j,
            "energy_ratio": ratio(self.a.energy_j, self.b.energy_j) if both and self.a and self.b else None,
        }


@dataclass(frozen=True)
class Comparison:
    """Result `b` held against result `a`."""

    names: tuple[str, str]
    a: Result
    b: Result
    warnings: tuple[str, ...]
    """What makes the two hard to compare, most important first."""
    workload: tuple[Change, ...]
    configuration: tuple[Change, ...]
    """By the path that `--set` takes."""
    totals: tuple[Quantity, ...]
    energy_parts_j: tuple[Quantity, ...]
    traffic_bytes: tuple[Quantity, ...]
    utilisation: tuple[Quantity, ...]
    operators: tuple[OperatorPair, ...]
    """In order of execution, those of `b` alone at the end."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        sides = {
            side: {
                "name": name,
                "system": result.system,
                "policy": result.policy,
                "level": result.level,
                "bottleneck": result.bottleneck,
                "key": result.provenance.get("key"),
            }
            for side, name, result in (("a", self.names[0], self.a), ("b", self.names[1], self.b))
        }
        quantities = ("totals", "energy_parts_j", "traffic_bytes", "utilisation")
        return {
            "schema": 1,
            **sides,
            "warnings": list(self.warnings),
            "workload": [asdict(change) for change in self.workload],
            "configuration": [asdict(change) for change in self.configuration],
            **{name: [quantity.to_dict() for quantity in getattr(self, name)] for name in quantities},
            "operators": [pair.to_dict() for pair in self.operators],
        }


def compare(a: Result | str | Path, b: Result | str | Path, *, names: tuple[str, str] | None = None) -> Comparison:
    """Hold result `b` against result `a`: results, result.json files, or the folders of runs.

    `names`: what to call them. Raises TraceError for a file that holds no result.
    """
    first, second = (side if isinstance(side, Result) else read_result(side) for side in (a, b))
    if names is None:
        names = (first.system, second.system) if first.system != second.system else ("A", "B")
    workload = tuple(_changes(_workload(first), _workload(second)))
    return Comparison(
        names=names,
        a=first,
        b=second,
        warnings=tuple(_warnings(first, second, workload)),
        workload=workload,
        configuration=tuple(_changes(*configuration(first.provenance, second.provenance))),
        totals=tuple(Quantity(name, getattr(first, name), getattr(second, name)) for name in _TOTALS),
        energy_parts_j=_quantities(first.energy_parts_j, second.energy_parts_j),
        traffic_bytes=_quantities(first.traffic_bytes, second.traffic_bytes),
        utilisation=_quantities(first.utilisation, second.utilisation),
        operators=tuple(_pairs(first, second)),
    )


def ratio(a: float, b: float) -> float | None:
    """b / a, where it says something."""
    found = b / a if a else math.nan
    return found if math.isfinite(found) else None


def _workload(result: Result) -> dict[str, Any]:
    return {name: value for name, value in result.workload.items() if value is not None}


def _warnings(a: Result, b: Result, workload: tuple[Change, ...]) -> Iterator[str]:
    if workload:
        yield f"the workloads differ: {', '.join(change.path for change in workload)}"
    if a.level != b.level:
        yield f"the levels differ: {a.level} and {b.level}"
    for name, what in (("version", "versions of bitline"), ("code_hash", "sources of the simulator")):
        if a.provenance.get(name) != b.provenance.get(name):
            yield f"the results come from different {what}"
            break


def _changes(a: dict[str, Any], b: dict[str, Any]) -> Iterator[Change]:
    for path in _either(a, b):
        if a.get(path) != b.get(path):
            yield Change(path, a.get(path), b.get(path))


def _quantities(a: dict[str, float], b: dict[str, float]) -> tuple[Quantity, ...]:
    return tuple(Quantity(name, a.get(name), b.get(name)) for name in _either(a, b))


def _either(a: Iterable[str], b: Iterable[str]) -> list[str]:
    return list(dict.fromkeys([*a, *b]))


def _pairs(a: Result, b: Result) -> Iterator[OperatorPair]:
    first, second = _sides(a), _sides(b)
    for name in _either(first, second):
        yield OperatorPair(name, first.get(name), second.get(name))


def _sides(result: Result) -> dict[str, OperatorSide]:
    groups: dict[str, list[OperatorResult]] = {}
    for operator in result.operators:
        groups.setdefault(operator.name, []).append(operator)
    found = {name: _side(group) for name, group in groups.items()}
    left_s = result.time_s - math.fsum(side.time_s for side in found.values())
    left_j = result.energy_j - math.fsum(side.energy_j for side in found.values())
    if abs(left_s) > _NEGLIGIBLE * result.time_s or abs(left_j) > _NEGLIGIBLE * result.energy_j:
        found[OUTSIDE] = OperatorSide("", "", 0, left_s, left_j)
    return found


def _side(group: list[OperatorResult]) -> OperatorSide:
    bottlenecks = dict.fromkeys(operator.bottleneck for operator in group)
    return OperatorSide(
        unit=" ".join(dict.fromkeys(operator.unit for operator in group)),
        bottleneck=next(iter(bottlenecks)) if len(bottlenecks) == 1 else "several",
        count=sum(operator.count for operator in group),
        time_s=math.fsum(operator.time_s for operator in group),
        energy_j=math.fsum(operator.energy_j for operator in group),
    )
