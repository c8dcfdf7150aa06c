"""Whole runs: what they conserve, how they scale, and that they are repeatable."""

import itertools
import json
import os
import subprocess
import sys

import pytest

import bitline
from bitline.base.errors import SpecError
from bitline.sim.run.result import Result

MODELS = ["gpt2", "gpt2-medium", "gpt2-large", "gpt2-xl", "gpt3-125m", "gpt3-350m", "gpt3-760m", "gpt3-1.3b"]


def add_up(result):
    assert sum(result.energy_parts_j.values()) == pytest.approx(result.energy_j, rel=1e-12)
    assert sum(operator.time_s for operator in result.operators) == pytest.approx(result.time_s, rel=1e-12)
    assert sum(operator.energy_j for operator in result.operators) == pytest.approx(result.energy_j, rel=1e-9)
    assert result.time_s * result.power_w == pytest.approx(result.energy_j)
    assert result.tokens / result.tokens_per_s == pytest.approx(result.time_s)
    assert all(0 <= share <= 1 for share in result.utilisation.values())
    assert all(value >= 0 for value in result.energy_parts_j.values())


@pytest.mark.parametrize("model", MODELS)
def test_a_token_of_every_model_adds_up_and_is_not_below_its_bound(run, model):
    result = run(model)
    add_up(result)
    assert result.time_s >= result.bound_time_s > 0
    # Alone, an operator's time and what others hid of it are not below its own bound.
    for operator in result.operators:
        if operator.kind != "kv_append":  # its bound is that of the channel that has it, beside others
            assert operator.time_s + operator.overlapped_s >= operator.bound_time_s * (1 - 1e-9), operator.name


@pytest.mark.parametrize("system", ["pim-gpt", "hbm-pim"])
@pytest.mark.parametrize(
    "options",
    [
        {"phase": "generate", "prompt": 4, "tokens": 6},
        {"phase": "prefill", "context": 9},
        {"batch": 2, "context": 40},
        {"policy": "serial", "context": 333},
    ],
    ids=["generate", "prefill", "batch", "serial"],
)
def test_every_kind_of_run_adds_up(run, system, options):
    result = run(system=system, **options)
    add_up(result)
    assert result.time_s >= result.bound_time_s


def test_every_operator_of_the_model_is_in_the_result(run):
    result = run()
    assert {operator.name for operator in result.operators} >= {
        *("embedding.token", "attention.qkv", "attention.score", "attention.softmax", "attention.context"),
        *("attention.output", "ffn.up", "ffn.activation", "ffn.down", "head"),
    }
    assert {operator.count for operator in result.operators if operator.name.startswith(("attention", "ffn"))} == {12}
    # Every weight is read once: two FLOPs each, and those of the attention.
    assert sum(operator.flops for operator in result.operators) > 2 * 124e6
    assert result.traffic_bytes["in_bank"] >= result.traffic_bytes["weights_and_kv"] * 0.95
    assert result.traffic_bytes["off_chip"] < result.traffic_bytes["weights_and_kv"] / 50


# --- how it scales ---


@pytest.mark.parametrize("system", ["pim-gpt", "hbm-pim"])
def test_more_channels_are_not_slower(run, system):
    channels = (8, 16, 32) if system == "pim-gpt" else (32, 64, 128)
    times = [run(system=system, settings={"memory.channels": count}).time_s for count in channels]
    assert all(more <= fewer for fewer, more in itertools.pairwise(times))


def test_a_slower_asic_is_not_faster(run):
    times = [run(settings={"asic.clock_mhz": mhz}).time_s for mhz in (2000, 1000, 500, 200, 100)]
    assert all(fast <= slow for fast, slow in itertools.pairwise(times))


def test_more_context_is_not_faster(run):
    times = [run(context=context).time_s for context in (1, 16, 128, 512, 1024)]
    assert all(short <= long for short, long in itertools.pairwise(times))


def test_clocks_of_half_the_speed_take_twice_the_time(run):
    once = run(context=100)
    twice = run(context=100, settings={"asic.clock_mhz": 500, "memory.override": {"tck_ps": 1000}})
    assert twice.counts == once.counts
    assert twice.time_s == pytest.approx(2 * once.time_s, abs=2e-9)  # one cycle of the slow ASIC
    assert twice.bound_time_s == pytest.approx(2 * once.bound_time_s, rel=1e-9)


