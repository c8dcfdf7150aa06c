"""System documents."""

import pytest

from bitline.arch.dram.controller import load_controller
from bitline.arch.pim.device import pim_device
from bitline.arch.systems.system import SYSTEMS, load_system, memory_part, npu_spec
from bitline.base.errors import SpecError


@pytest.mark.parametrize("name", SYSTEMS.names())
def test_every_system_loads_and_says_where_it_is_from(name):
    system = load_system(name)
    assert system.source
    assert system.policy
    if system.npu is not None:
        assert npu_spec(system.npu).cores >= 1
        assert load_controller(system.memory.controller).source
    elif system.memory is not None:
        assert pim_device(memory_part(system.memory), system.memory.part).outputs_at_once > 0


def test_pim_gpt_is_the_machine_of_the_paper():
    """Eight channels of 16 banks and a 1 GHz ASIC (arXiv 2310.09385)."""
    system = load_system("pim-gpt")
    assert (system.memory.channels, system.asic.clock_mhz) == (8, 1000)
    assert memory_part(system.memory).organisation.n_banks == 16


def test_a_system_takes_what_it_does_not_say_from_its_base():
    assert load_system("hbm-pim").asic == load_system("pim-gpt").asic
    assert load_system("hbm-pim").memory.part == "hbm-pim"


def test_an_override_reaches_the_part():
    system = load_system("pim-gpt", {"memory.override": {"timing_ck": {"tRP": 40, "tRC": 100}}})
    part = memory_part(system.memory)
    assert (part.timing["tRP"], part.timing["tRC"], part.timing["tRAS"]) == (40, 100, 54)
    assert memory_part(load_system("pim-gpt").memory).timing["tRP"] == 32


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"memory.channels": 0}, "memory.channels"),
        ({"memory.channels": 1.5}, "memory.channels"),
        ({"asic.clock_mhz": -1}, "asic.clock_mhz"),
        ({"asic.adders": 0}, "asic.adders"),
        ({"asic.ader": 9}, "adders"),
        (
            {"processor": {"peak_tflops": 1, "bandwidth_gb_s": 1, "memory_gb": 1, "power_w": 1}},
            "memory and asic, memory",
        ),
    ],
)
def test_a_system_that_is_wrong_is_refused(settings, says):
    with pytest.raises(SpecError, match=says):
        load_system("pim-gpt", settings)


def test_a_part_without_compute_has_no_pim_device():
    system = load_system("pim-gpt", {"memory.part": "ddr4-3200"})
    with pytest.raises(SpecError, match="no compute in its banks"):
        pim_device(memory_part(system.memory), "ddr4-3200")


def test_settings_reach_through_to_the_part_and_the_core():
    system = load_system("pim-gpt", {"memory.pim.lanes_per_bank": 8, "memory.channels": 4})
    assert system.memory.override == {"pim": {"lanes_per_bank": 8}}
    assert system.memory.channels == 4
    assert memory_part(system.memory).pim.lanes_per_bank == 8
    assert system == load_system("pim-gpt", {"memory.override.pim.lanes_per_bank": 8, "memory.channels": 4})
    assert npu_spec(load_system("npu-only", {"npu.array.rows": 64}).npu).array.rows == 64


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("memory.pmi.lanes_per_bank", 8, "--set: memory.pmi: unknown field; expected did you mean 'pim'?"),
        ("memory.pim.lanes_perbank", 8, "--set: memory.pim.lanes_perbank: unknown field; expected did you mean 'lane"),
        ("memory.pim.lanes_per_bank", 0, "--set: memory.pim.lanes_per_bank: input should be greater than or equal to"),
        ("memory.pim", 3, "--set: memory.pim: input should be an object, got 3"),
        ("memory.pim.lanes_per_bank", 32, "gddr6-aim with memory.override: pim.lanes_per_bank is 32, but one column"),
        ("npu.array.rows", 3, "npu.core: is missing"),
    ],
)
def test_a_wrong_setting_of_a_part_is_named_as_it_was_given(path, value, message):
    with pytest.raises(SpecError) as error:
        load_system("pim-gpt", {path: value})
    assert message in str(error.value)
