"""`bitline.run`: a workload on a system."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import bitline
from bitline.arch.npu.mapping import Mapping, load_mapping
from bitline.arch.systems.system import System, load_system, npu_spec
from bitline.base.errors import SpecError, did_you_mean
from bitline.base.hashing import content_hash, source_hash
from bitline.sim.run.batch_plan import BatchWorkload, TraceWorkload, make_batch_workload
from bitline.sim.run.batch_result import batch_bound_result, batch_result
from bitline.sim.run.batch_run import BatchRun
from bitline.sim.run.bound_run import BoundRun
from bitline.sim.run.gpu_batch import GpuBatchRun
from bitline.sim.run.pim_result import bound_result, cycle_result
from bitline.sim.run.pim_run import PimRun
from bitline.sim.run.result import Result
from bitline.sim.run.workload import Workload, make_workload
from bitline.sim.schedule.policy import Policy, load_policy
from bitline.sim.schedule.serving_policy import BatchPolicy, load_any_policy, load_batch_policy
from bitline.traces import DTYPES, DType
from bitline.traces.one_operator import operator_trace
from bitline.traces.scale_sim import topology_trace

LEVELS = ("cycle", "bound")
POLICY_PREFIX = "policy."
TILING_PREFIX = "mapping."

AnyWorkload = Workload | BatchWorkload | TraceWorkload


@dataclass(frozen=True)
class Request:
    """What a user asks to be run, besides the system, the policy and their settings."""

    model: str | None = None
    operator: str | None = None
    """One operator, as text."""
    topology: str | None = None
    """A SCALE-Sim topology file."""
    phase: str = "decode"
    batch: int = 1
    context: int = 1024
    prompt: int | None = None
    tokens: int | None = None
    lengths: str | None = None
    seed: int = 0
    tensor: int | None = None
    pipeline: int | None = None
    iterations: int = 1
    dtype: str | None = None

    @property
    def given(self) -> bool:
        """Are operators given in place of a model?"""
        return self.operator is not None or self.topology is not None

    @property
    def name(self) -> str:
        """The model. Raises SpecError where there is none."""
        if self.model is None:
            raise SpecError("nothing to run", field="model", expected="a model; operators run on an NPU")
        return self.model

    @property
    def batched(self) -> bool:
        """Does it say what only batched runs know?"""
        return not (self.lengths is None and self.tensor is None and self.pipeline is None and self.iterations == 1)


@dataclass(frozen=True)
class Plan:
    """A run that was checked and has not begun."""

    system_name: str
    system: System
    policy_name: str
    policy: Policy | BatchPolicy
    workload: AnyWorkload
    provenance: dict[str, Any]
    tiling: Mapping | None = None

    @property
    def steps(self) -> int:
        """Tokens of a request, or iterations."""
        return len(self.workload.contexts) if isinstance(self.workload, Workload) else self.workload.iterations


def plan(system: str, *, policy: str | None = None, settings: dict[str, Any] | None = None, **asked: Any) -> Plan:
    """Load and check everything that a run names.

    Settings begin with `policy.` or `mapping.` (tiles on an NPU), or speak of the system. `asked`: see Request.
    """
    request = Request(**asked)
    given = settings or {}
    for_policy, for_tiling = _of(given, POLICY_PREFIX), _of(given, TILING_PREFIX)
    for_system = {name: value for name, value in given.items() if not name.startswith((POLICY_PREFIX, TILING_PREFIX))}
    hardware = load_system(system, for_system)
    policy_name = policy or hardware.policy
    if policy_name is None:
        raise SpecError("the system names no policy", file=system, field="policy", expected="a policy, or --policy")
    schedule: Policy | BatchPolicy
    workload: AnyWorkload
    tiling = None
    if hardware.npu is not None:
        schedule = load_batch_policy(policy_name, for_policy)
        tiling = load_mapping(schedule.tiling, for_tiling)
        dtype = _npu_dtype(hardware, request.dtype)
        workload = _given(request, dtype) if request.given else _batch(request, dtype)
    elif hardware.processor is not None and request.batched:
        schedule = load_any_policy(policy_name, for_policy)
        workload = _batch(request, _known_dtype(request.dtype or "bf16"))
    else:
        if request.given:
            raise SpecError(f"system '{system}' has no NPU", field="operator", expected="a system with an NPU")
        if request.batched:
            raise SpecError(
                f"system '{system}' runs request by request", field="lengths", expected="a system with an NPU or a GPU"
            )
        schedule = load_policy(policy_name, for_policy)
        workload = make_workload(
            request.name,
            request.phase,
            request.batch,
            request.context,
            request.prompt,
            request.tokens,
            request.dtype or _dtype(hardware),
        )
    if for_tiling and tiling is None:
        raise SpecError("is of an NPU", file="--set", field=TILING_PREFIX + next(iter(for_tiling)))
    resolved = {
        "system": hardware.model_dump(mode="json", by_alias=True),
        "policy": schedule.model_dump(mode="json", by_alias=True),
        "workload": workload.to_dict(),
        **({} if tiling is None else {"mapping": tiling.model_dump(mode="json", by_alias=True)}),
    }
    provenance = {
        "version": bitline.__version__,
        "code_hash": code_hash(),
        "key": content_hash({**resolved, "code": code_hash()}),
        "command": _command(system, workload, policy, given),
        "resolved": resolved,
    }
    names = Path(system).stem, Path(policy_name).stem
    return Plan(names[0], hardware, names[1], schedule, workload, provenance, tiling)


def _of(settings: dict[str, Any], prefix: str) -> dict[str, Any]:
    return {name[len(prefix) :]: settings[name] for name in settings if name.startswith(prefix)}


def _given(request: Request, dtype: DType) -> TraceWorkload:
    """Operators that were given as they are."""
    if request.operator is not None:
        trace = operator_trace(request.operator, dtype)
        return TraceWorkload(request.operator, "forward", trace.activation_dtype, trace)
    assert request.topology is not None
    return TraceWorkload(request.topology, "forward", dtype, topology_trace(request.topology, dtype))


def _batch(request: Request, dtype: DType) -> BatchWorkload:
    if request.prompt is not None or request.tokens is not None:
        raise SpecError("prompt and tokens say nothing of a batch", field="prompt", expected="lengths, or a context")
    return make_batch_workload(
        request.name,
        request.phase,
        request.batch,
        request.context,
        dtype,
        lengths=request.lengths,
        seed=request.seed,
        tensor=request.tensor,
        pipeline=request.pipeline,
        iterations=request.iterations,
    )


def run(
    system: str,
    *,
    policy: str | None = None,
    settings: dict[str, Any] | None = None,
    level: str = "cycle",
    fast_forward: bool = True,
    progress: Callable[[int], None] | None = None,
    **asked: Any,
) -> Result:
    """Run a model on a system and return what it took.

    `system` and `policy`: names of `bitline list`, or YAML files. `settings`: {"memory.channels": 16, "policy.softmax":
    "whole", "mapping.tile_m": 256}. `asked`: model, phase, batch, context, prompt, tokens; on an NPU or a GPU also
    lengths, seed, tensor, pipeline, iterations, dtype (see Request). Raises SpecError, TraceError and CapacityError for
    what cannot be run.
    """
    planned = plan(system, policy=policy, settings=settings, **asked)
    return execute(planned, level=level, fast_forward=fast_forward, progress=progress)[0]


def execute(
    planned: Plan,
    *,
    level: str = "cycle",
    fast_forward: bool = True,
    logging: bool = False,
    bins: int = 0,
    progress: Callable[[int], None] | None = None,
) -> tuple[Result, PimRun | BatchRun | None]:
    """Run a plan. The second value holds logs and timelines where the system has any.

    `bins`: sample utilisation so many times a stage, on systems with an NPU.
    """
    if level not in LEVELS:
        raise SpecError(f"unknown level '{level}'", field="level", expected=did_you_mean(level, LEVELS))
    names = (planned.system_name, planned.policy_name, planned.provenance)
    system, workload, policy = planned.system, planned.workload, planned.policy
    if system.processor is not None:
        if level == "cycle":
            raise SpecError(f"system '{planned.system_name}' is known by its peaks alone", expected="--level bound")
        if isinstance(workload, BatchWorkload):
            gpu = GpuBatchRun(planned.system_name, system, workload)
            gpu.run()
            return gpu.result(*names), None
        assert isinstance(workload, Workload)
        bound = BoundRun(planned.system_name, system, workload)
        bound.run()
        return bound.result(*names), None
    if not isinstance(workload, Workload):
        assert isinstance(policy, BatchPolicy)
        assert planned.tiling is not None
        batch = BatchRun(
            planned.system_name, system, policy, planned.tiling, workload, fast_forward=fast_forward, logging=logging,
            bins=bins,
        )  # fmt: skip
        if level == "bound":
            batch.bound()
            return batch_bound_result(batch, *names), None
        batch.run(progress)
        return batch_result(batch, *names), batch
    assert isinstance(policy, Policy)
    pim = PimRun(planned.system_name, system, policy, workload, fast_forward=fast_forward, logging=logging)
    if level == "bound":
        pim.bound()
        return bound_result(pim, *names), None
    pim.run(progress)
    return cycle_result(pim, *names), pim


@lru_cache(maxsize=1)
def code_hash() -> str:
    """A hash of the sources that results come from: cores, lowerings, schedules and traces."""
    return source_hash(_folders())


def _folders() -> Iterator[Path]:
    package = Path(bitline.__file__).parent
    for name in ("csrc", "arch", "traces", "sim/run", "sim/schedule"):
        yield package / name


def _dtype(system: System) -> str:
    """The number format that the hardware computes in."""
    if system.memory is None:
        return "bf16"
    from bitline.arch.systems.system import memory_part

    part = memory_part(system.memory)
    if part.pim is None:
        raise SpecError(f"part '{system.memory.part}' has no compute in its banks", field="memory.part")
    return part.pim.dtype


def _npu_dtype(system: System, asked: str | None) -> DType:
    """The number format that an NPU computes in: the one asked for, else its first."""
    assert system.npu is not None
    formats = npu_spec(system.npu).array.macs_per_pe
    if asked is None:
        return next(iter(formats))
    for known in formats:
        if known == asked:
            return known
    raise SpecError(f"the NPU does not compute in '{asked}'", field="dtype", expected=did_you_mean(asked, formats))


def _known_dtype(asked: str) -> DType:
    for known in DTYPES:
        if known == asked:
            return known
    raise SpecError(f"unknown number format '{asked}'", field="dtype", expected=did_you_mean(asked, DTYPES))


def _command(system: str, workload: AnyWorkload, policy: str | None, settings: dict[str, Any]) -> str:
    """The command line that gives this result again."""
    said = workload.to_dict()
    words = ["bitline", "run", system]
    if isinstance(workload, TraceWorkload):
        option = "--topology" if workload.model.endswith(".csv") else "--operator"
        words += [option, workload.model, "--dtype", workload.dtype]
    else:
        words += ["--model", workload.model, "--phase", workload.phase]
    for name in ("batch", "context", "prompt", "tokens", "lengths", "seed", "tensor", "pipeline", "iterations"):
        if name in said:
            words += [f"--{name}", str(said[name])]
    if policy is not None:
        words += ["--policy", policy]
    for name, value in sorted(settings.items()):
        words += ["--set", f"{name}={value}"]
    return shlex.join(words)
