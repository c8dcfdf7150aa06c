"""A batch of requests on processors known by their peaks and what their kernels reach: each operator in turn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bitline.arch.link.bound import send_s
from bitline.arch.roofline.bound import bound_time_s, kernel_time_s
from bitline.arch.systems.system import System
from bitline.base.errors import SpecError
from bitline.sim.run.batch_plan import BatchPlan, BatchWorkload, ByChannel, DeviceMemory, contexts_of
from bitline.sim.run.result import OperatorResult, Result
from bitline.sim.schedule.layer_parts import OUTSIDE
from bitline.sim.schedule.serving_policy import load_batch_policy
from bitline.sim.schedule.split import collectives, pipeline_stage, stage_bytes
from bitline.traces import Operator

EXCHANGE = "all_reduce"


@dataclass
class _Total:
    kind: str
    bottleneck: str
    count: int = 0
    time_s: float = 0.0
    bound_s: float = 0.0
    flops: float = 0.0
    bytes: float = 0.0


class GpuBatchRun:
    """Requests in a batch on processors; a model may be cut over several of them."""

    def __init__(self, name: str, system: System, workload: BatchWorkload) -> None:
        if system.processor is None:
            raise SpecError(f"system '{name}' has no processor")
        self.spec, self.system, self.workload = system.processor, system, workload
        # Pages of keys and values in one memory, as on an NPU without compute in its banks.
        self.plan = BatchPlan(workload, load_batch_policy("npu-only"), DeviceMemory(int(self.spec.memory_gb * 1e9), 1))
        self.totals: dict[str, _Total] = {}
        self.time_s = self.bound_s = self.device_s = 0.0
        self.tokens = self.iterations = 0

    def run(self) -> None:
        """Every iteration."""
        for _ in range(self.workload.iterations):
            if not self.plan.pool.running:
                break
            self._iteration()
            self.plan.pool.step()
            self.iterations += 1

    def _iteration(self) -> None:
        split = self.workload.split
        batches = self.plan.micro_batches()
        rows = [[self._device(stage, batch) for batch in batches] for stage in range(split.pipeline)]
        sends = 0.0
        if self.system.link is not None and split.pipeline > 1:
            most = max(len(contexts_of(batch)) for batch in batches)
            size = stage_bytes(self.plan.model, most, self.workload.dtype)
            sends = (split.pipeline - 1) * send_s(self.system.link, size)
        for which, extra in ((0, sends), (1, sends)):
            alone = max(sum(one[which] for one in row) for row in rows)
            way = sum(max(one[which] for one in row) for row in rows)
            time = max(alone, way + extra if split.pipeline > 1 else way)
            if which == 0:
                self.time_s += time
            else:
                self.bound_s += time
        self.device_s += split.tensor * sum(one[0] for row in rows for one in row)
        self.tokens += sum(len(contexts_of(batch)) for batch in batches)

    def _device(self, stage: int, batch: ByChannel) -> tuple[float, float]:
        """One micro-batch on a device of a pipeline stage: its time, and its bound."""
        split, contexts = self.workload.split, contexts_of(batch)
        trace = pipeline_stage(self.plan.trace(contexts), split.pipeline, stage)
        time = bound = 0.0
        layers = 0
        for block in trace.blocks:
            layers += block.repeats * block.layers
            for operator in block.operators:
                one = self._add(operator, block.repeats)
                time, bound = time + one[0], bound + one[1]
        link = self.system.link
        if link is not None and split.tensor > 1:
            for exchange in collectives(self.plan.model, split.tensor, len(contexts), self.workload.dtype):
                if exchange.place == "entry":
                    times = int(stage == 0)
                else:
                    times = layers if exchange.place == "after" else int(stage == split.pipeline - 1)
                took = times * exchange.time_s(link, split.tensor)
                total = self.totals.setdefault(EXCHANGE, _Total(EXCHANGE, "link"))
                total.count += times
                total.time_s += took
                total.bound_s += took
                time, bound = time + took, bound + took
        return time, bound

    def _add(self, operator: Operator, repeats: int) -> tuple[float, float]:
        name = operator.name.split(".", 1)[1] if operator.layer > OUTSIDE else operator.name
        time, limit = kernel_time_s(self.spec, operator)
        bound = bound_time_s(self.spec, operator)[0]
        total = self.totals.setdefault(name, _Total(operator.kind, limit))
        total.count += repeats
        total.time_s += time * repeats
        total.bound_s += bound * repeats
        total.flops += operator.flops * repeats
        total.bytes += operator.bytes * repeats
        return time * repeats, bound * repeats

    def result(self, system: str, policy: str, provenance: dict[str, Any]) -> Result:
        """The run's result. Energy is board power while the processors work."""
        tensor = self.workload.split.tensor
        energy = self.device_s * self.spec.power_w
        operators_s = sum(total.time_s for total in self.totals.values()) or 1.0
        scale = self.time_s / operators_s
        limits: dict[str, float] = {}
        for total in self.totals.values():
            limits[total.bottleneck] = limits.get(total.bottleneck, 0.0) + total.time_s
        moved = tensor * sum(total.bytes for total in self.totals.values())
        flops = tensor * sum(total.flops for total in self.totals.values())
        return Result(
            system=system,
            policy=policy,
            workload=self.workload.to_dict(),
            level="bound",
            time_s=self.time_s,
            bound_time_s=self.bound_s,
            tokens=self.tokens,
            tokens_per_s=self.tokens / self.time_s,
            time_per_token_s=self.time_s / self.iterations,
            energy_j=energy,
            power_w=energy / self.time_s,
            energy_parts_j={"processor": energy},
            bottleneck=max(limits, key=lambda name: limits[name]),
            traffic_bytes={"memory": moved},
            utilisation={
                "compute": flops / (self.spec.peak_tflops * 1e12) / self.device_s,
                "memory bandwidth": moved / (self.spec.bandwidth_gb_s * 1e9) / self.device_s,
            },
            row_hit_rate=None,
            counts={},
            fast_forward={"on": False},
            operators=tuple(
                OperatorResult(
                    name=name,
                    kind=total.kind,
                    unit="link" if name == EXCHANGE else "processor",
                    level="bound",
                    count=total.count,
                    time_s=total.time_s * scale,
                    bound_time_s=total.bound_s * scale,
                    overlapped_s=0.0,
                    energy_j=energy * total.time_s / operators_s,
                    bottleneck=total.bottleneck,
                    flops=total.flops,
                    bytes=total.bytes,
                )
                for name, total in self.totals.items()
            ),
            provenance=provenance,
        )
