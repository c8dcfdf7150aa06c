"""Room for keys and values: units that a request of some context takes, and homes that have so many of them.

A home is what a request's cache may spread over: the whole memory of a device (pages), or one channel (PIM tiles, whose
GEMVs run in the channel that holds them).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from bitline.base.errors import CapacityError, SpecError
from bitline.traces import ModelSpec
from bitline.traces.dtypes import BITS, DType


class KvRule(Protocol):
    """How a cache is allocated."""

    @property
    def unit_bytes(self) -> int:
        """Size of a unit."""

    def units(self, tokens: int) -> int:
        """Units of a request with that many tokens in its cache, all layers of the device together."""


@dataclass(frozen=True, slots=True)
class PageRule:
    """Pages of `page_tokens` tokens, all layers and heads of the device (vLLM, SOSP 2023, section 4.1)."""

    page_tokens: int
    bytes_per_token: int

    @property
    def unit_bytes(self) -> int:
        """A page."""
        return self.page_tokens * self.bytes_per_token

    def units(self, tokens: int) -> int:
        """Pages."""
        return -(-tokens // self.page_tokens)


@dataclass(frozen=True, slots=True)
class TileRule:
    """PIM tiles: one row of the same index in all banks of a channel (NeuPIMs).

    Keys: token t lies in bank t mod `banks`; a row holds as many whole heads of it as fit, so that `banks` tokens take
    ceil(heads / heads in a row) tiles: ceil(E / 512) where heads fill rows. Values: element j of a head lies in bank
    j mod `banks`, tokens along the row: ceil(head_dim / banks) tiles a head for each `row_elements` tokens.
    """

    layers: int
    kv_heads: int
    head_dim: int
    banks: int
    row_elements: int
    element_bytes: int

    @property
    def unit_bytes(self) -> int:
        """A tile."""
        return self.banks * self.row_elements * self.element_bytes

    @property
    def key_tiles(self) -> int:
        """Tiles of one layer for `banks` tokens."""
        fit = self.row_elements // self.head_dim
        return -(-self.kv_heads // fit) if fit else self.kv_heads * -(-self.head_dim // self.row_elements)

    @property
    def value_tiles(self) -> int:
        """Tiles of one layer for `row_elements` tokens."""
        return self.kv_heads * -(-self.head_dim // self.banks)

    def units(self, tokens: int) -> int:
        """Tiles."""
        keys = -(-tokens // self.banks) * self.key_tiles
        return self.layers * (keys + -(-tokens // self.row_elements) * self.value_tiles)


def page_rule(share: ModelSpec, page_tokens: int, dtype: DType) -> PageRule:
    """Pages for one device's share of a model."""
    bits = share.kv_elements_per_token * BITS[dtype]
    return PageRule(page_tokens, -(-bits // 8))


def tile_rule(share: ModelSpec, banks: int, row_bytes: int, dtype: DType, *, allocate_heads: int = 0) -> TileRule:
    """Tiles for one device's share of a model. Raises SpecError.

    `allocate_heads`: KV heads that room is taken for, where that is not the device's share; the authors' simulator
    takes room for those of the whole model.
    """
    if share.latent is not None:
        raise SpecError(f"{share.name} keeps latents, not keys and values", field="kv", expected="rule: pages")
    if BITS[dtype] % 8 or (row_bytes * 8) % BITS[dtype]:
        raise SpecError(f"a row of {row_bytes} B holds no whole number of {dtype}", field="kv", expected="8 or 16 bits")
    element_bytes = BITS[dtype] // 8
    heads = allocate_heads or share.kv_heads
    return TileRule(share.layers, heads, share.head_dim, banks, row_bytes // element_bytes, element_bytes)


class KvSpace:
    """Units free in each home."""

    def __init__(self, rule: KvRule, homes: int, bytes_per_home: int) -> None:
        """Raises CapacityError where a home has no room for a single unit."""
        self.rule, self.homes = rule, homes
        self.capacity = max(bytes_per_home, 0) // rule.unit_bytes
        if self.capacity < 1:
            where = "the memory" if homes == 1 else "a channel"
            raise CapacityError(
                f"{bytes_per_home} B are left of {where} for keys and values",
                field="kv",
                expected=f"at least one unit of {rule.unit_bytes} B",
            )
        self.used = [0] * homes

    def room(self, home: int, tokens: int, *, held: int = 0) -> bool:
        """May a request have that many tokens there, where it holds `held` units already?"""
        return self.used[home] + self.rule.units(tokens) - held <= self.capacity

    def take(self, home: int, tokens: int, *, held: int = 0) -> int:
        """Take the units, and return how many the request has now."""
        units = self.rule.units(tokens)
        self.used[home] += units - held
        return units

    def give_back(self, home: int, units: int) -> None:
        """Free them."""
        self.used[home] -= units
