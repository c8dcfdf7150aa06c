"""A policy document: what runs where, what is kept where, what overlaps. The kind says which system it is for."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from bitline.base.document import Document, Library, check
from bitline.base.errors import SpecError, did_you_mean
from bitline.sim.schedule.assign import ASSIGNMENTS
from bitline.sim.schedule.mha_estimate import MhaEstimate

POLICIES = Library("policy", Path(__file__).parent / "policies")

Unit = Literal["pim", "asic", "npu", "processor"]


class Policy(Document):
    """How tokens of single requests are put on a memory with compute in its banks and its ASIC, or on a processor."""

    schema_: Literal[1] = Field(alias="schema")
    kind: Literal["token"] = "token"
    description: str
    source: str
    mapping: dict[str, Unit] = Field(description="operator kind -> unit; `other` for the kinds that are not named")
    reserved_tokens: Annotated[int, Field(ge=0, le=1 << 30)] = Field(
        0, description="tokens that K and V rows are reserved for; 0: the model's positions, at most 4096"
    )
    value_append: Literal["during_softmax", "before_score"] = Field(
        "during_softmax", description="when the new token's values are written"
    )
    softmax: Literal["by_chunk", "whole"] = Field(
        "by_chunk", description="softmax of a chunk of heads beside the scores of the next, or all after all scores"
    )

    def unit_of(self, kind: str) -> Unit:
        """Where operators of a kind run."""
        return self.mapping.get(kind, self.mapping.get("other", "asic"))


class BatchPolicy(Document):
    """How a batch of requests is put on an NPU and its memory."""

    schema_: Literal[1] = Field(alias="schema")
    kind: Literal["batched"]
    description: str
    source: str
    mapping: dict[str, Unit] = Field(description="operator kind -> unit; `other` for the kinds that are not named")
    tiling: str = Field("traffic", description="how products are cut into tiles, a name of `bitline list mappings`")
    assignment: str = Field("round_robin", description="which channel keeps a request, where attention is in the banks")
    estimate: MhaEstimate = Field(
        default_factory=lambda: MhaEstimate(gwrite_ck=100, tile_ck=184, row_elements=512, banks=32),
        description="what the assignment believes of a request's attention",
    )
    sub_batch: Literal["never", "always", "from_batch"] = Field(
        "never", description="two halves of the batch that cross NPU and banks: never, always, or from a batch on"
    )
    sub_batch_from: Annotated[int, Field(ge=2, le=1 << 20)] = 256
    page_tokens: Annotated[int, Field(ge=1, le=1 << 20)] = Field(
        16, description="tokens of a page of keys and values, where these are not in the rows of the banks"
    )

    @field_validator("assignment")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in ASSIGNMENTS:
            raise ValueError(f"unknown assignment '{value}'; {did_you_mean(value, ASSIGNMENTS)}")
        return value

    def unit_of(self, kind: str) -> Unit:
        """Where operators of a kind run."""
        return self.mapping.get(kind, self.mapping.get("other", "npu"))

    @property
    def attention_in_banks(self) -> bool:
        """Is attention computed where keys and values lie?"""
        return self.unit_of("attention") == "pim"


def load_policy(name: str, settings: dict[str, Any] | None = None) -> Policy | BatchPolicy:
    """The policy of that name or file. Raises SpecError."""
    source = POLICIES.source(name, settings)
    kind = source.data.get("kind", "token")
    classes: dict[str, type[Policy] | type[BatchPolicy]] = {"token": Policy, "batched": BatchPolicy}
    if kind not in classes:
        raise SpecError(f"unknown kind '{kind}'", file=source.file, field="kind", expected=did_you_mean(kind, classes))
    return check(source, classes[kind])
