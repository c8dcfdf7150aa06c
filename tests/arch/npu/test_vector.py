"""Cycles of vector functions: the formulas of NeuPIMs and ONNXim, and how rows share the units."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitline.arch.npu.vector import FUNCTIONS, VectorUnit, operations
from bitline.base.errors import SpecError

UNIT = VectorUnit(lanes=128)
ELEMENTS = st.integers(1, 100_000)


def tree(elements, lanes):
    if elements <= lanes:
        return 1
    return math.ceil(elements / lanes) + tree(math.ceil(elements / lanes), lanes)


@pytest.mark.parametrize(
    ("function", "cycles"),
    # NeuPIMs (2024-06), 4096 elements on 128 lanes, all latencies 1
    [("layernorm", 229), ("softmax", 162), ("add", 32), ("gelu", 32)],
)
def test_a_row_of_4096_elements(function, cycles):
    assert UNIT.cycles(function, 1, 4096) == cycles


@given(ELEMENTS, st.integers(2, 512), *(st.integers(0, 9) for _ in range(7)))
def test_rows_take_the_published_formulas(elements, lanes, add, multiply, exp, gelu, add_tree, scalar, sqrt):
    unit = VectorUnit(
        lanes,
        add_cycles=add,
        multiply_cycles=multiply,
        exp_cycles=exp,
        gelu_cycles=gelu,
        add_tree_cycles=add_tree,
        scalar_multiply_cycles=scalar,
        scalar_sqrt_cycles=sqrt,
    )
    steps, trees = math.ceil(elements / lanes), tree(elements, lanes) * add_tree
    assert unit.cycles("layernorm", 1, elements) == 2 * trees + 2 * scalar + sqrt + steps * (2 * add + 3 * multiply)
    assert unit.cycles("softmax", 1, elements) == 2 * trees + steps * (add + exp + multiply)
    assert unit.cycles("add", 1, elements) == steps * add
    assert unit.cycles("gelu", 1, elements) == steps * gelu


@given(st.sampled_from(sorted(FUNCTIONS)), st.integers(1, 300), ELEMENTS, st.integers(1, 16))
def test_rows_are_shared_out_to_the_units(function, rows, elements, units):
    row = UNIT.cycles(function, 1, elements)
    assert VectorUnit(128, units).cycles(function, rows, elements) == math.ceil(rows / units) * row
    assert VectorUnit(128, units, "always_now").cycles(function, rows, elements) == row + rows - 1


@given(st.sampled_from(sorted(FUNCTIONS)), st.integers(1, 300), ELEMENTS, st.integers(1, 16))
def test_no_pass_is_faster_than_its_lanes(function, rows, elements, units):
    unit = VectorUnit(128, units)
    work = FUNCTIONS[function].over_elements * rows * elements
    assert unit.cycles(function, rows, elements) * 128 * units >= work
    assert operations(function, rows, elements) >= work


def test_repeats_and_nothing():
    assert UNIT.cycles("top_k", 3, 64, repeats=8) == 3 * 8 * UNIT.row_cycles("top_k", 64)
    assert UNIT.cycles("softmax", 0, 64) == UNIT.cycles("softmax", 64, 0) == 0


def test_a_gate_costs_its_activation_and_a_product():
    for gated, plain in (("swiglu", "silu"), ("geglu", "gelu"), ("reglu", "relu")):
        whole = UNIT.cycles(plain, 5, 4096) + UNIT.cycles("multiply", 5, 4096)
        assert UNIT.cycles(gated, 5, 4096) == whole


def test_an_unknown_function_is_refused():
    with pytest.raises(SpecError, match=r"softmaxx.*softmax"):
        UNIT.cycles("softmaxx", 1, 1)


@pytest.mark.parametrize("fields", [{"lanes": 1}, {"lanes": 128, "units": 0}])
def test_a_unit_that_cannot_be_is_refused(fields):
    with pytest.raises(SpecError):
        VectorUnit(**fields)
