"""A system document: the devices of a machine, each naming a spec and what it overrides."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from bitline.arch.asic.spec import AsicSpec
from bitline.arch.dram.part import PARTS, PartSpec
from bitline.arch.roofline.spec import ProcessorSpec
from bitline.base.document import Document, Library, Source, check, merge

SYSTEMS = Library("system", Path(__file__).parent)


class MemorySpec(Document):
    """A memory with compute in its banks."""

    part: str = Field(description="DRAM part, a name of `bitline list specs` or a file")
    channels: Annotated[int, Field(ge=1, le=1 << 16)]
    refresh: bool = True
    override: dict[str, Any] = Field(default_factory=dict, description="fields of the part that differ here")


class System(Document):
    """Hardware. Either a memory with compute in its banks and its ASIC, or one processor at the bound level."""

    schema_: Literal[1] = Field(alias="schema")
    description: str
    source: str
    policy: str | None = Field(None, description="default policy")
    memory: MemorySpec | None = None
    asic: AsicSpec | None = None
    processor: ProcessorSpec | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> System:
        pim = self.memory is not None and self.asic is not None
        if pim == (self.processor is not None) or (self.memory is None) != (self.asic is None):
            raise ValueError("give memory and asic, or processor")
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
