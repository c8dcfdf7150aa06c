"""What a batched run is made of before a cycle is simulated: a device's share of the model, requests, channels."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bitline.base.errors import CapacityError, SpecError
from bitline.sim.schedule.pool import RequestPool
from bitline.sim.schedule.serving_policy import BatchPolicy, KvMemory, make_pool
from bitline.sim.schedule.split import Split, check_split, default_split, shard_model
from bitline.sim.schedule.sub_batch import micro_batches
from bitline.traces import ModelSpec, Trace, build_trace, load_model
from bitline.traces.dtypes import DType
from bitline.traces.requests import Request, load_lengths, warm_batch

ByChannel = list[list[Request]]


@dataclass(frozen=True)
class BatchWorkload:
    """A batch of requests of one model, each at its own context, and the devices that share the model."""

    model: str
    phase: str
    batch: int
    dtype: DType
    split: Split
    lengths: str | None
    """Distribution or file; None: every request at `context`."""
    seed: int
    context: int
    iterations: int = 1

    def to_dict(self) -> dict[str, Any]:
        """The workload as a result says it."""
        said: dict[str, Any] = {"model": self.model, "phase": self.phase, "batch": self.batch, "dtype": self.dtype}
        said |= {"tensor": self.split.tensor, "pipeline": self.split.pipeline}
        if self.lengths is None:
            said["context"] = self.context
        else:
            said |= {"lengths": self.lengths, "seed": self.seed}
        if self.iterations > 1:
            said["iterations"] = self.iterations
        return said


@dataclass(frozen=True)
class TraceWorkload:
    """Operators that were given as they are, on one device: one operator, or the layers of a topology."""

    model: str
    phase: str
    dtype: DType
    trace: Trace
    split: Split = field(default_factory=lambda: Split(tensor=1, pipeline=1))
    iterations: int = 1

    def to_dict(self) -> dict[str, Any]:
        """The workload as a result says it."""
        return {"model": self.model, "phase": self.phase, "dtype": self.dtype, "operators": len(self.trace)}


@dataclass(frozen=True)
class DeviceMemory:
    """What a device has for weights, keys and values."""

    bytes: int
    channels: int
    banks: int = 1
    row_bytes: int = 1024


class BatchPlan:
    """Requests on channels, and the share of the model that a device of each pipeline stage holds.

    Raises SpecError where the model cannot be split so, CapacityError where weights, or keys and values, do not fit.
    """

    def __init__(self, workload: BatchWorkload, policy: BatchPolicy, memory: DeviceMemory) -> None:
        self.workload, self.policy, self.memory = workload, policy, memory
        self.model: ModelSpec = load_model(workload.model)
        check_split(self.model, workload.split)
        self.share = shard_model(self.model, workload.split.tensor)
        self.layers_of_stage = self.model.layers // workload.split.pipeline
        self.clipped = 0
        self.requests = self._requests()
        self.pool = self._pool()

    # --- requests ---

    def _requests(self) -> tuple[Request, ...]:
        work, positions = self.workload, self.model.max_position
        if work.batch < 1:
            raise SpecError(f"is {work.batch}", field="batch", expected="at least 1 request")
        if work.lengths is None:
            if not 1 <= work.context <= positions:
                expected = f"1 to {positions}, the model's positions"
                raise CapacityError(f"is {work.context}", field="context", expected=expected)
            left = min(work.iterations, positions - work.context + 1)
            return tuple(Request(i, 0, work.context - 1 + left, work.context - 1) for i in range(work.batch))
        found = warm_batch(load_lengths(work.lengths), work.batch, work.seed, positions)
        self.clipped = found.clipped
        return found.requests

    def _pool(self) -> RequestPool:
        policy, memory = self.policy, self.memory
        weights = self.weight_bytes()
        if weights >= memory.bytes:
            raise CapacityError(
                f"the weights of {self.model.name} take {weights / 1e9:.2f} GB of a device, "
                f"{(weights - memory.bytes) / 1e9:.2f} GB more than its memory",
                field="parallel",
                expected="more devices (--tensor, --pipeline) or more memory",
            )
        stage = self.share.model_copy(update={"layers": self.layers_of_stage})
        left = KvMemory(memory.channels, memory.bytes - weights, memory.banks, memory.row_bytes)
        pool = make_pool(policy, self.model, stage, left, self.requests, self.workload.dtype)
        pool.admit_all()
        return pool

    def weight_bytes(self) -> int:
        """Weights of the fullest device: one pipeline stage's layers, and the larger of embedding and head."""
        trace = self.trace((1,))
        of_layers = outside = 0
        for name, tensor in trace.tensors().items():
            if tensor.role == "weight":
                if name.startswith("layer"):
                    of_layers += tensor.bytes
                else:
                    outside += tensor.bytes
        return of_layers // self.workload.split.pipeline + outside

    def micro_batches(self) -> list[ByChannel]:
        """Requests by channel, cut in as many micro-batches as there are pipeline stages."""
        channels = self.pool.by_channel()
        stages = self.workload.split.pipeline
        return [channels] if stages == 1 else micro_batches(channels, stages)

    # --- the model ---

    def trace(self, contexts: tuple[int, ...]) -> Trace:
        """The operators of one device on requests of these contexts: one token each, or their whole prompts."""
        phase = "prefill" if self.workload.phase == "prefill" else "decode"
        return build_trace(self.share, phase=phase, contexts=contexts, dtype=self.workload.dtype)


def contexts_of(requests: ByChannel) -> tuple[int, ...]:
    """Contexts of all requests, channel after channel."""
    return tuple(request.context for channel in requests for request in channel)


def make_batch_workload(
    model: str,
    phase: str,
    batch: int,
    context: int,
    dtype: DType,
    *,
    lengths: str | None,
    seed: int,
    tensor: int | None,
    pipeline: int | None,
    iterations: int,
) -> BatchWorkload:
    """Check and complete a workload. Raises SpecError."""
    if phase not in ("decode", "prefill"):
        raise SpecError(f"phase {phase} on a batch", field="phase", expected="decode, with --iterations, or prefill")
    if iterations < 1 or (phase == "prefill" and iterations > 1):
        raise SpecError(f"is {iterations}", field="iterations", expected="1 or more, in phase decode")
    split = default_split(model)
    chosen = {"tensor": split.tensor if tensor is None else tensor}
    chosen["pipeline"] = split.pipeline if pipeline is None else pipeline
    for name, value in chosen.items():
        if not 1 <= value <= 1 << 12:
            raise SpecError(f"is {value}", field=name, expected="1 to 4096")
    return BatchWorkload(model, phase, batch, dtype, Split(**chosen), lengths, seed, context, iterations)
