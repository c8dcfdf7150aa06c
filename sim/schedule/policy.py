"""A policy document: mapping of operator kinds to units, reserved rows, what overlaps."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from bitline.base.document import Document, Library, check
from bitline.base.errors import SpecError

POLICIES = Library("policy", Path(__file__).parent / "policies")

Unit = Literal["pim", "asic", "processor"]


class Policy(Document):
    """How a workload is put on a system."""

    schema_: Literal[1] = Field(alias="schema")
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


def load_policy(name: str, settings: dict[str, Any] | None = None) -> Policy:
    """The policy of that name or file. Raises SpecError, also for a policy of batched decoding."""
    source = POLICIES.source(name, settings)
    if isinstance(source.data, dict) and "kind" in source.data:
        # Such documents are of another class: see serving_policy.
        problem = f"policy '{name}' is for batches on an NPU"
        raise SpecError(problem, field="policy", expected="a policy of one request at a time")
    return check(source, Policy)
