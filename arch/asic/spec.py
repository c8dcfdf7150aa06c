"""Spec of the vector ASIC beside a PIM memory."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from bitline.base.document import Document

Units = Annotated[int, Field(ge=1, le=1 << 20)]
Amount = Annotated[float, Field(ge=0, le=1e9)]


class AsicSpec(Document):
    """Units, clock and arithmetic of the ASIC."""

    source: str
    clock_mhz: Annotated[float, Field(gt=0, le=1e5)]
    adders: Units = Field(description="additions, subtractions or comparisons a cycle")
    multipliers: Units = Field(description="multiplications a cycle")
    sram_bytes: Annotated[int, Field(ge=1, le=1 << 40)] = Field(description="holds the vectors of an operator")
    taylor_terms: Annotated[int, Field(ge=1, le=64)] = Field(description="terms of exp and tanh after the constant")
    newton_steps: Annotated[int, Field(ge=1, le=16)] = Field(description="steps of reciprocal and 1/sqrt")
    add_pj: Amount = Field(description="energy of one addition")
    multiply_pj: Amount = Field(description="energy of one multiplication")
    sram_pj_per_byte: Amount = Field(description="energy of a byte read or written")
    static_mw: Amount = Field(description="leakage and clock, all the time")
