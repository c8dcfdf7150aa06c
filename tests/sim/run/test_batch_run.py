"""Batches on an NPU and its memory: what every run keeps, and that what is simulated once stands for all."""

import json

import pytest

import bitline
from bitline.sim.check import Checker, read_commands
from bitline.sim.run.batch_run import BatchRun
from bitline.sim.run.run import execute, plan

SMALL = {"memory.channels": 4}
CASES = [
    ("neupims", "neupims", "neupims-hbm2"),
    ("neupims-careful", "neupims", "neupims-hbm2-careful"),
    ("npu-pim", "npu-pim", "newton-hbm2"),
    ("npu-pim", "npu-pim-packed", "newton-hbm2"),
    ("npu-only", "npu-only", "neupims-hbm2"),
]


def planned(system, policy=None, *, settings=None, **asked):
    asked = {"model": "gpt3-125m", "batch": 6, "lengths": "alpaca", "seed": 3, **asked}
    return plan(system, policy=policy, settings={**SMALL, **(settings or {})}, **asked)


def text(result):
    """A result as text, without what says how it was made."""
    said = result.to_dict()
    del said["fast_forward"], said["provenance"]
    return json.dumps(said)


@pytest.fixture(scope="module")
def logged():
    """Runs with their command logs, by system and policy."""
    found = {}
    for system, policy, part in CASES:
        settings = {"policy.sub_batch": "always"} if policy == "neupims" else {}
        found[system, policy] = (*execute(planned(system, policy, settings=settings), logging=True), part)
    return found


@pytest.mark.parametrize(("system", "policy", "part"), CASES)
def test_every_command_of_a_run_obeys_the_rules(logged, tmp_path, system, policy, part):
    _result, run, _part = logged[system, policy]
    path = tmp_path / "commands.csv"
    run.write_commands(path)
    report = Checker(part).check(read_commands(path))
    assert report.passed, report
    assert len(read_commands(path)) > 10_000


@pytest.mark.parametrize(("system", "policy", "_part"), CASES)
def test_a_run_keeps_its_laws(logged, system, policy, _part):
    result, run, _ = logged[system, policy]
    assert result.tokens == 6
    assert result.time_s >= result.bound_time_s > 0
    assert sum(result.energy_parts_j.values()) == pytest.approx(result.energy_j)
    assert sum(one.time_s for one in result.operators) == pytest.approx(result.time_s)
    assert all(0 <= share <= 1 for share in result.utilisation.values())
    assert sum(stage["count"] * stage["time_s"] for stage in result.stages) == pytest.approx(result.time_s)
    assert result.traffic_bytes["in_bank"] == 0 if run.device is None else result.traffic_bytes["in_bank"] > 0


@pytest.mark.parametrize(("system", "policy", "part"), CASES[:1] + CASES[2:3] + CASES[4:])
def test_alike_stages_simulated_once_or_each_time_give_the_same_bytes(system, policy, part):
    settings = {"policy.sub_batch": "always"} if policy == "neupims" else {}
    results = [
        execute(planned(system, policy, settings=settings, model="gpt3-125m", batch=4), fast_forward=on)
        for on in (True, False)
    ]
    assert text(results[0][0]) == text(results[1][0])
    assert results[0][1].simulated < results[1][1].simulated


def test_the_cost_does_not_grow_with_the_layers():
    few, many = (execute(planned("neupims", model=model, batch=4))[1].simulated for model in ("gpt3-125m", "gpt3-350m"))
    assert few == many


def test_channels_that_do_the_same_are_as_many_apart(monkeypatch):
    alike = execute(planned("npu-pim"))[0]
    monkeypatch.setattr("bitline.sim.run.npu_lowering.NpuLowering.asks_alike", lambda self, operator: False)
    apart = execute(planned("npu-pim"))[0]
    assert text(alike) == text(apart)


def test_the_same_run_twice_gives_the_same_bytes_and_another_seed_does_not():
    assert text(execute(planned("neupims"))[0]) == text(execute(planned("neupims"))[0])
    assert text(execute(planned("neupims"))[0]) != text(execute(planned("neupims", seed=4))[0])


