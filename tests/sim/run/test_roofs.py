import dataclasses

import pytest

import bitline
from bitline.base.errors import SpecError
from bitline.plots.roofline import roofline_table
from bitline.sim.run.roofs import roofs_of

RUNS = {
    "pim-gpt": {"model": "gpt2", "context": 64},
    "hbm-pim": {"model": "gpt2", "context": 64},
    "t4": {"model": "gpt2", "context": 64, "level": "bound"},
    "npu-only": {"operator": "matmul m=512 n=512 k=2048"},
}


def test_roofs_are_the_data_sheets():
    """T4: 65 TFLOP/s, 320 GB/s. GDDR6-AiM: 1 TFLOP/s for two channels (Lee et al., ISSCC 2022, 11.1). PIM-GPT has 8."""
    (t4,) = roofs_of(bitline.run("t4", **RUNS["t4"]))
    assert (t4["flops_per_s"], t4["bytes_per_s"]) == (65e12, 320e9)
    pim, asic = roofs_of(bitline.run("pim-gpt", model="gpt2", context=64, level="bound"))
    assert pim["flops_per_s"] == pytest.approx(8 * 0.5e12, rel=0.03)
    assert pim["bytes_per_s"] == pim["flops_per_s"]  # two FLOPs for each bf16 weight
    assert asic == {"unit": "asic", "flops_per_s": (256 + 128) * 1e9, "bytes_per_s": None}


@pytest.mark.parametrize("system", RUNS)
def test_no_operator_is_above_its_roof(system):
    result = bitline.run(system, **RUNS[system])
    table = roofline_table([(system, result, roofs_of(result))])
    roofs = {row["unit"]: row for row in table if row["kind"] == "roof"}
    points = [row for row in table if row["kind"] == "operator"]
    assert points
    for row in points:
        assert row["flops_per_s"] <= roofs[row["unit"]]["flops_per_s"] * (1 + 1e-9), row
        if row["unit"] != "asic":
            assert row["bytes_per_s"] <= roofs[row["unit"]]["bytes_per_s"] * (1 + 1e-9), row


def test_stages_of_a_pipeline_add_up_their_roofs():
    result = bitline.run("t4", **RUNS["t4"])
    piped = dataclasses.replace(result, workload={**result.workload, "pipeline": 4})
    assert roofs_of(piped)[0]["flops_per_s"] == 4 * 65e12


def test_a_result_without_its_system_is_refused():
    result = dataclasses.replace(bitline.run("t4", **RUNS["t4"]), provenance={})
    with pytest.raises(SpecError, match="does not hold the system that ran"):
        roofs_of(result)
