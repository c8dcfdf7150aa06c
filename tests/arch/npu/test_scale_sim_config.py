import pytest

from bitline.arch.npu.scale_sim_config import read_scale_sim_config
from bitline.base.errors import SpecError

# The form of SCALE-Sim's own configs/scale.cfg.
TEXT = """[general]
run_name = example

[architecture_presets]
ArrayHeight:    16
ArrayWidth:     8
IfmapSramSzkB:   64
FilterSramSzkB:  32
OfmapSramSzkB:   16
IfmapOffset:    0
Bandwidth : 10
Dataflow : ws
MemoryBanks:   1

[sparsity]
SparsitySupport : false

[run_presets]
InterfaceBandwidth: CALC
UseRamulatorTrace: False
"""


@pytest.fixture
def write(tmp_path):
    def write(text):
        path = tmp_path / "scale.cfg"
        path.write_text(text)
        return path

    return write


def test_the_array_and_its_memories(write):
    config = read_scale_sim_config(write(TEXT))
    spec = config.spec()
    assert config.name == spec.description == "example"
    assert (spec.array.rows, spec.array.columns, spec.array.dataflow, spec.array.rule) == (16, 8, "weight", "scale-sim")
    assert (spec.scratchpad.bytes, spec.accumulator.bytes) == (96 << 10, 16 << 10)
    assert config.words_per_cycle is None


def test_a_given_bandwidth(write):
    assert read_scale_sim_config(write(TEXT.replace("CALC", "USER"))).words_per_cycle == 10
    text = TEXT.replace("CALC", "USER").replace("Bandwidth : 10", "Bandwidth : 10, 6, 8")
    assert read_scale_sim_config(write(text)).words_per_cycle == 6


@pytest.mark.parametrize(
    ("old", "new", "field", "says"),
    [
        ("ArrayHeight:    16", "ArrayHeight: 0", "architecture_presets.ArrayHeight", "'0' is no size"),
        ("ArrayHeight:    16", "ArrayHeight: x", "architecture_presets.ArrayHeight", "'x' is no size"),
        ("ArrayHeight:    16", "", "architecture_presets.ArrayHeight", "is missing"),
        ("ArrayHeight:", "ArayHeight:", "architecture_presets.arayheight", "did you mean 'arrayheight'"),
        ("Dataflow : ws", "Dataflow : rs", "architecture_presets.Dataflow", "os, ws or is"),
        ("SparsitySupport : false", "SparsitySupport : true", "sparsity.SparsitySupport", "not modelled"),
        ("InterfaceBandwidth: CALC", "InterfaceBandwidth: AUTO", "run_presets.InterfaceBandwidth", "CALC or USER"),
        ("[architecture_presets]", "[architecture]", None, "no section [architecture_presets]"),
        ("[general]", "general", None, "is no configuration"),
    ],
)
def test_a_bad_configuration_is_one_clear_error(write, old, new, field, says):
    path = write(TEXT.replace(old, new))
    with pytest.raises(SpecError) as caught:
        read_scale_sim_config(path)
    assert caught.value.file == str(path)
    assert caught.value.field == field
    assert says in str(caught.value)


def test_user_bandwidth_has_to_be_given(write):
    with pytest.raises(SpecError, match="words a cycle"):
        read_scale_sim_config(write(TEXT.replace("CALC", "USER").replace("Bandwidth : 10\n", "")))


def test_a_missing_file(tmp_path):
    with pytest.raises(SpecError, match="cannot be read"):
        read_scale_sim_config(tmp_path / "none.cfg")
