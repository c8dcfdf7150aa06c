"""A run at the bound level: every operator of a processor at its roofline, or what is reached of it, in sequence."""

from __future__ import annotations

from typing import Any

from bitline.arch.systems.system import System
from bitline.base.errors import CapacityError, SpecError
from bitline.sim.run.bound_metrics import BoundMetrics
from bitline.sim.run.processor_totals import LIMITS_WITH_LINK, ProcessorTotals
from bitline.sim.run.result import OperatorResult, Result
from bitline.sim.run.workload import Workload
from bitline.traces import Trace


class BoundRun:
    """A run on a processor that is known by its peaks. Its spec may hold columns (bitline/base/columns.py)."""

    def __init__(self, name: str, system: System, workload: Workload) -> None:
        if system.processor is None:
            raise SpecError(f"system '{name}' has no processor")
        self.spec = system.processor
        self.workload = workload
        self.totals = ProcessorTotals(self.spec)

    def run(self) -> None:
        """Every token; a batch is one pass. Raises CapacityError."""
        check_memory(self.workload, self.spec.memory_gb)
        self.add_up()

    def add_up(self) -> None:
        """Every token, whatever the memory holds."""
        for i, context in enumerate(self.workload.contexts):
            trace = self.workload.batched_trace(context, head=self.workload.needs_head(i))
            for block in trace.blocks:
                for operator in block.operators:
                    self.totals.add(operator, block.repeats)

    def metrics(self) -> BoundMetrics:
        """What was added up; without efficiencies the time is the bound."""
        time_s, tokens = self.totals.time_s, self.workload.tokens
        return BoundMetrics(
            time_s=time_s,
            bound_time_s=sum(total.bound_s for total in self.totals),
            tokens_per_s=tokens / time_s,
            time_per_token_s=time_s / tokens,
            energy_j=time_s * self.spec.power_w,
            power_w=self.spec.power_w,
            bottleneck=self.totals.bottleneck(),
            limits=LIMITS_WITH_LINK,
        )

    def result(self, system_name: str, policy_name: str, provenance: dict[str, Any]) -> Result:
        """The run's result."""
        metrics = self.metrics()
        time_s = metrics.time_s
        moved = sum(total.bytes for total in self.totals)
        flops = sum(total.flops for total in self.totals)
        return Result(
            system=system_name,
            policy=policy_name,
            workload=self.workload.to_dict(),
            **metrics.of_result(),
            tokens=self.workload.tokens,
            energy_parts_j={"processor": metrics.energy_j},
            traffic_bytes={"memory": moved},
            utilisation={
                "compute": flops / (self.spec.peak_tflops * 1e12) / time_s,
                "memory bandwidth": moved / (self.spec.bandwidth_gb_s * 1e9) / time_s,
            },
            row_hit_rate=None,
            counts={},
            fast_forward={"on": False},
            operators=tuple(
                OperatorResult(
                    name=name,
                    kind=total.kind,
                    unit="processor",
                    level="bound",
                    count=total.count,
                    time_s=total.time_s,
                    bound_time_s=total.bound_s,
                    overlapped_s=0.0,
                    energy_j=total.time_s * self.spec.power_w,
                    bottleneck=LIMITS_WITH_LINK[total.limit],
                    flops=total.flops,
                    bytes=total.bytes,
                )
                for name, total in self.totals.items()
            ),
            provenance=provenance,
        )


def needed_gb(workload: Workload) -> float:
    """What weights, keys and values take, decimal GB."""
    return resident_bytes(workload.batched_trace(max(workload.contexts))) / 1e9


def check_memory(workload: Workload, memory_gb: float) -> None:
    """Raise CapacityError where a workload does not fit in so much memory."""
    needed = needed_gb(workload)
    if needed > memory_gb:
        model = workload.batched_trace(1).model
        raise CapacityError(
            f"{model} needs {needed:.2f} GB, {needed - memory_gb:.2f} GB more than the memory",
            field="processor.memory_gb",
            expected=f"at least {needed:.2f}",
        )


def resident_bytes(trace: Trace) -> int:
    """Bytes of the weights and of the KV cache."""
    return sum(tensor.bytes for tensor in trace.tensors().values() if tensor.role in ("weight", "kv"))
