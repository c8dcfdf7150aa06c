"""A batch of requests on processors known by their peaks and what their kernels reach: each operator in turn."""

from __future__ import annotations

from functools import reduce
from typing import Any

from bitline.arch.link.bound import send_s
from bitline.arch.systems.system import System
from bitline.base.columns import Column, larger
from bitline.base.errors import SpecError
from bitline.sim.run.batch_plan import BatchPlan, BatchWorkload, ByChannel, DeviceMemory, contexts_of
from bitline.sim.run.bound_metrics import BoundMetrics
from bitline.sim.run.processor_totals import LIMITS_WITH_LINK, ProcessorTotals
from bitline.sim.run.result import OperatorResult, Result
from bitline.sim.schedule.serving_policy import load_batch_policy
from bitline.sim.schedule.split import collectives, pipeline_stage, stage_bytes

EXCHANGE = "all_reduce"


class GpuBatchRun:
    """Requests in a batch on processors; a model may be cut over several of them."""

    def __init__(self, name: str, system: System, workload: BatchWorkload) -> None:
        if system.processor is None:
            raise SpecError(f"system '{name}' has no processor")
        self.spec, self.system, self.workload = system.processor, system, workload
        # Pages of keys and values in one memory, as on an NPU without compute in its banks.
        self.plan = BatchPlan(workload, load_batch_policy("npu-only"), DeviceMemory(int(self.spec.memory_gb * 1e9), 1))
        self.totals = ProcessorTotals(self.spec)
        self.time_s: Column = 0.0
        self.bound_s: Column = 0.0
        self.device_s: Column = 0.0
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
        sends: Column = 0.0
        if self.system.link is not None and split.pipeline > 1:
            most = max(len(contexts_of(batch)) for batch in batches)
            size = stage_bytes(self.plan.model, most, self.workload.dtype)
            sends = (split.pipeline - 1) * send_s(self.system.link, size)
        self.time_s = self.time_s + _round_s([[time for time, _bound in row] for row in rows], sends)
        self.bound_s = self.bound_s + _round_s([[bound for _time, bound in row] for row in rows], sends)
        self.device_s = self.device_s + split.tensor * sum(time for row in rows for time, _bound in row)
        self.tokens += sum(len(contexts_of(batch)) for batch in batches)

    def _device(self, stage: int, batch: ByChannel) -> tuple[Column, Column]:
        """One micro-batch on a device of a pipeline stage: its time, and its bound."""
        split, contexts = self.workload.split, contexts_of(batch)
        trace = pipeline_stage(self.plan.trace(contexts), split.pipeline, stage)
        time: Column = 0.0
        bound: Column = 0.0
        layers = 0
        for block in trace.blocks:
            layers += block.repeats * block.layers
            for operator in block.operators:
                of_time, of_bound = self.totals.add(operator, block.repeats)
                time, bound = time + of_time, bound + of_bound
        link = self.system.link
        if link is not None and split.tensor > 1:
            for exchange in collectives(self.plan.model, split.tensor, len(contexts), self.workload.dtype):
                if exchange.place == "entry":
                    times = int(stage == 0)
                else:
                    times = layers if exchange.place == "after" else int(stage == split.pipeline - 1)
                took = times * exchange.time_s(link, split.tensor)
                self.totals.add_exchange(EXCHANGE, times, took)
                time, bound = time + took, bound + took
        return time, bound

    def metrics(self) -> BoundMetrics:
        """What all iterations took. Energy is board power while the processors work."""
        energy = self.device_s * self.spec.power_w
        return BoundMetrics(
            time_s=self.time_s,
            bound_time_s=self.bound_s,
            tokens_per_s=self.tokens / self.time_s,
            time_per_token_s=self.time_s / self.iterations,
            energy_j=energy,
            power_w=energy / self.time_s,
            bottleneck=self.totals.bottleneck(),
            limits=LIMITS_WITH_LINK,
        )

    def result(self, system: str, policy: str, provenance: dict[str, Any]) -> Result:
        """The run's result."""
        tensor, metrics = self.workload.split.tensor, self.metrics()
        energy = metrics.energy_j
        operators_s = self.totals.time_s or 1.0
        scale = self.time_s / operators_s
        moved = tensor * sum(total.bytes for total in self.totals)
        flops = tensor * sum(total.flops for total in self.totals)
        return Result(
            system=system,
            policy=policy,
            workload=self.workload.to_dict(),
            **metrics.of_result(),
            tokens=self.tokens,
            energy_parts_j={"processor": energy},
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
                    bottleneck=LIMITS_WITH_LINK[total.limit],
                    flops=total.flops,
                    bytes=total.bytes,
                )
                for name, total in self.totals.items()
            ),
            provenance=provenance,
        )


def _round_s(times: list[list[Column]], sends_s: Column) -> Column:
    """Every micro-batch through every pipeline stage, in steady state: the slowest stage, or the longest way round."""
    alone = reduce(larger, (sum(row) for row in times))
    way = sum(reduce(larger, row) for row in times)
    return larger(alone, way + sends_s if len(times) > 1 else way)
