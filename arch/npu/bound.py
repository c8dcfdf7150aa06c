"""The least time of work on an NPU: its products at the arrays' peak, or its bytes at the memory's.

Nothing is in it of filling and draining arrays, of tiles that do not fit them, of bytes that are read twice, of latency
or of refresh. For work in a row, sum both parts, and take the larger sum.
"""

from __future__ import annotations

from dataclasses import dataclass

from bitline.arch.npu.jobs import Job, VectorJob
from bitline.arch.npu.spec import NpuSpec, VectorSpec
from bitline.arch.npu.vector import FUNCTIONS, VectorUnit
from bitline.base.errors import SpecError
from bitline.traces.dtypes import BITS, DType
from bitline.traces.operator import Operator

# Of a softmax in one pass over the scores of attention, beside its products (traces/transformer/work.py).
_SOFTMAX_FLOPS = 5


@dataclass(frozen=True)
class Bound:
    """Least times of the two sides, in seconds."""

    compute_s: float
    memory_s: float

    @property
    def time_s(self) -> float:
        """The larger one."""
        return max(self.compute_s, self.memory_s)

    @property
    def limit(self) -> str:
        """What it is that limits."""
        return "compute" if self.compute_s > self.memory_s else "memory bandwidth"

    def __add__(self, other: Bound) -> Bound:
        return Bound(self.compute_s + other.compute_s, self.memory_s + other.memory_s)


def job_bound(job: Job, spec: NpuSpec, bandwidth_gb_s: float) -> Bound:
    """Bound of a job on all cores."""
    if isinstance(job, VectorJob):
        cycles = vector_cycles(spec, job.function, job.rows, job.elements)
    else:
        array = spec.array
        cycles = job.macs / (spec.cores * array.count * array.rows * array.columns * job.macs_per_pe)
    return Bound(cycles / (spec.clock_mhz * 1e6), job.unique_bytes / (bandwidth_gb_s * 1e9))


def operator_bound(operator: Operator, spec: NpuSpec, bandwidth_gb_s: float) -> Bound:
    """Bound of an operator of a trace that stands alone: nothing is kept from one operator to the next."""
    products = products_of(operator)
    if products:
        cycles = products / spec.macs_per_cycle(array_dtype(operator, spec))
    else:
        function = operator.function if operator.function in FUNCTIONS else "copy"
        cycles = vector_cycles(spec, function, 1, operator.m * operator.n)
    return Bound(cycles / (spec.clock_mhz * 1e6), operator.bytes / (bandwidth_gb_s * 1e9))


def products_of(operator: Operator) -> float:
    """Multiplications of the arrays: masked pairs of attention count nothing."""
    if operator.kind == "matmul" or (operator.kind == "attention" and operator.part):
        return operator.flops / 2
    if operator.kind == "attention":
        of_pair = 2 * (operator.k + operator.n)
        return operator.flops / (of_pair + _SOFTMAX_FLOPS) * of_pair / 2
    return 0.0


def array_dtype(operator: Operator, spec: NpuSpec) -> DType:
    """The format that the arrays compute an operator in: the wider of its two. Raises SpecError where they cannot."""
    formats = spec.array.macs_per_pe
    wider = max((operator.activation_dtype, operator.weight_dtype), key=lambda dtype: BITS[dtype])
    if wider not in formats:
        raise SpecError(
            f"operator '{operator.name}' is in {wider}, which the arrays do not compute",
            field="array.macs_per_pe",
            expected=f"one of {', '.join(formats)}",
        )
    return wider


def vector_cycles(spec: NpuSpec, function: str, rows: int, elements: int) -> float:
    """Cycles of all lanes busy with passes over the elements; trees and scalars are left out."""
    vector = spec.vector
    if vector.dispatch == "always_now":
        return 0.0  # units take any number of instructions at a time
    lanes = spec.cores * vector.units * vector.lanes
    over_elements = vector_unit(vector).row_cycles(function, 1) - _other_cycles(vector, function)
    return rows * elements * over_elements / lanes


def _other_cycles(vector: VectorSpec, function: str) -> int:
    """Cycles of a row that do not grow with its elements."""
    passes = FUNCTIONS[function]
    return (
        passes.trees * vector.add_tree_cycles
        + passes.scalar_adds * vector.scalar_add_cycles
        + passes.scalar_multiplies * vector.scalar_multiply_cycles
        + passes.scalar_sqrts * vector.scalar_sqrt_cycles
    )


def vector_unit(vector: VectorSpec) -> VectorUnit:
    """The timing of a spec's vector units."""
    return VectorUnit(**vector.model_dump(exclude={"source"}))
