"""How long attention of a request keeps its channel busy: what the scheduler believes before anything is simulated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, NamedTuple

from pydantic import Field

from bitline.base.document import Document
from bitline.traces import ModelSpec

Cycles = Annotated[int, Field(ge=0, le=1 << 20)]


class MhaEstimate(Document):
    """Constants of NeuPIMs (arXiv 2403.00579), Algorithm 1; its simulated GWRITE takes 96 cycles, not 100."""

    gwrite_ck: Cycles = Field(100, description="cycles of a GWRITE: a row of one bank to the global vector buffer")
    tile_ck: Cycles = Field(184, description="cycles of a tile: open a row of all banks, multiply, close it")


class MhaCounts(NamedTuple):
    """What one request asks of its channel in one layer. A tile is one row of all banks."""

    score_gwrites: int
    score_tiles: int
    context_gwrites: int
    context_tiles: int


@dataclass(frozen=True, slots=True)
class RequestLoad:
    """Algorithm 1 for one device's share of a model on one memory.

    L = gwrite_ck x GWRITEs + tile_ck x tiles, counted for score and context: with E elements in H query heads of d
    (after the split), P elements in a row and B banks,

        score:   ceil(E/P) GWRITEs, ceil(context/B) ceil(E/P) tiles
        context: ceil(context/P) H GWRITEs, ceil(d/B) ceil(context/P) H tiles

    Keys that several query heads share are read once for each of these.
    """

    estimate: MhaEstimate
    row_elements: int
    banks: int
    heads: int
    head_dim: int

    def counts(self, context: int) -> MhaCounts:
        """GWRITEs and tiles."""
        chunks = -(-self.heads * self.head_dim // self.row_elements)
        pieces = -(-context // self.row_elements) * self.heads
        return MhaCounts(
            score_gwrites=chunks,
            score_tiles=-(-context // self.banks) * chunks,
            context_gwrites=pieces,
            context_tiles=-(-self.head_dim // self.banks) * pieces,
        )

    def __call__(self, context: int) -> int:
        """Cycles of the memory clock, one layer."""
        counts = self.counts(context)
        gwrites, tiles = counts.score_gwrites + counts.context_gwrites, counts.score_tiles + counts.context_tiles
        return self.estimate.gwrite_ck * gwrites + self.estimate.tile_ck * tiles


def request_load(estimate: MhaEstimate, share: ModelSpec, row_elements: int, banks: int) -> RequestLoad:
    """The load of a request on one device; with latent attention all query heads meet the one cached vector."""
    latent = share.latent
    width = latent.kv_lora_rank + latent.qk_rope_head_dim if latent else share.head_dim
    return RequestLoad(estimate, row_elements, banks, share.heads, width)
