"""The scheduler's estimate of attention: Algorithm 1 of NeuPIMs, by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitline.sim.schedule.mha_estimate import MhaEstimate, RequestLoad, request_load
from bitline.sim.schedule.split import shard_model
from bitline.traces import load_model


def load_of(heads=8, head_dim=128, **constants):
    return RequestLoad(MhaEstimate(**constants), 512, 32, heads, head_dim)


def test_worked_gpt3_7b_on_four_devices():
    """E = 1024, H = 8, d = 128, 376 tokens: 2 x 100 + 24 x 184 = 4616; 8 x 100 + 32 x 184 = 6688."""
    load = request_load(MhaEstimate(), shard_model(load_model("gpt3-7b"), 4), 512, 32)
    counts = load.counts(376)
    assert (counts.score_gwrites, counts.score_tiles) == (2, 2 * 12)
    assert (counts.context_gwrites, counts.context_tiles) == (8, 8 * 4)
    assert 100 * 2 + 184 * 24 == 4616
    assert 100 * 8 + 184 * 32 == 6688
    assert load(376) == 4616 + 6688 == 11304


def test_constants_are_fields():
    assert load_of(gwrite_ck=96, tile_ck=198)(376) == 96 * 10 + 198 * 56


@pytest.mark.parametrize(("context", "tiles", "gwrites"), [(1, 2 + 32, 10), (512, 32 + 32, 10), (513, 34 + 64, 18)])
def test_every_quotient_is_rounded_up(context, tiles, gwrites):
    assert load_of()(context) == 100 * gwrites + 184 * tiles


@given(st.integers(1, 128), st.sampled_from([64, 80, 128, 256]), st.integers(1, 4096), st.integers(0, 600))
def test_more_tokens_or_heads_are_never_less_load(heads, head_dim, context, more):
    load = load_of(heads, head_dim)
    assert load(context + more) >= load(context) > 0
    assert load_of(heads + 1, head_dim)(context) >= load(context)


def test_queries_that_share_keys_ask_for_them_one_by_one():
    assert request_load(MhaEstimate(), load_model("llama-3.2-1b"), 512, 32)(100) == load_of(32, 64)(100)
