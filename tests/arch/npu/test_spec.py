import pytest

from bitline.arch.npu.spec import CORES, load_npu
from bitline.base.errors import SpecError


@pytest.mark.parametrize("name", CORES.names())
def test_every_preset_loads_and_every_section_has_a_source(name):
    spec = load_npu(name)
    sections = [spec.array, spec.scratchpad, spec.accumulator, spec.vector, spec.dma, spec.network, spec.energy]
    assert all(section.source for section in sections)


def test_peaks_of_the_presets():
    assert load_npu("neupims-npu").macs_per_cycle("bf16") == 131_072  # facts: 262 TFLOP/s at 1 GHz
    assert load_npu("tpu-v4-like").macs_per_cycle("bf16") == 65_536
    assert load_npu("onnxim-small").macs_per_cycle("fp16") == 64


@pytest.mark.parametrize(
    ("setting", "value", "field", "says"),
    [
        ("array.rows", 0, "array.rows", "greater than or equal to 1"),
        ("array.columns", 0, "array.columns", "greater than or equal to 1"),
        ("array.count", 4, "array", "expected count 1"),
        ("array.dataflow", "output", "array", "expected dataflow weight"),
        ("array.macs_per_pe", {}, "array", "at least one"),
        ("accumulator.bytes", 64, None, "expected at least 1024"),
        ("scratchpad.bytes", 16384, None, "scratchpad.bytes"),
        ("scratchpad.bytes", 16, "scratchpad", "expected at least 64"),
        ("network.rows", 3, "network", "topology mesh"),
        ("clock_mhz", 0, "clock_mhz", "greater than 0"),
        ("scratchpad.size", 1, "scratchpad.size", "unknown field"),
    ],
)
def test_a_spec_that_cannot_be_is_refused(setting, value, field, says):
    with pytest.raises(SpecError) as caught:
        load_npu("tpu-v4-like", {setting: value})
    assert caught.value.field == field
    assert says in str(caught.value)


def test_an_output_stationary_array_needs_room_for_its_block():
    with pytest.raises(SpecError, match="block of results"):
        load_npu("scale-sim-default", {"accumulator.bytes": 1024})


def test_a_mesh_has_a_place_for_every_core():
    mesh = {"network.topology": "mesh", "network.rows": 1, "network.columns": 2}
    with pytest.raises(SpecError, match="2 x 1 for 4 cores"):
        load_npu("tpu-v4-like", mesh)
    spec = load_npu("tpu-v4-like", {**mesh, "network.rows": 2})
    assert [spec.hops(core) for core in range(4)] == [1, 1, 2, 2]