def test_an_iteration_more_has_a_token_more_of_each_request():
    result, _run = execute(planned("neupims", iterations=3, batch=4, lengths=None, context=40))
    assert result.tokens == 12
    assert result.workload["iterations"] == 3


def test_halves_share_out_the_batch_and_the_banks_work_beside_the_npu():
    result, run = execute(planned("neupims", settings={"policy.sub_batch": "always"}), bins=20)
    assert [stage["name"] for stage in result.stages] == ["A", "B", "C", "D", "E", "F"]
    beside = [stage for stage in result.stages if stage["npu"] > 0 and stage["pim"] > 0]
    assert {stage["name"] for stage in beside} == {"B", "C", "D", "E"}
    assert isinstance(run, BatchRun)
    lanes = result.lanes["lanes"]
    assert len({len(values) for values in lanes.values()}) == 1
    assert any(npu > 0 and pim > 0 for npu, pim in zip(lanes["npu"], lanes["pim"]))


def test_single_row_buffers_are_slower_than_double_ones():
    single, double = (execute(planned(system, "npu-pim", batch=16))[0] for system in ("npu-pim", "neupims"))
    assert double.time_s < single.time_s


def test_grouped_queries_attend_in_the_banks():
    result, run = execute(planned("neupims", model="llama-3.2-1b", batch=2, lengths=None, context=70))
    shape = next(one.region.attention for row in run.iterations[0].devices for device in row
                 for one in device.stages if one.region.attention is not None).shape  # fmt: skip
    assert (shape.kv_heads, shape.queries) == (8, 4)
    assert result.time_s > 0


@pytest.mark.parametrize("model", ["gpt3-125m", "llama-3.2-1b"])
def test_a_prompt_runs_on_the_npu(model):
    result, _run = execute(planned("neupims", model=model, phase="prefill", batch=1, lengths=None, context=32))
    assert result.counts.get("G_ACT", 0) == 0


def test_pipeline_stages_share_out_the_layers():
    whole = execute(planned("npu-only", model="gpt3-125m", batch=4))[0]
    cut = execute(planned("npu-only", model="gpt3-125m", batch=4, tensor=2, pipeline=2))[0]
    assert cut.tokens == whole.tokens
    assert cut.workload["tensor"] == cut.workload["pipeline"] == 2


def test_caches_grow_from_iteration_to_iteration_on_the_npu():
    """Every iteration reads longer keys and values than the last, past the room that the first one took."""
    one, many = (
        execute(planned("npu-only", batch=2, lengths=None, context=120, iterations=n), level="bound")[0]
        for n in (1, 20)
    )
    assert many.tokens == 20 * one.tokens
    assert many.time_s > 20 * one.time_s


def test_a_model_on_processors_in_a_batch():
    result = bitline.run("gpu-only", model="gpt3-7b", batch=64, lengths="sharegpt", seed=3, level="bound")
    assert result.tokens == 64
    assert result.time_s >= result.bound_time_s
    assert any(one.kind == "all_reduce" for one in result.operators)


def test_one_operator_and_a_topology(tmp_path):
    one = bitline.run("tpu-like", operator="matmul m=512 n=512 k=512")
    assert one.operators[0].flops == 2 * 512**3
    path = tmp_path / "t.csv"
    path.write_text("Layer, M, N, K,\na, 100, 70, 50,\nb, 32, 32, 64,\n")
    two = bitline.run("scale-sim", topology=str(path), dtype="int8")
    assert [row.name for row in two.operators if row.kind == "matmul"] == ["a", "b"]


def test_bytes_at_the_memory_are_those_that_were_asked_for(logged):
    result, run, _ = logged["npu-only", "npu-only"]
    moved = result.counts["RD"] + result.counts["WR"]
    shared = sum(stage.result.ticks["merged"] + stage.result.ticks["forwarded"]
                 for stage in run.iterations[0].devices[0][0].stages)  # fmt: skip
    assert result.traffic_bytes["off_chip"] >= moved * 64
    assert shared >= 0


def test_the_bound_takes_no_cycle():
    result = bitline.run("neupims", model="gpt3-125m", batch=4, lengths="alpaca", settings=SMALL, level="bound")
    assert result.level == "bound"
    assert result.time_s == result.bound_time_s > 0
