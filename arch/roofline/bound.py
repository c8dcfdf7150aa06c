"""Time of an operator on a processor: its roofline, and what its kernels are known to reach of it.

The bound: at least the FLOPs at peak and the bytes at full bandwidth. What it leaves out is all that makes real time
longer: kernel launches, framework and host time, low occupancy of small matrices, caches and DRAM efficiency below
peak. A spec with efficiencies has shares of both peaks and a fixed time a kernel, by kind of operator; host time stays
out. The energy is board power times the time.

A spec may hold columns (bitline/base/columns.py) in place of numbers: times and limits are columns then.
"""

from __future__ import annotations

from bitline.arch.roofline.spec import KernelEfficiency, ProcessorSpec
from bitline.base.columns import Column, choose, larger
from bitline.traces.operator import Operator

IDEAL = KernelEfficiency()
LIMITS = ("compute", "memory bandwidth", "kernel overhead")
_COMPUTE, _BANDWIDTH, _OVERHEAD = range(3)


def bound_time_s(spec: ProcessorSpec, operator: Operator) -> tuple[float, str]:
    """The least time of an operator, and which peak limits it."""
    time, limit = roofline_s(spec, operator, IDEAL)
    return time, LIMITS[limit]


def kernel_time_s(spec: ProcessorSpec, operator: Operator) -> tuple[float, str]:
    """The time of an operator's kernel with the spec's efficiency, and what most of it goes to."""
    time, limit = roofline_s(spec, operator, reached_of(spec, operator))
    return time, LIMITS[limit]


def reached_of(spec: ProcessorSpec, operator: Operator) -> KernelEfficiency:
    """What the kernels of an operator's kind reach."""
    return spec.efficiency.get(operator.kind, IDEAL)


def roofline_s(spec: ProcessorSpec, operator: Operator, reached: KernelEfficiency) -> tuple[Column, Column]:
    """The time of an operator that reaches such shares of the peaks, and the index in LIMITS of what limits it."""
    compute = operator.flops / (spec.peak_tflops * 1e12 * reached.compute)
    memory = operator.bytes / (spec.bandwidth_gb_s * 1e9 * reached.bandwidth)
    work = larger(compute, memory)
    overhead = reached.overhead_us * 1e-6
    of_work = choose(compute > memory, _COMPUTE, _BANDWIDTH)
    return overhead + work, choose(overhead > work, _OVERHEAD, of_work)
