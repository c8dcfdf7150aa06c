"""The bound of a processor: an operator takes at least its FLOPs at peak and its bytes at full bandwidth.

What this leaves out is all that makes real time longer: kernel launches, framework and host time, low occupancy of
small matrices, caches and DRAM efficiency below peak. The energy is board power times that time: a lower bound, too.
"""

from __future__ import annotations

from bitline.arch.roofline.spec import ProcessorSpec
from bitline.traces.operator import Operator


def bound_time_s(spec: ProcessorSpec, operator: Operator) -> tuple[float, str]:
    """The least time of an operator, and which peak limits it."""
    compute = operator.flops / (spec.peak_tflops * 1e12)
    memory = operator.bytes / (spec.bandwidth_gb_s * 1e9)
    return (compute, "compute") if compute > memory else (memory, "memory bandwidth")
