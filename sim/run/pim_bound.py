"""The bound of a decode token on a PIM system: operators at the bank-level bound, in order of their dependencies.

The spec of the ASIC may hold columns (bitline/base/columns.py) in place of numbers: bounds are columns then.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache, reduce

from bitline.arch.asic.cost import VectorCost
from bitline.arch.pim.bound import ProgramWorks
from bitline.base.columns import Column, larger, of_distinct
from bitline.sim.schedule.graph import OperatorWork
from bitline.sim.schedule.policy import Policy
from bitline.traces import Block, Operator, Trace


def operator_bounds_ps(
    work: Sequence[OperatorWork], works: ProgramWorks, costs: Sequence[VectorCost], asic_clock_mhz: Column
) -> list[Column]:
    """The least time of each operator in one repeat, ps: its slowest channel class, or the ASIC."""
    tick_ps = float(works.device.part.tick_ps)
    cycle_ps = of_distinct(_cycle_ps, asic_clock_mhz)
    bounds: list[Column] = []
    for one, cost in zip(work, costs):
        if not one.steps:
            bounds.append(cost.bound_cycles * cycle_ps)
            continue
        ticks: dict[int, int] = {}
        for programs in one.steps:
            for alike, program in programs.items():
                ticks[alike] = ticks.get(alike, 0) + works.of(program).bound_ticks
        bounds.append(max(ticks.values()) * tick_ps)
    return bounds


@lru_cache(maxsize=1 << 16)
def _cycle_ps(clock_mhz: float) -> float:
    return float(Fraction(10**6) / Fraction(str(clock_mhz)))


def token_bound_ps(trace: Trace, bounds: Sequence[Column], policy: Policy) -> Column:
    """The longest chain of operators of all blocks. What may overlap is not added up."""
    total: Column = 0.0
    first = 0
    for block in trace.blocks:
        total = total + block.repeats * _longest_chain(block, bounds[first : first + len(block.operators)], policy)
        first += len(block.operators)
    return total


def _longest_chain(block: Block, bounds: Sequence[Column], policy: Policy) -> Column:
    ends: list[Column] = []
    for operator in block.operators:
        start = reduce(larger, (ends[i] for i in _before(block, operator, policy)), 0.0)
        # An append binds only the channels that it writes to, beside others that go on.
        ends.append(start + (0.0 if operator.kind == "kv_append" else bounds[operator.id]))
    return ends[-1] if ends else 0.0


def _before(block: Block, operator: Operator, policy: Policy) -> list[int]:
    """What an operator waits for in its repeat. A softmax may run beside the scores that it takes."""
    before = [i for i in operator.dependencies if i >= 0]
    if operator.kind == "softmax" and policy.softmax == "by_chunk":
        scores = [i for i in before if block.operators[i].part == "score"]
        before = [i for i in before if i not in scores]
        before += [i for score in scores for i in block.operators[score].dependencies if i >= 0]
    return before