def test_nothing_overlapped_is_not_faster(run):
    for model in ("gpt2", "gpt2-xl"):
        assert run(model, policy="serial").time_s >= run(model).time_s


def test_refresh_costs_time(run):
    with_refresh, without = run(), run(settings={"memory.refresh": False})
    assert without.time_s < with_refresh.time_s
    assert "REFab" not in without.counts
    assert without.energy_parts_j["refresh"] == 0


def test_two_requests_take_about_twice_as_long_as_one(run):
    one, two = run(context=64), run(context=64, batch=2)
    assert two.tokens == 2
    assert two.time_s == pytest.approx(2 * one.time_s, rel=0.02)  # the phase of refresh differs
    assert two.counts["MAC16"] == 2 * one.counts["MAC16"]


# --- phases ---


def test_generation_makes_the_tokens_that_were_asked_for(run):
    result = run(phase="generate", prompt=4, tokens=6)
    assert result.tokens == 6
    assert result.workload["prompt"] == 4
    assert result.workload["tokens"] == 6
    counts = {operator.name: operator.count for operator in result.operators}
    assert counts["head"] == 6  # the last token of the prompt and the new ones but the last
    assert counts["attention.qkv"] == 12 * 9


def test_generation_is_the_sum_of_its_tokens(run):
    """Each token at its own context; only where a refresh falls can differ."""
    whole = run(phase="generate", prompt=1, tokens=5)
    single = [run(context=context) for context in range(1, 6)]
    assert whole.counts["MAC16"] == sum(token.counts["MAC16"] for token in single)
    assert whole.time_s == pytest.approx(sum(token.time_s for token in single), rel=0.02)


def test_more_tokens_take_longer(run):
    times = [run(phase="generate", prompt=4, tokens=tokens).time_s for tokens in (1, 2, 6)]
    assert times[0] < times[1] < times[2]


def test_a_prompt_needs_one_set_of_logits(run):
    result = run(phase="prefill", context=9)
    counts = {operator.name: operator.count for operator in result.operators}
    assert (counts["head"], counts["attention.qkv"], result.tokens) == (1, 12 * 9, 9)
    assert result.time_s < run(phase="generate", prompt=9, tokens=2).time_s


def test_generation_ends_where_the_models_positions_do(run):
    result = run("gpt2", phase="generate", prompt=1022, tokens=50, level="bound")
    assert (result.workload["tokens"], result.workload["tokens_asked"]) == (3, 50)


# --- the same again ---


def printed(seed):
    command = [sys.executable, "-c", "from bitline.sim.cli.main import main; main()"]
    command += ["run", "pim-gpt", "--model", "gpt2", "--context", "77", "--json"]
    environment = os.environ | {"PYTHONHASHSEED": str(seed)}
    return subprocess.run(command, capture_output=True, check=True, env=environment).stdout


def test_the_same_input_gives_the_same_bytes_in_another_process():
    assert printed(1) == printed(4242)


def test_a_result_goes_through_json_and_back(run):
    result = run()
    text = json.dumps(result.to_dict(), allow_nan=False)
    assert Result.from_dict(json.loads(text)) == result


# --- the interface ---


def test_run_from_python():
    result = bitline.run("pim-gpt", model="gpt2", context=20, settings={"memory.channels": 12})
    assert isinstance(result, bitline.Result)
    assert (result.system, result.policy, result.level) == ("pim-gpt", "pim-gpt", "cycle")
    assert result.provenance["resolved"]["system"]["memory"]["channels"] == 12


def test_the_bound_alone_is_the_bound_of_the_run(run):
    bound = run(level="bound", context=300)
    assert bound.level == "bound"
    assert bound.time_s == bound.bound_time_s == pytest.approx(run(context=300).bound_time_s, rel=1e-12)


def test_progress_counts_the_tokens():
    seen = []
    bitline.run("pim-gpt", model="gpt2", phase="generate", prompt=2, tokens=3, progress=seen.append)
    assert seen == [1, 2, 3, 4]


@pytest.mark.parametrize("level", ["cycles", ""])
def test_a_level_that_is_not_there(level):
    with pytest.raises(SpecError, match="unknown level"):
        bitline.run("pim-gpt", model="gpt2", level=level)
