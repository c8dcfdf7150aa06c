"""A system document: the devices of a machine, each naming a spec and what it overrides."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from bitline.arch.asic.spec import AsicSpec
from bitline.arch.dram.part import PARTS, PartSpec
from bitline.arch.link.bound import LinkSpec
from bitline.arch.npu.spec import CORES, NpuSpec
from bitline.arch.roofline.spec import ProcessorSpec
from bitline.base.document import Document, Library, Source, check, merge

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


def load_system(name: str, settings: dict[str, Any] | None = None) -> System:
    """The system of that name or file. Raises SpecError."""
    return SYSTEMS.load(name, System, settings)


def memory_part(memory: MemorySpec) -> PartSpec:
    """The part of a memory, with its overrides. Raises SpecError."""
    source = PARTS.source(memory.part)
    if memory.override:
        source = merge(source, Source(memory.override, f"part {memory.part} with memory.override", {}))
    return check(source, PartSpec)


def npu_spec(npu: NpuRef) -> NpuSpec:
    """The NPU of a system, with its overrides. Raises SpecError."""
    source = CORES.source(npu.core)
    if npu.override:
        source = merge(source, Source(npu.override, f"npu {npu.core} with npu.override", {}))
    return check(source, NpuSpec)
