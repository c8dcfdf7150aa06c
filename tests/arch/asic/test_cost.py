"""Cycles of vector operators: passes of additions and multiplications (PIM-GPT, arXiv 2310.09385, section III)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitline.arch.asic.cost import ADD, NOTHING, Passes, passes_of, vector_cost
from bitline.arch.systems.system import load_system
from bitline.base.errors import SpecError
from bitline.traces import build_trace

ASIC = load_system("pim-gpt").asic


def operators(model="gpt2", context=100):
    trace = build_trace(model, phase="decode", batch=1, context=context, dtype="bf16")
    return {operator.name: operator for block in trace.blocks for operator in block.operators}


def test_a_pass_takes_a_cycle_for_every_full_set_of_units():
    assert vector_cost(ASIC, ADD, 1, 768).cycles == 3  # 768 / 256 adders
    assert vector_cost(ASIC, ADD, 1, 769).cycles == 4
    assert vector_cost(ASIC, Passes(multiplies=2), 3, 100).cycles == 2 * 3  # 300 / 128 multipliers
    assert vector_cost(ASIC, Passes(row_adds=5), 257, 9).cycles == 5 * 2
    assert vector_cost(ASIC, NOTHING, 12, 1024).cycles == 0


def test_layer_norm_of_gpt2_by_hand():
    # mean, difference, squares' mean and beta: 4 sums; square, scale, gamma: 3 products; 1/sqrt once a row.
    passes = passes_of(ASIC, operators()["layer0.attention.norm"])
    assert passes == Passes(4, 3, 2 + 3, 1 + 3 * 3 + 1)
    assert vector_cost(ASIC, passes, 1, 768).cycles == 4 * 3 + 3 * 6 + 5 + 11


def test_softmax_by_hand():
    # maximum, difference, sum, and exp with six terms; scale, product, exp.
    passes = passes_of(ASIC, operators()["layer0.attention.softmax"])
    assert (passes.adds, passes.multiplies) == (3 + 8, 2 + 8)


@given(
    st.builds(Passes, *[st.integers(0, 9)] * 4),
    st.integers(1, 40),
    st.integers(1, 5000),
)
def test_cycles_are_not_below_the_bound_and_grow_with_the_work(passes, rows, elements):
    cost = vector_cost(ASIC, passes, rows, elements)
    assert cost.cycles >= cost.bound_cycles
    assert cost.adds == passes.adds * rows * elements + passes.row_adds * rows
    assert cost.multiplies == passes.multiplies * rows * elements + passes.row_multiplies * rows
    assert vector_cost(ASIC, passes, rows, elements + 1).cycles >= cost.cycles


@pytest.mark.parametrize("model", ["gpt2", "llama-3.2-1b", "gemma-2-2b", "mixtral-8x7b", "opt-350m", "falcon-7b"])
def test_every_vector_operator_of_a_model_has_a_cost(model):
    for operator in operators(model).values():
        if operator.kind not in ("matmul", "attention", "embedding", "kv_append"):
            passes = passes_of(ASIC, operator)
            assert operator.kind == "copy" or passes.adds + passes.multiplies > 0


def test_a_product_cannot_run_on_the_asic():
    with pytest.raises(SpecError, match="cannot run on the ASIC"):
        passes_of(ASIC, operators()["layer0.ffn.up"])
