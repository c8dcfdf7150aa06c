"""Policies of batched decoding, and the pools that they make."""

import pytest

from bitline.base.errors import CapacityError, SpecError
from bitline.sim.schedule.kv_space import PageRule, TileRule
from bitline.sim.schedule.policy import POLICIES, load_policy
from bitline.sim.schedule.serving_policy import (
    BatchPolicy,
    KvMemory,
    load_any_policy,
    load_batch_policy,
    make_pool,
)
from bitline.sim.schedule.split import shard_model
from bitline.traces import load_model
from bitline.traces.requests import load_lengths, warm_batch

MODEL = load_model("gpt3-7b")
SHARE = shard_model(MODEL, 4)
# NeuPIMs: 32 channels of 1 GB, 32 banks with rows of 1 KB; a quarter of 7B weights in fp16.
MEMORY = KvMemory(channels=32, bytes_left=(32 << 30) - 7 * 10**9 // 2, banks=32, row_bytes=1024)


def pool(name, batch=256, *, memory=MEMORY, **settings):
    policy = load_batch_policy(name, settings)
    requests = warm_batch(load_lengths(policy.lengths), batch, 3, MODEL.max_position).requests
    return make_pool(policy, MODEL, SHARE, memory, requests)


def test_the_steps_of_the_ablation():
    found = {name: load_any_policy(name) for name in POLICIES.names()}
    batched = {name: policy for name, policy in found.items() if isinstance(policy, BatchPolicy)}
    assert {name: (one.attention_in_banks, one.assignment, one.sub_batch) for name, one in batched.items()} == {
        "npu-only": (False, "round_robin", "never"),
        "npu-pim": (True, "round_robin", "never"),
        "npu-pim-packed": (True, "greedy_min_load", "never"),
        "neupims": (True, "greedy_min_load", "from_batch"),
    }
    assert [batched["neupims"].interleaves(batch) for batch in (64, 255, 256)] == [False, False, True]
    assert batched["neupims"].unit_of("attention") == "pim"
    assert batched["neupims"].unit_of("softmax") == batched["neupims"].unit_of("kv_append") == "npu"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"mapping.norm": "pim"}, "mapping: operators of kind 'norm' do not run in the banks, only attention"),
        ({"mapping.other": "pim"}, "mapping: operators of kind 'other' do not run in the banks, only attention"),
        ({"mapping.matmull": "npu"}, "mapping: 'matmull' is no kind of operator: did you mean 'matmul'?"),
        ({"mapping.matmul": "gpu"}, "mapping.matmul: input should be 'npu' or 'pim', got \"gpu\""),
        ({"assignment": "greedy"}, "assignment: input should be 'round_robin', 'greedy_min_load' or 'shortest_queue'"),
        ({"mapping.attention": "npu"}, "sub_batch needs attention in the banks"),
        ({"sub_batch_from": 1}, "sub_batch_from: input should be greater than or equal to 2, got 1"),
        ({"mha_estimate.tile": 1}, "mha_estimate.tile: unknown field; expected did you mean 'tile_ck'?"),
        ({"kv_pages": 1}, "kv_pages: unknown field; expected did you mean 'kv_page_tokens'?"),
    ],
)
def test_a_policy_that_is_wrong_is_refused(settings, message):
    with pytest.raises(SpecError) as caught:
        load_batch_policy("neupims", settings)
    assert message in str(caught.value)
    assert caught.value.exit_status == 2


def test_policies_of_the_other_kind():
    with pytest.raises(SpecError, match="policy 'neupims' is for batches on an NPU; expected a policy of one request"):
        load_policy("neupims")
    with pytest.raises(SpecError, match="policy 'serial' is for one request at a time; expected one of neupims, npu"):
        load_batch_policy("serial")


def test_what_a_cache_is_made_of():
    banks, pages = pool("neupims"), pool("npu-only")
    assert isinstance(banks.space.rule, TileRule)
    assert (banks.space.homes, banks.space.rule.key_tiles, banks.space.rule.value_tiles) == (32, 2, 32)
    assert pool("neupims", kv_tiles_for="model").space.rule.key_tiles == 8
    assert pages.space.rule == PageRule(16, 2 * 32 * 8 * 128 * 2)
    assert pages.space.homes == 1
    for name in ("neupims", "npu-only"):
        of_all, of_one = (pool(name, kv_layers=layers).space.rule for layers in ("all", "one"))
        assert of_all.units(2048) * of_all.unit_bytes == 32 * of_one.units(2048) * of_one.unit_bytes


def test_packing_evens_the_channels_out():
    """The largest load over the mean: what attention of the batch waits for."""
    ratio = {}
    for name in ("npu-pim", "npu-pim-packed"):
        made = pool(name)
        assert len(made.admit_all()) == 256
        ratio[name] = max(made.loads.cycles) * 32 / sum(made.loads.cycles)
    assert ratio["npu-pim-packed"] < 1.1 < ratio["npu-pim"]


@pytest.mark.parametrize("name", ["npu-only", "neupims"])
def test_a_batch_is_the_same_for_a_seed(name):
    first, second = pool(name), pool(name)
    first.admit_all()
    second.admit_all()
    assert first.by_channel() == second.by_channel()


def test_a_batch_that_does_not_fit():
    small = KvMemory(channels=32, bytes_left=1 << 30, banks=32, row_bytes=1024)
    with pytest.raises(CapacityError, match=r"batch: 256 requests do not fit: \d+ of them, with .* MB of keys and"):
        pool("neupims", memory=small).admit_all()
    none = KvMemory(channels=32, bytes_left=-(1 << 30), banks=32, row_bytes=1024)
    with pytest.raises(CapacityError, match="left of a channel for keys and values"):
        pool("neupims", memory=none)
