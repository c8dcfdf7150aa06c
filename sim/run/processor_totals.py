"""Operators on a processor added up by name: their times, what limits them, and what they move and compute."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bitline.arch.roofline.bound import IDEAL, LIMITS, reached_of, roofline_s
from bitline.arch.roofline.spec import ProcessorSpec
from bitline.base.columns import Column, choose, index_of_largest
from bitline.traces import Operator

LINK = "link"
LIMITS_WITH_LINK = (*LIMITS, LINK)


@dataclass
class ProcessorTotal:
    """Sums for one operator name."""

    kind: str
    limit: Column
    """Index in LIMITS_WITH_LINK, of the first operator of that name."""
    count: int = 0
    time_s: Column = 0.0
    bound_s: Column = 0.0
    flops: float = 0.0
    bytes: float = 0.0


class ProcessorTotals:
    """Totals by operator name, in order of first appearance. The spec may hold columns: times are columns then."""

    def __init__(self, spec: ProcessorSpec) -> None:
        self.spec = spec
        self._by_name: dict[str, ProcessorTotal] = {}

    def __iter__(self) -> Iterator[ProcessorTotal]:
        return iter(self._by_name.values())

    def items(self) -> Iterator[tuple[str, ProcessorTotal]]:
        """Names and totals."""
        return iter(self._by_name.items())

    def add(self, operator: Operator, repeats: int) -> tuple[Column, Column]:
        """Add an operator. Returns its time and its bound, of all repeats."""
        name = operator.name.split(".", 1)[1] if operator.layer >= 0 else operator.name
        time, limit = roofline_s(self.spec, operator, reached_of(self.spec, operator))
        bound, _limit = roofline_s(self.spec, operator, IDEAL)
        total = self._by_name.setdefault(name, ProcessorTotal(operator.kind, limit))
        total.count += repeats
        total.time_s = total.time_s + time * repeats
        total.bound_s = total.bound_s + bound * repeats
        total.flops += operator.flops * repeats
        total.bytes += operator.bytes * repeats
        return time * repeats, bound * repeats

    def add_exchange(self, kind: str, times: int, took_s: Column) -> None:
        """Add so many exchanges over the link, which took that long together."""
        total = self._by_name.setdefault(kind, ProcessorTotal(kind, LIMITS_WITH_LINK.index(LINK)))
        total.count += times
        total.time_s = total.time_s + took_s
        total.bound_s = total.bound_s + took_s

    @property
    def time_s(self) -> Column:
        """Time of all operators."""
        return sum(total.time_s for total in self)

    def bottleneck(self) -> Column:
        """Index in LIMITS_WITH_LINK of the limit that most time is spent at."""
        times: list[Column] = [0.0] * len(LIMITS_WITH_LINK)
        for total in self:
            for i in range(len(times)):
                times[i] = times[i] + choose(total.limit == i, total.time_s, 0.0)
        return index_of_largest(times)
