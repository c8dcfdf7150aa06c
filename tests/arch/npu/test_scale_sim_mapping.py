import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitline.arch.npu.body import ARRAY
from bitline.arch.npu.closed_form import scale_sim_cycles
from bitline.arch.npu.lower import lower
from bitline.arch.npu.mapping import load_mapping
from bitline.arch.npu.memory_map import MemoryMap
from bitline.arch.npu.nest import counted_rows
from bitline.arch.npu.spec import load_npu

from .conftest import make_gemm


def cycles_of_tiles(dataflow: str, m: int, k: int, n: int) -> int:
    settings_ = {"array.rows": 16, "array.columns": 8, "array.dataflow": dataflow}
    spec = load_npu("scale-sim-default", settings_)
    lowered = lower(make_gemm(m, k, n), spec, load_mapping("scale-sim"), MemoryMap(1 << 40))
    tiles = [(row, trips) for nest in lowered.nests for row, trips in counted_rows(nest) if row.kind == ARRAY]
    return sum(trips * scale_sim_cycles(16, 8, dataflow, row.rows, row.row_bytes, row.pitch) for row, trips in tiles)


# Folds x cycles a fold on 16 x 8; SCALE-Sim v3 was run and prints one less.
@pytest.mark.parametrize(
    ("shape", "dataflow", "cycles"),
    [
        ((100, 50, 70), "output", 4536),
        ((100, 50, 70), "weight", 4968),
        ((100, 50, 70), "input", 5616),
        ((32, 64, 32), "output", 688),
        ((32, 64, 32), "weight", 1120),
        ((32, 64, 32), "input", 1120),
    ],
)
def test_tiles_of_the_scale_sim_mapping_have_all_folds(shape, dataflow, cycles):
    assert cycles_of_tiles(dataflow, *shape) == cycles


@settings(max_examples=60)
@given(st.sampled_from(["output", "weight", "input"]), st.tuples(*[st.integers(1, 400)] * 3))
def test_tiles_of_the_scale_sim_mapping_add_up_to_the_closed_form(dataflow, shape):
    assert cycles_of_tiles(dataflow, *shape) == scale_sim_cycles(16, 8, dataflow, *shape)
