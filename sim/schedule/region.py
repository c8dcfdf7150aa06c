"""A region: what runs between two barriers. A chain of operators on the NPU, and attention in the banks beside it.

At a barrier every queue is empty, every row closed and every bank freshly refreshed, so a region starts from the same
state wherever it stands: alike regions take the same time, to the clock.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace

from bitline.arch.npu.energy import Work
from bitline.arch.pim.newton import KvShape
from bitline.csrc.engine.program import Program


@dataclass(frozen=True, eq=False)
class NpuOperator:
    """An operator on the NPU: jobs one after the other, each a program for every core that takes part."""

    name: str
    kind: str
    jobs: tuple[tuple[Program | None, ...], ...]
    flops: float
    bytes: float
    compute_ps: float
    """At the arrays' peak."""
    memory_ps: float
    """Every byte once at the memory's peak."""
    work: Work
    key: Hashable
    """What it asks for: operators with equal keys take the same time."""
    link_ps: int = 0
    """A collective over the link after it."""

    @property
    def bound_ps(self) -> float:
        """The operator alone, its exchange included."""
        return max(self.compute_ps, self.memory_ps) + self.link_ps

    def with_link(self, link_ps: int) -> NpuOperator:
        """The operator with one more exchange after it."""
        return replace(self, link_ps=self.link_ps + link_ps)


@dataclass(frozen=True)
class BankAttention:
    """Attention in the banks: the contexts of each channel's requests, in the order in which they are served."""

    shape: KvShape
    contexts: tuple[tuple[int, ...], ...]
    window: int = 0
    """Tokens that a query sees at most; 0: all."""

    def seen(self, context: int) -> int:
        """Tokens that the query of a request sees."""
        return min(context, self.window) if self.window else context


@dataclass(frozen=True)
class Region:
    """`count` alike stretches between barriers."""

    name: str
    count: int
    chain: tuple[NpuOperator, ...]
    attention: BankAttention | None = None
