"""A policy of batched decoding on an NPU with or without compute in its memory: what runs where, beside what.

Such documents lie beside the other policies and say `kind: batched`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import pydantic
from pydantic import Field, field_validator, model_validator

from bitline.base.document import Document, Source, check
from bitline.base.errors import SpecError, did_you_mean
from bitline.sim.schedule.assign import make_assignment
from bitline.sim.schedule.kv_space import KvRule, KvSpace, page_rule, tile_rule
from bitline.sim.schedule.mha_estimate import MhaEstimate, request_load
from bitline.sim.schedule.policy import POLICIES, Policy
from bitline.sim.schedule.pool import RequestPool
from bitline.sim.schedule.sub_batch import SubBatchRule, interleaves
from bitline.traces import ModelSpec
from bitline.traces.dtypes import BITS, DType
from bitline.traces.operator import KINDS
from bitline.traces.requests import Request

BATCHED = "batched"

BatchUnit = Literal["npu", "pim"]
AssignmentName = Literal["round_robin", "greedy_min_load", "shortest_queue"]

# What banks can do for a batch: products of a vector with rows that one request alone needs.
IN_BANKS = ("attention",)


class BatchPolicy(Document):
    """How a batch of requests is put on an NPU and its memory."""

    schema_: Literal[1] = Field(alias="schema")
    kind: Literal["batched"]
    description: str
    source: str
    mapping: dict[str, BatchUnit] = Field(description="operator kind -> npu or pim; `other` for those not named")
    tiling: str = Field("traffic", description="how products are cut into tiles, a name of `bitline list mappings`")
    assignment: AssignmentName = Field(
        "round_robin", description="which channel a request goes to, where attention runs in the banks"
    )
    mha_estimate: MhaEstimate = Field(MhaEstimate(), description="what a packing assignment believes of attention")
    sub_batch: SubBatchRule = Field(
        "never", description="cut the batch in two halves that take turns on NPU and banks: from_batch requests on"
    )
    sub_batch_from: Annotated[int, Field(ge=2, le=1 << 20)] = Field(
        256, description="the smallest batch that is cut, with sub_batch: from_batch"
    )
    kv_page_tokens: Annotated[int, Field(ge=1, le=1 << 16)] = Field(
        16, description="tokens of a page of keys and values, where attention runs on the NPU"
    )
    kv_tiles_for: Literal["share", "model"] = Field(
        "share", description="heads that tiles in the banks are taken for: the device's share, or the whole model's"
    )
    kv_layers: Literal["all", "one"] = Field(
        "all", description="layers whose keys and values have to fit; the authors' simulator takes room for one"
    )
    exchanges: Literal["counted", "ignored"] = Field(
        "counted", description="all-reduces of a tensor-parallel group: on the NPU's side of their stage, or in no time"
    )
    lengths: str = Field("sharegpt", description="dataset or file that requests are drawn from")
    max_batch: Annotated[int, Field(ge=1, le=1 << 20)] = Field(1024, description="requests that may run at a time")

    @field_validator("mapping")
    @classmethod
    def _possible(cls, mapping: dict[str, BatchUnit]) -> dict[str, BatchUnit]:
        for kind, unit in mapping.items():
            if kind != "other" and kind not in KINDS:
                raise ValueError(f"'{kind}' is no kind of operator: {did_you_mean(kind, KINDS)}")
            if unit == "pim" and kind not in IN_BANKS:
                raise ValueError(f"operators of kind '{kind}' do not run in the banks, only {', '.join(IN_BANKS)}")
        return mapping

    @model_validator(mode="after")
    def _consistent(self) -> BatchPolicy:
        if self.sub_batch != "never" and not self.attention_in_banks:
            raise ValueError("sub_batch needs attention in the banks: halves take turns on NPU and banks")
        return self

    def unit_of(self, kind: str) -> BatchUnit:
        """Where operators of a kind run."""
        return self.mapping.get(kind, self.mapping.get("other", "npu"))

    @property
    def attention_in_banks(self) -> bool:
        """Is a request tied to a channel?"""
        return self.unit_of("attention") == "pim"

    def interleaves(self, batch: int) -> bool:
        """Is a batch of that many requests on one device cut in halves?"""
        return interleaves(self.sub_batch, self.sub_batch_from, batch)


def policy_class(source: Source) -> type[pydantic.BaseModel]:
    """The class of a policy document, by its `kind`."""
    batched = isinstance(source.data, dict) and source.data.get("kind") == BATCHED
    return BatchPolicy if batched else Policy


def load_any_policy(name: str, settings: dict[str, Any] | None = None) -> Policy | BatchPolicy:
    """The policy of that name or file, of either kind. Raises SpecError."""
    source = POLICIES.source(name, settings)
    return check(source, BatchPolicy) if policy_class(source) is BatchPolicy else check(source, Policy)


def load_batch_policy(name: str, settings: dict[str, Any] | None = None) -> BatchPolicy:
    """The policy of that name or file. Raises SpecError, also for a policy of one request at a time."""
    policy = load_any_policy(name, settings)
    if not isinstance(policy, BatchPolicy):
        batched = [known for known in POLICIES.names() if policy_class(POLICIES.source(known)) is BatchPolicy]
        problem = f"policy '{name}' is for one request at a time"
        raise SpecError(problem, field="policy", expected=f"one of {', '.join(batched)}")
    return policy


@dataclass(frozen=True, slots=True)
class KvMemory:
    """What one device's memory has for keys and values."""

    channels: int
    bytes_left: int
    """Of all channels together, without weights and activations."""
    banks: int
    """Of a channel, all ranks."""
    row_bytes: int
    """Of one bank."""


def kv_rule(policy: BatchPolicy, model: ModelSpec, share: ModelSpec, memory: KvMemory, dtype: DType) -> KvRule:
    """How the cache of a device is allocated: `share` is the device's part of `model`, its layers too."""
    if policy.kv_layers == "one":
        share = share.model_copy(update={"layers": 1})
    if not policy.attention_in_banks:
        return page_rule(share, policy.kv_page_tokens, dtype)
    heads = model.kv_heads if policy.kv_tiles_for == "model" else 0
    return tile_rule(share, memory.banks, memory.row_bytes, dtype, allocate_heads=heads)


def make_pool(
    policy: BatchPolicy,
    model: ModelSpec,
    share: ModelSpec,
    memory: KvMemory,
    requests: Iterable[Request],
    dtype: DType = "fp16",
) -> RequestPool:
    """The requests of a device: each on a channel where attention runs in the banks, else all on the memory as a whole.

    Raises SpecError; CapacityError where nothing is left for keys and values.
    """
    homes = memory.channels if policy.attention_in_banks else 1
    space = KvSpace(kv_rule(policy, model, share, memory, dtype), homes, memory.bytes_left // homes)
    load = request_load(policy.mha_estimate, share, memory.row_bytes * 8 // BITS[dtype], memory.banks)
    return RequestPool(requests, space, make_assignment(policy.assignment), load, policy.max_batch)
