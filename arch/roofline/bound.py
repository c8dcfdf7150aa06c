"""Time of an operator on a processor: its roofline, and what its kernels are known to reach of it.

The bound: at least the FLOPs at peak and the bytes at full bandwidth. What it leaves out is all that makes real time
longer: kernel launches, framework and host time, low occupancy of small matrices, caches and DRAM efficiency below
peak. A spec with efficiencies has shares of both peaks and a fixed time a kernel, by kind of operator; host time stays
out. The energy is board power times the time.
"""

from __future__ import annotations

from bitline.arch.roofline.spec import KernelEfficiency, ProcessorSpec
from bitline.traces.operator import Operator

IDEAL = KernelEfficiency()


def bound_time_s(spec: ProcessorSpec, operator: Operator) -> tuple[float, str]:
    """The least time of an operator, and which peak limits it."""
    return _time_s(spec, operator, IDEAL)


def kernel_time_s(spec: ProcessorSpec, operator: Operator) -> tuple[float, str]:
    """The time of an operator's kernel with the spec's efficiency, and what most of it goes to."""
    return _time_s(spec, operator, spec.efficiency.get(operator.kind, IDEAL))


def _time_s(spec: ProcessorSpec, operator: Operator, reached: KernelEfficiency) -> tuple[float, str]:
    compute = operator.flops / (spec.peak_tflops * 1e12 * reached.compute)
    memory = operator.bytes / (spec.bandwidth_gb_s * 1e9 * reached.bandwidth)
    work, limit = (compute, "compute") if compute > memory else (memory, "memory bandwidth")
    overhead = reached.overhead_us * 1e-6
    return overhead + work, "kernel overhead" if overhead > work else limit
