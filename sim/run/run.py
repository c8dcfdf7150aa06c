"""`bitline.run`: a workload on a system."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import bitline
from bitline.arch.systems.system import System, load_system
from bitline.base.errors import SpecError, did_you_mean
from bitline.base.hashing import content_hash, source_hash
from bitline.sim.run.bound_run import BoundRun
from bitline.sim.run.pim_result import bound_result, cycle_result
from bitline.sim.run.pim_run import PimRun
from bitline.sim.run.result import Result
from bitline.sim.run.workload import Workload, make_workload
from bitline.sim.schedule.policy import Policy, load_policy

LEVELS = ("cycle", "bound")
POLICY_PREFIX = "policy."


@dataclass(frozen=True)
class Plan:
    """A run that was checked and has not begun."""

    system_name: str
    system: System
    policy_name: str
    policy: Policy
    workload: Workload
    provenance: dict[str, Any]


def plan(
    system: str,
    *,
    model: str,
    phase: str = "decode",
    batch: int = 1,
    context: int = 1024,
    prompt: int | None = None,
    tokens: int | None = None,
    policy: str | None = None,
    settings: dict[str, Any] | None = None,
) -> Plan:
    """Load and check everything that a run names. Settings begin with `policy.` or speak of the system."""
    given = settings or {}
    for_policy = {name[len(POLICY_PREFIX) :]: given[name] for name in given if name.startswith(POLICY_PREFIX)}
    for_system = {name: value for name, value in given.items() if not name.startswith(POLICY_PREFIX)}
    hardware = load_system(system, for_system)
    policy_name = policy or hardware.policy
    if policy_name is None:
        raise SpecError("the system names no policy", file=system, field="policy", expected="a policy, or --policy")
    schedule = load_policy(policy_name, for_policy)
    workload = make_workload(model, phase, batch, context, prompt, tokens, _dtype(hardware))
    resolved = {
        "system": hardware.model_dump(mode="json", by_alias=True),
        "policy": schedule.model_dump(mode="json", by_alias=True),
        "workload": workload.to_dict(),
    }
    provenance = {
        "version": bitline.__version__,
        "code_hash": code_hash(),
        "key": content_hash({**resolved, "code": code_hash()}),
        "command": _command(system, workload, policy, given),
        "resolved": resolved,
    }
    return Plan(Path(system).stem, hardware, Path(policy_name).stem, schedule, workload, provenance)


def run(
    system: str,
    *,
    model: str,
    phase: str = "decode",
    batch: int = 1,
    context: int = 1024,
    prompt: int | None = None,
    tokens: int | None = None,
    policy: str | None = None,
    settings: dict[str, Any] | None = None,
    level: str = "cycle",
    fast_forward: bool = True,
    progress: Callable[[int], None] | None = None,
) -> Result:
    """Run a model on a system and return what it took.

    `system` and `policy`: names of `bitline list`, or YAML files. `settings`: {"memory.channels": 16, "policy.softmax":
    "whole"}. Raises SpecError, TraceError and CapacityError for what cannot be run.
    """
    planned = plan(
        system,
        model=model,
        phase=phase,
        batch=batch,
        context=context,
        prompt=prompt,
        tokens=tokens,
        policy=policy,
        settings=settings,
    )
    return execute(planned, level=level, fast_forward=fast_forward, progress=progress)[0]


def execute(
    planned: Plan,
    *,
    level: str = "cycle",
    fast_forward: bool = True,
    logging: bool = False,
    progress: Callable[[int], None] | None = None,
) -> tuple[Result, PimRun | None]:
    """Run a plan. The second value holds logs and timelines where the system has any."""
    if level not in LEVELS:
        raise SpecError(f"unknown level '{level}'", field="level", expected=did_you_mean(level, LEVELS))
    if planned.system.processor is not None:
        if level == "cycle":
            raise SpecError(f"system '{planned.system_name}' is known by its peaks alone", expected="--level bound")
        bound = BoundRun(planned.system_name, planned.system, planned.workload)
        bound.run()
        return bound.result(planned.system_name, planned.policy_name, planned.provenance), None
    pim = PimRun(
        planned.system_name,
        planned.system,
        planned.policy,
        planned.workload,
        fast_forward=fast_forward,
        logging=logging,
    )
    names = (planned.system_name, planned.policy_name, planned.provenance)
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


def _command(system: str, workload: Workload, policy: str | None, settings: dict[str, Any]) -> str:
    """The command line that gives this result again."""
    said = workload.to_dict()
    words = ["bitline", "run", system, "--model", workload.model, "--phase", workload.phase]
    for name in ("batch", "context", "prompt", "tokens"):
        if name in said:
            words += [f"--{name}", str(said[name])]
    if policy is not None:
        words += ["--policy", policy]
    for name, value in sorted(settings.items()):
        words += ["--set", f"{name}={value}"]
    return shlex.join(words)
