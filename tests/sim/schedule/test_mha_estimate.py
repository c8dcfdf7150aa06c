"""The scheduler's estimate of attention: Algorithm 1 of NeuPIMs, by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitline.sim.schedule.mha_estimate import MhaEstimate, request_load
from bitline.traces import load_model

PAPER = MhaEstimate()


def test_worked_gpt3_7b_on_four_devices():
    """E = 1024, H = 8, d = 128, 376 tokens: 2 x 100 + 24 x 184 = 4616; 8 x 100 + 32 x 184 = 6688."""
    counts = PAPER.counts(heads=8, head_dim=128, context=376)
    assert (counts.score_gwrites, counts.score_tiles) == (2, 2 * 12)
    assert (counts.context_gwrites, counts.context_tiles) == (8, 8 * 4)
    assert 100 * 2 + 184 * 24 == 4616
    assert 100 * 8 + 184 * 32 == 6688
    assert PAPER.cycles(8, 128, 376) == 4616 + 6688 == 11304


def test_constants_are_fields():
    assert MhaEstimate(gwrite_ck=96, tile_ck=198).cycles(8, 128, 376) == 96 * 10 + 198 * 56


@pytest.mark.parametrize(("context", "tiles", "gwrites"), [(1, 2 + 32, 10), (512, 32 + 32, 10), (513, 34 + 64, 18)])
def test_every_quotient_is_rounded_up(context, tiles, gwrites):
    assert PAPER.cycles(8, 128, context) == 100 * gwrites + 184 * tiles


@given(st.integers(1, 128), st.sampled_from([64, 80, 128, 256]), st.integers(1, 4096), st.integers(0, 600))
def test_more_tokens_or_heads_are_never_less_load(heads, head_dim, context, more):
    load = PAPER.cycles(heads, head_dim, context)
    assert PAPER.cycles(heads, head_dim, context + more) >= load > 0
    assert PAPER.cycles(heads + 1, head_dim, context) >= load


def test_load_of_a_model():
    assert request_load(PAPER, load_model("gpt3-7b"))(376) == PAPER.cycles(32, 128, 376)
    # Queries that share keys ask for them one by one.
    assert request_load(PAPER, load_model("llama-3.2-1b"))(100) == PAPER.cycles(32, 64, 100)
