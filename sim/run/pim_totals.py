"""What the operators of one name asked for and took, over all layers and tokens of a run on a PIM system."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bitline.arch.asic.cost import VectorCost
from bitline.arch.pim.bound import ProgramWorks
from bitline.base.columns import Column
from bitline.sim.schedule.classes import ChannelClass
from bitline.sim.schedule.graph import OperatorWork


@dataclass
class OperatorTotal:
    """Sums for one operator name. Ticks and commands are over all channels."""

    kind: str
    unit: str
    count: int = 0
    waited_ps: int = 0
    busy_ps: int = 0
    bound_ps: Column = 0.0
    flops: float = 0.0
    bytes: float = 0.0
    adds: Column = 0
    multiplies: Column = 0
    sram_bytes: float = 0.0
    rows_opened: int = 0
    commands: dict[str, int] = field(default_factory=dict)
    compute_ticks: int = 0
    pin_ticks: int = 0


@dataclass(frozen=True)
class Taken:
    """What one operator of a graph took, all repeats together."""

    waited_ps: int = 0
    busy_ps: int = 0
    rows_opened: int = 0


class Totals:
    """Totals by operator name, in order of first appearance."""

    def __init__(self, works: ProgramWorks, classes: Sequence[ChannelClass]) -> None:
        self.works, self.classes = works, classes
        self._by_name: dict[str, OperatorTotal] = {}

    def __iter__(self) -> Iterator[OperatorTotal]:
        return iter(self._by_name.values())

    def items(self) -> Iterator[tuple[str, OperatorTotal]]:
        """Names and totals."""
        return iter(self._by_name.items())

    def add(self, one: OperatorWork, asic: VectorCost, bound_ps: Column, taken: Taken) -> None:
        """Add an operator of a graph; its cost on the ASIC and its bound are of one repeat."""
        total = self._by_name.setdefault(one.name, OperatorTotal(one.kind, one.unit))
        total.count += one.repeats
        total.waited_ps += taken.waited_ps
        total.busy_ps += taken.busy_ps
        total.rows_opened += taken.rows_opened
        total.bound_ps = total.bound_ps + bound_ps * one.repeats
        total.flops += one.flops * one.repeats
        total.bytes += one.bytes * one.repeats
        total.adds = total.adds + asic.adds * one.repeats
        total.multiplies = total.multiplies + asic.multiplies * one.repeats
        total.sram_bytes += one.sram_bytes * one.repeats
        for programs in one.steps:
            for alike, program in programs.items():
                times = one.repeats * self.classes[alike].multiplicity
                work = self.works.of(program)
                total.compute_ticks += work.compute_ticks * times
                total.pin_ticks += work.pin_ticks * times
                for name, count in work.commands.items():
                    total.commands[name] = total.commands.get(name, 0) + count * times
