"""Number formats: how many bits an element takes, and what products are summed in."""

from __future__ import annotations

from typing import Literal, get_args

from bitline.base.errors import SpecError, did_you_mean

DType = Literal["fp32", "fp16", "bf16", "fp8", "int32", "int8", "int4"]

DTYPES: tuple[DType, ...] = get_args(DType)
# int32 is here for token ids and for sums of integer products. Scales of quantised tensors are not counted.
BITS: dict[str, int] = {"fp32": 32, "fp16": 16, "bf16": 16, "fp8": 8, "int32": 32, "int8": 8, "int4": 4}


def size_bytes(elements: int, dtype: DType) -> int:
    """Bytes of `elements` packed elements; a last half byte counts as a whole one."""
    return (elements * BITS[dtype] + 7) // 8


def accumulator_dtype(activation: DType, weight: DType) -> DType:
    """int32 for products of integers, fp32 for all others, as matrix units have it."""
    return "int32" if activation.startswith("int") and weight.startswith("int") else "fp32"


def check_dtype(name: str, field: str) -> DType:
    """`name` as a DType. Raises SpecError with the field that gave it."""
    for dtype in DTYPES:
        if dtype == name:
            return dtype
    raise SpecError(f"unknown number format '{name}'", field=field, expected=did_you_mean(str(name), DTYPES))
