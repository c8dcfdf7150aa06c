"""A link between devices, known by its bandwidth and start-up time, and what collectives take on it.

S: the whole buffer (gathered, or unreduced on each rank); W: bandwidth of one direction; n ranks in a ring. The forms
are those of Thakur, Rabenseifner and Gropp (IJHPCA 2005), sections 3 and 4, without the time of the additions.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from bitline.base.document import Document


class LinkSpec(Document):
    """A link of each device to the others."""

    source: str
    bandwidth_gb_s: Annotated[float, Field(gt=0, le=1e6)] = Field(description="one direction, as software reaches it")
    latency_us: Annotated[float, Field(ge=0, le=1e6)] = Field(description="start-up time of one hop")


def send_s(link: LinkSpec, size_bytes: int) -> float:
    """From one device to another: latency + S/W."""
    return link.latency_us * 1e-6 + size_bytes / (link.bandwidth_gb_s * 1e9)


def all_gather_s(link: LinkSpec, ranks: int, size_bytes: int) -> float:
    """Ring: (n - 1) latency + (n - 1)/n S/W. The same for reduce-scatter."""
    steps = ranks - 1
    return steps * link.latency_us * 1e-6 + steps / ranks * size_bytes / (link.bandwidth_gb_s * 1e9)


def all_reduce_s(link: LinkSpec, ranks: int, size_bytes: int) -> float:
    """Ring, reduce-scatter and all-gather: 2 (n - 1) latency + 2 (n - 1)/n S/W."""
    return 2 * all_gather_s(link, ranks, size_bytes)
