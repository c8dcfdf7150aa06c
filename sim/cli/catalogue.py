"""What can be named on the command line: systems, policies, specs, controllers, NPUs, mappings, models."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pydantic

from bitline.arch.dram.controller import CONTROLLERS, ControllerSpec
from bitline.arch.dram.part import PARTS, PartSpec, load_part
from bitline.arch.npu.mapping import MAPPINGS, Mapping, load_mapping
from bitline.arch.npu.spec import CORES, NpuSpec, load_npu
from bitline.arch.systems.system import SYSTEMS, System, load_system
from bitline.base.document import Library, Source, check
from bitline.sim.schedule.policy import POLICIES
from bitline.sim.schedule.serving_policy import load_any_policy, policy_class
from bitline.traces import load_model, model_names
from bitline.traces.models.library import model_source
from bitline.traces.models.published import published_count
from bitline.traces.models.spec import ModelSpec

Row = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """One kind of document: where its names come from, how one is read, what a list says of it."""

    name: str
    plural: str
    title: str
    model_of: Callable[[Source], type[pydantic.BaseModel]]
    names: Callable[[], list[str]]
    source: Callable[[str], Source]
    summary: Callable[[str], Row]

    def load(self, name: str) -> tuple[pydantic.BaseModel, Source]:
        """The checked document of that name or file, and where each field was written. Raises SpecError."""
        source = self.source(name)
        return check(source, self.model_of(source)), source


def comment_of(library: Library, name: str) -> str:
    """The comment that a packaged document begins with: its description in a line."""
    first = (library.folder / f"{name}.yaml").read_text(encoding="utf-8").partition("\n")[0]
    return first.removeprefix("#").strip() if first.startswith("#") else ""


def _system(name: str) -> Row:
    system = load_system(name)
    return {"name": name, "policy": system.policy or "", "description": system.description, "source": system.source}


def _policy(name: str) -> Row:
    policy = load_any_policy(name)
    return {"name": name, "description": policy.description, "source": policy.source}


def _part(name: str) -> Row:
    part = load_part(name)
    return {
        "name": name,
        "standard": part.standard,
        "channel_gb_s": round(part.peak_bandwidth_gb_s, 3),
        "channel_mib": part.organisation.channel_bytes >> 20,
        "pim": part.pim is not None,
        "description": comment_of(PARTS, name),
        "source": part.source,
    }


def _controller(name: str) -> Row:
    controller = CONTROLLERS.load(name, ControllerSpec)
    return {"name": name, "description": comment_of(CONTROLLERS, name), "source": controller.source}


def _npu(name: str) -> Row:
    npu = load_npu(name)
    arrays = npu.cores * npu.array.count
    return {
        "name": name,
        "arrays": f"{arrays} x {npu.array.rows} x {npu.array.columns}",
        "clock_mhz": npu.clock_mhz,
        "rule": npu.array.rule,
        "description": npu.description,
        "source": npu.source,
    }


def _mapping(name: str) -> Row:
    mapping = load_mapping(name)
    return {"name": name, "description": mapping.description, "source": mapping.source}


def _model(name: str) -> Row:
    model, published = load_model(name), published_count(name)
    return {
        "name": name,
        "parameters": model.parameters,
        "published": None if published is None else published.parameters,
        "layers": model.layers,
        "hidden": model.hidden,
        "heads": model.heads,
        "max_position": model.max_position,
        "source": model.source,
    }


KINDS = (
    Kind("system", "systems", "system", lambda _: System, SYSTEMS.names, SYSTEMS.source, _system),
    Kind("policy", "policies", "policy", policy_class, POLICIES.names, POLICIES.source, _policy),
    Kind("spec", "specs", "DRAM part", lambda _: PartSpec, PARTS.names, PARTS.source, _part),
    Kind(
        "controller",
        "controllers",
        "memory controller",
        lambda _: ControllerSpec,
        CONTROLLERS.names,
        CONTROLLERS.source,
        _controller,
    ),
    Kind("npu", "npus", "NPU", lambda _: NpuSpec, CORES.names, CORES.source, _npu),
    Kind("mapping", "mappings", "mapping", lambda _: Mapping, MAPPINGS.names, MAPPINGS.source, _mapping),
    Kind("model", "models", "model", lambda _: ModelSpec, model_names, model_source, _model),
)
BY_NAME = {kind.name: kind for kind in KINDS}

# A field that documents of one kind alone have, to tell what a user's file is.
_MARKS = {"models": "study", "standard": "spec", "mapping": "policy", "hidden": "model", "vocab": "model"}


def kind_of_data(data: Any) -> str | None:
    """The kind of a user's document, by the fields that it has; "study" for a sweep."""
    if not isinstance(data, dict):
        return None
    if {"scratchpad", "accumulator", "array"} & set(data):
        return "npu"
    if {"memory", "asic", "processor"} & set(data):
        return "system"
    if {"pooled", "banked"} & set(data):
        return "controller"
    if isinstance(data.get("mapping"), str):
        return "controller"
    return next((kind for field, kind in _MARKS.items() if field in data), None)


def kinds_with(name: str) -> list[Kind]:
    """The kinds that have something of that name."""
    return [kind for kind in KINDS if name in kind.names()]


def all_names() -> list[str]:
    """Every name, for suggestions."""
    return [name for kind in KINDS for name in kind.names()]


def is_file_name(text: str) -> bool:
    """Does a user mean a file, not a name?"""
    return "/" in text or Path(text).suffix in (".yaml", ".yml", ".json", ".csv", ".parquet", ".sqlite")
