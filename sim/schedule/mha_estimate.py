"""How long attention of a request keeps its channel busy: what the scheduler believes before anything is simulated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from bitline.base.document import Document
from bitline.traces import ModelSpec

Cycles = Annotated[int, Field(ge=0, le=1 << 20)]
Size = Annotated[int, Field(ge=1, le=1 << 20)]


class MhaEstimate(Document):
    """NeuPIMs (arXiv 2403.00579), Algorithm 1: L = gwrite_ck x GWRITEs + tile_ck x tiles of one request in one layer.

    A tile is one row of all banks. The constants are the authors' (their simulated GWRITE takes 96 cycles).
    """

    gwrite_ck: Cycles = Field(100, description="cycles of a GWRITE: a row of one bank to the global vector buffer")
    tile_ck: Cycles = Field(184, description="cycles of a tile: open a row in all banks, multiply, close it")
    row_elements: Size = Field(512, description="elements of a row of one bank (P)")
    banks: Size = Field(32, description="banks of a channel (B)")

    def counts(self, heads: int, head_dim: int, context: int) -> MhaCounts:
        """GWRITEs and tiles of score and context, with `heads` query heads on this device (after the split).

        Keys that several query heads share are read once for each of them.
        """
        chunks = _ceil(heads * head_dim, self.row_elements)
        pieces = _ceil(context, self.row_elements) * heads
        return MhaCounts(
            score_gwrites=chunks,
            score_tiles=_ceil(context, self.banks) * chunks,
            context_gwrites=pieces,
            context_tiles=_ceil(head_dim, self.banks) * pieces,
        )

    def cycles(self, heads: int, head_dim: int, context: int) -> int:
        """The estimate, in cycles of the memory clock."""
        counts = self.counts(heads, head_dim, context)
        gwrites = counts.score_gwrites + counts.context_gwrites
        return self.gwrite_ck * gwrites + self.tile_ck * (counts.score_tiles + counts.context_tiles)


@dataclass(frozen=True, slots=True)
class MhaCounts:
    """What one request asks of its channel in one layer."""

    score_gwrites: int
    score_tiles: int
    context_gwrites: int
    context_tiles: int


@dataclass(frozen=True, slots=True)
class RequestLoad:
    """The estimate as a function of the context alone: for one device's share of a model."""

    estimate: MhaEstimate
    heads: int
    head_dim: int

    def __call__(self, context: int) -> int:
        """Cycles of one layer."""
        return self.estimate.cycles(self.heads, self.head_dim, context)


def request_load(estimate: MhaEstimate, share: ModelSpec) -> RequestLoad:
    """The load of a request on one device; `share` is the device's share of the model.

    With latent attention all query heads meet the one cached vector.
    """
    latent = share.latent
    width = latent.kv_lora_rank + latent.qk_rope_head_dim if latent else share.head_dim
    return RequestLoad(estimate, share.heads, width)


def _ceil(count: int, size: int) -> int:
    return -(-count // size)
