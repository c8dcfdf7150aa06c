"""Units of keys and values, against counting row by row."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitline.base.errors import CapacityError, SpecError
from bitline.sim.schedule.kv_space import KvSpace, PageRule, TileRule, page_rule, tile_rule
from bitline.traces import load_model

TILE = 32 * 1024


def test_worked_tiles_of_gpt3_7b_on_four_devices():
    """E = 1024: ceil(E / 512) = 2 tiles for 32 tokens of keys, ceil(E / 32) = 32 for 512 tokens of values."""
    rule = TileRule(layers=1, kv_heads=8, head_dim=128, banks=32, row_elements=512, element_bytes=2)
    assert (rule.key_tiles, rule.value_tiles, rule.unit_bytes) == (2, 32, TILE)
    assert rule.units(376) == 12 * 2 + 32
    assert [rule.units(n) for n in (1, 32, 33, 512, 513)] == [34, 34, 36, 64, 98]


def test_room_for_the_whole_model_or_for_the_share():
    share = load_model("gpt3-7b", {"heads": 8, "kv_heads": 8, "head_dim": 128})
    assert tile_rule(share, 32, 1024, "fp16").units(376) == 32 * (12 * 2 + 32)
    assert tile_rule(share, 32, 1024, "fp16", allocate_heads=32).units(376) == 32 * (12 * 8 + 128)


@given(st.integers(1, 12), st.sampled_from([64, 80, 96, 128, 160, 256, 512, 576, 1024]), st.integers(1, 1500))
def test_tiles_hold_every_key_and_value(kv_heads, head_dim, tokens):
    """Places one by one: bank, row and column of each element of one layer."""
    banks, row = 32, 512
    rule = TileRule(1, kv_heads, head_dim, banks, row, 2)
    per_row, rows_a_head = max(1, row // head_dim), -(-head_dim // row)
    keys = {
        (t // banks, (h // per_row) if head_dim <= row else h * rows_a_head + part)
        for t in range(tokens)
        for h in range(kv_heads)
        for part in range(rows_a_head)
    }
    values = {
        (t // row, h, j // banks) for t in range(0, tokens, row) for h in range(kv_heads) for j in range(head_dim)
    }
    assert rule.units(tokens) == len(keys) + len(values)
    assert rule.units(tokens) * rule.unit_bytes >= 2 * 2 * tokens * kv_heads * head_dim


@given(st.integers(1, 64), st.integers(1, 5000), st.integers(0, 64))
def test_pages_grow_one_by_one(page_tokens, tokens, more):
    rule = PageRule(page_tokens, 100)
    assert rule.units(tokens) * page_tokens - tokens in range(page_tokens)
    assert rule.units(tokens + more) >= rule.units(tokens)


def test_a_page_of_a_model():
    """OPT-13B in fp16: 819,200 B a token."""
    assert page_rule(load_model("opt-13b"), 16, "fp16").unit_bytes == 16 * 819_200


def test_space_takes_and_gives_back():
    space = KvSpace(PageRule(16, 10), homes=2, bytes_per_home=160 * 3 + 159)
    assert space.capacity == 3
    held = space.take(1, 17)
    assert (held, space.used) == (2, [0, 2])
    assert space.room(1, 16)
    assert not space.room(1, 17)
    assert space.room(1, 48, held=held)
    held = space.take(1, 33, held=held)
    assert space.used == [0, 3]
    space.give_back(1, held)
    assert space.used == [0, 0]


@pytest.mark.parametrize("left", [0, -5, 159])
def test_no_room_at_all(left):
    with pytest.raises(CapacityError, match=f"kv: {left} B are left of a channel .* at least one unit of 160 B"):
        KvSpace(PageRule(16, 10), 2, left)


def test_what_has_no_tiles():
    with pytest.raises(SpecError, match="keeps latents"):
        tile_rule(load_model("deepseek-v3"), 32, 1024, "bf16")
    with pytest.raises(SpecError, match="no whole number of int4"):
        tile_rule(load_model("gpt3-7b"), 32, 1024, "int4")
