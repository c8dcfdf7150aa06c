"""A system document: the devices of a machine, each naming a spec and what it overrides."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from bitline.arch.asic.spec import AsicSpec
from bitline.arch.dram.part import PARTS, PartSpec
from bitline.arch.link.bound import LinkSpec
from bitline.arch.npu.spec import CORES, NpuSpec
from bitline.arch.roofline.spec import ProcessorSpec
from bitline.base.document import Document, Library, Path_, Source, check, merge
from bitline.base.errors import SpecError, did_you_mean

SYSTEMS = Library("system", Path(__file__).parent)


class MemorySpec(Document):
    """A memory, with or without compute in its banks."""

    part: str = Field(description="DRAM part, a name of `bitline list specs` or a file")
    channels: Annotated[int, Field(ge=1, le=1 << 16)]
    refresh: bool = True
    controller: str | None = Field(
        None, description="memory controller of an npu, a name of `bitline list controllers`"
    )
    mapping: str | None = Field(None, description="address mapping of an npu's memory; by default the controller's")
    override: dict[str, Any] = Field(default_factory=dict, description="fields of the part that differ here")


class NpuRef(Document):
    """The NPU of a device."""

    core: str = Field(description="a name of `bitline list npus` or a file")
    override: dict[str, Any] = Field(default_factory=dict, description="fields of the NPU that differ here")


class System(Document):
    """Hardware: a memory with compute in its banks and its ASIC, an NPU and its memory, or a processor by its peaks.

    `memory`, `npu` and `processor` are of one device; models may be cut over several, joined by `link`.
    """

    schema_: Literal[1] = Field(alias="schema")
    description: str
    source: str
    policy: str | None = Field(None, description="default policy")
    memory: MemorySpec | None = None
    asic: AsicSpec | None = None
    npu: NpuRef | None = None
    link: LinkSpec | None = Field(None, description="between the devices of a split model; none: it takes no time")
    processor: ProcessorSpec | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> System:
        kinds = [self.asic is not None, self.npu is not None, self.processor is not None]
        if sum(kinds) != 1 or (self.memory is None) != (self.processor is not None):
            raise ValueError("give memory and asic, memory and npu, or processor")
        if self.npu is not None and self.memory is not None and self.memory.controller is None:
            raise ValueError("memory of an npu has no controller")
        return self


_REACHED: dict[str, tuple[type[Document], type[Document]]] = {
    "memory": (MemorySpec, PartSpec),
    "npu": (NpuRef, NpuSpec),
}
"""Devices that name a document of their own, and the fields of both."""


def load_system(name: str, settings: dict[str, Any] | None = None) -> System:
    """The system of that name or file. Raises SpecError.

    Settings reach through to what a device names: `memory.pim.lanes_per_bank` is a field of the memory's part, short
    for `memory.override.pim.lanes_per_bank`.
    """
    full = {full_path(path): value for path, value in (settings or {}).items()}
    system = SYSTEMS.load(name, System, full)
    if system.memory is not None and any(path.startswith("memory.override") for path in full):
        _check_reached("memory", partial(memory_part, system.memory))
    if system.npu is not None and any(path.startswith("npu.override") for path in full):
        _check_reached("npu", partial(npu_spec, system.npu))
    return system


def full_path(path: str) -> str:
    """The path of a setting in the system's own document. Raises SpecError for a field that no document has."""
    place, _, rest = path.partition(".")
    field = rest.partition(".")[0]
    if place not in _REACHED or not field:
        return path
    own, named = (model.model_fields for model in _REACHED[place])
    if field in own:
        return path
    if field not in named:
        known = [*own, *(name for name in named if name not in ("schema_", "source", "description"))]
        raise SpecError("unknown field", file="--set", field=f"{place}.{field}", expected=did_you_mean(field, known))
    return f"{place}.override.{rest}"


def _check_reached(place: str, load: Callable[[], Document]) -> None:
    """Refuse a setting of a part as one of the system's own is: by the path that was given."""
    try:
        load()
    except SpecError as error:
        if error.file != f"{place}.override" or error.field is None:
            raise
        raise SpecError(error.problem, file="--set", field=f"{place}.{error.field}", expected=error.expected) from None


def memory_part(memory: MemorySpec) -> PartSpec:
    """The part of a memory, with its overrides. Raises SpecError."""
    return check(_overridden(PARTS.source(memory.part), "memory", memory.part, memory.override), PartSpec)


def npu_spec(npu: NpuRef) -> NpuSpec:
    """The NPU of a system, with its overrides. Raises SpecError."""
    return check(_overridden(CORES.source(npu.core), "npu", npu.core, npu.override), NpuSpec)


def _overridden(source: Source, place: str, name: str, override: dict[str, Any]) -> Source:
    if not override:
        return source
    lines: dict[Path_, tuple[str, int]] = dict.fromkeys(_paths(override, ()), (f"{place}.override", 0))
    lines[()] = (f"{name} with {place}.override", 0)
    return merge(source, Source(override, source.file, lines))


def _paths(value: Any, path: Path_) -> Iterator[Path_]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _paths(item, (*path, key))
    else:
        yield path
