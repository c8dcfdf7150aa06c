"""A run at the bound level: every operator of a processor at its roofline, or what is reached of it, in sequence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bitline.arch.roofline.bound import bound_time_s, kernel_time_s
from bitline.arch.systems.system import System
from bitline.base.errors import CapacityError, SpecError
from bitline.sim.run.result import OperatorResult, Result
from bitline.sim.run.workload import Workload
from bitline.traces import Trace


@dataclass
class _Total:
    kind: str
    bottleneck: str
    count: int = 0
    time_s: float = 0.0
    bound_s: float = 0.0
    flops: float = 0.0
    bytes: float = 0.0


class BoundRun:
    """A run on a processor that is known by its peaks."""

    def __init__(self, name: str, system: System, workload: Workload) -> None:
        if system.processor is None:
            raise SpecError(f"system '{name}' has no processor")
        self.spec = system.processor
        self.workload = workload
        self.totals: dict[str, _Total] = {}

    def run(self) -> None:
        """Every token; a batch is one pass."""
        self._check_capacity()
        for i, context in enumerate(self.workload.contexts):
            trace = self.workload.batched_trace(context, head=self.workload.needs_head(i))
            for block in trace.blocks:
                for operator in block.operators:
                    name = operator.name.split(".", 1)[1] if operator.layer >= 0 else operator.name
                    time, limit = kernel_time_s(self.spec, operator)
                    total = self.totals.setdefault(name, _Total(operator.kind, limit))
                    total.count += block.repeats
                    total.time_s += time * block.repeats
                    total.bound_s += bound_time_s(self.spec, operator)[0] * block.repeats
                    total.flops += operator.flops * block.repeats
                    total.bytes += operator.bytes * block.repeats

    def _check_capacity(self) -> None:
        trace = self.workload.batched_trace(max(self.workload.contexts))
        needed = resident_bytes(trace) / 1e9
        if needed > self.spec.memory_gb:
            raise CapacityError(
                f"{trace.model} needs {needed:.2f} GB, {needed - self.spec.memory_gb:.2f} GB more than the memory",
                field="processor.memory_gb",
                expected=f"at least {needed:.2f}",
            )

    def result(self, system_name: str, policy_name: str, provenance: dict[str, Any]) -> Result:
        """The run's result; without efficiencies its time is its bound."""
        time_s = sum(total.time_s for total in self.totals.values())
        energy = time_s * self.spec.power_w
        tokens = self.workload.tokens
        limits: dict[str, float] = {}
        for total in self.totals.values():
            limits[total.bottleneck] = limits.get(total.bottleneck, 0.0) + total.time_s
        moved = sum(total.bytes for total in self.totals.values())
        flops = sum(total.flops for total in self.totals.values())
        return Result(
            system=system_name,
            policy=policy_name,
            workload=self.workload.to_dict(),
            level="bound",
            time_s=time_s,
            bound_time_s=sum(total.bound_s for total in self.totals.values()),
            tokens=tokens,
            tokens_per_s=tokens / time_s,
            time_per_token_s=time_s / tokens,
            energy_j=energy,
            power_w=self.spec.power_w,
            energy_parts_j={"processor": energy},
            bottleneck=max(limits, key=lambda name: limits[name]),
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
                    bottleneck=total.bottleneck,
                    flops=total.flops,
                    bytes=total.bytes,
                )
                for name, total in self.totals.items()
            ),
            provenance=provenance,
        )


def resident_bytes(trace: Trace) -> int:
    """Bytes of the weights and of the KV cache."""
    return sum(tensor.bytes for tensor in trace.tensors().values() if tensor.role in ("weight", "kv"))
