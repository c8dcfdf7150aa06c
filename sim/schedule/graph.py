"""The task graph of one token on a PIM system: which unit does what, after what.

Unit 0 is the ASIC; unit 1 + i is channel class i. Every operator in the banks ends with a task of the ASIC that
gathers its results, adds partial sums and bias, and lets its successors start.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from bitline.arch.asic.cost import ADD, NO_COST, VectorCost, passes_of, vector_cost
from bitline.arch.asic.spec import AsicSpec
from bitline.csrc.engine.program import Program
from bitline.csrc.tasks.dispatcher import TASK
from bitline.traces import Block, Operator

ASIC = 0


@dataclass
class OperatorWork:
    """What one operator of a block asks for in one repeat, besides its tasks."""

    operator: Operator
    name: str
    kind: str
    unit: str
    repeats: int
    flops: float
    bytes: float
    sram_bytes: float = 0.0
    vectors: Counter[tuple[int, int]] = field(default_factory=Counter)
    """(rows, elements) that its own passes on the ASIC go over, and how often."""
    sums: Counter[tuple[int, int]] = field(default_factory=Counter)
    """The same of additions to what the banks return."""
    steps: list[dict[int, Program]] = field(default_factory=list)
    """Steps in the banks, in order: program by channel class."""

    def on_asic(self, asic: AsicSpec) -> VectorCost:
        """What one repeat costs the ASIC; its spec may hold columns."""
        found = NO_COST
        for (rows, elements), times in self.sums.items():
            found += vector_cost(asic, ADD, rows, elements).times(times)
        for (rows, elements), times in self.vectors.items():
            found += vector_cost(asic, passes_of(asic, self.operator), rows, elements).times(times)
        return found


@dataclass
class Graph:
    """One token: TASK rows, edges from task to task, and the work behind each operator number."""

    tasks: np.ndarray
    before: np.ndarray
    after: np.ndarray
    work: list[OperatorWork]


@dataclass
class Template:
    """Tasks of one repeat of a block."""

    unit: list[int] = field(default_factory=list)
    program: list[int] = field(default_factory=list)
    base: list[int] = field(default_factory=list)
    stride: list[int] = field(default_factory=list)
    """What a repeat adds to the base."""
    operator: list[int] = field(default_factory=list)
    edges: list[tuple[int, int]] = field(default_factory=list)
    entries: list[tuple[int, int]] = field(default_factory=list)
    """(-k, task): depends on the k-th last operator of the repeat before."""
    finals: list[list[int]] = field(default_factory=list)
    """Tasks that end each operator."""

    def add(self, operator: int, unit: int, program: int, base: int = 0, stride: int = 0) -> int:
        """A task. Returns its number."""
        self.unit.append(unit)
        self.program.append(program)
        self.base.append(base)
        self.stride.append(stride)
        self.operator.append(operator)
        return len(self.unit) - 1

    def wait(self, task: int, others: Iterable[int]) -> None:
        """Let a task wait for others."""
        self.edges += [(other, task) for other in others]

    def wait_for_operators(self, task: int, dependencies: Iterable[int]) -> None:
        """Let a task wait for operators: by number, or counted back from the start of the repeat."""
        for dependency in dependencies:
            if dependency < 0:
                self.entries.append((dependency, task))
            else:
                self.wait(task, self.finals[dependency])

    def across(self, following: Template) -> np.ndarray:
        """Edges from this repeat to the entries of the one that follows."""
        pairs = [(last, task) for back, task in following.entries for last in self.finals[len(self.finals) + back]]
        return np.asarray(pairs, np.int64).reshape(-1, 2)


def assemble(blocks: Sequence[Block], templates: Sequence[Template], work: list[OperatorWork]) -> Graph:
    """Repeat the templates and join them."""
    rows: list[np.ndarray] = []
    edges: list[np.ndarray] = []
    start = 0
    before: tuple[Template, int] | None = None
    for block, template in zip(blocks, templates):
        n, repeats = len(template.unit), block.repeats
        one = np.zeros(n, TASK)
        one["unit"], one["program"], one["base"] = template.unit, template.program, template.base
        one["operator"] = template.operator
        repeated = np.tile(one, repeats)
        strides = np.asarray(template.stride, np.int64)
        repeated["base"] += np.multiply.outer(np.arange(repeats), strides).reshape(-1)
        rows.append(repeated)
        shifts = start + n * np.arange(repeats, dtype=np.int64)
        inner = np.asarray(template.edges, np.int64).reshape(1, -1, 2)
        edges.append((inner + shifts[:, None, None]).reshape(-1, 2))
        if repeats > 1:
            shift = np.stack((shifts[:-1], shifts[1:]), axis=1)
            edges.append((template.across(template)[None, :, :] + shift[:, None, :]).reshape(-1, 2))
        if before is not None:
            edges.append(before[0].across(template) + np.array([before[1], start], np.int64))
        start += n * repeats
        before = (template, start - n)
    pairs = np.concatenate(edges)
    return Graph(np.concatenate(rows), pairs[:, 0], pairs[:, 1], work)
