from math import ceil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitline.arch.npu.mapping import MAPPINGS, load_mapping
from bitline.arch.npu.spec import CORES, load_npu
from bitline.arch.npu.tiling import check_fit, choose_tiling, operand_bytes
from bitline.base.errors import CapacityError, SpecError

from .conftest import make_gemm

GB_S = 1024.0


# NeuPIMs' rule and its cycles (facts of the released code: 128 cycles for the first block of rows of each weight
# block, 16 for each further one).
@pytest.mark.parametrize(
    ("shape", "tile", "tiles", "cycles"),
    [
        ((256, 4096, 1024), (256, 256, 256), 64, 36_864),
        ((256, 4096, 3072), (256, 256, 384), 128, 110_592),
        ((64, 4096, 4096), (64, 256, 512), 128, 131_072),
        ((512, 4096, 4096), (256, 256, 256), 512, 294_912),
    ],
)
def test_neupims_tiles(shape, tile, tiles, cycles):
    found = choose_tiling(make_gemm(*shape), load_npu("neupims-npu"), load_mapping("neupims"), GB_S)
    assert (found.tile_m, found.tile_k, found.tile_n, found.order) == (*tile, "mn")
    counts = [ceil(size / part) for size, part in zip(shape, tile)]
    assert counts[0] * counts[1] * counts[2] == tiles
    blocks_m, blocks_k, blocks_n = (ceil(part / 128) for part in tile)
    assert tiles * blocks_n * blocks_k * (128 + 16 * (blocks_m - 1)) == cycles


def test_onnxim_tiles_are_five_by_five_blocks_and_51_deep():
    # facts: TPUv4-like: p = 256, a = 32
    job = make_gemm(8 * 640, 2 * 51 * 128, 8 * 640)
    found = choose_tiling(job, load_npu("tpu-v4-like"), load_mapping("onnxim"), GB_S)
    assert (found.tile_m, found.tile_k, found.tile_n) == (5 * 128, 51 * 128, 5 * 128)


def test_onnxim_makes_a_tile_for_every_core():
    found = choose_tiling(make_gemm(128, 4096, 1024), load_npu("tpu-v4-like"), load_mapping("onnxim"), GB_S)
    assert (found.tile_m, found.tile_n) == (128, 256)


def test_scale_sim_takes_one_column_of_folds_at_a_time():
    job = make_gemm(100, 50, 70)
    spec = load_npu("scale-sim-default")
    found = choose_tiling(job, spec, load_mapping("scale-sim"), GB_S)
    assert (found.tile_m, found.tile_k, found.tile_n, found.resident) == (100, 50, 32, "activations")
    spec = load_npu("scale-sim-default", {"array.dataflow": "input"})
    found = choose_tiling(job, spec, load_mapping("scale-sim"), GB_S)
    assert (found.tile_m, found.tile_k, found.tile_n, found.resident) == (32, 50, 70, "weights")


def test_traffic_reads_weights_once_where_that_is_what_limits():
    job = make_gemm(64, 4096, 4096)
    found = choose_tiling(job, load_npu("neupims-npu"), load_mapping("traffic"), 100.0)
    assert found.tile_m == 64


def test_a_larger_scratchpad_never_takes_more_traffic_time():
    job = make_gemm(2048, 2048, 2048)

    def traffic(size: int) -> float:
        spec = load_npu("tpu-v4-like", {"scratchpad.bytes": size})
        found = choose_tiling(job, spec, load_mapping("traffic"), 50.0)
        reads_a = 1 if found.resident == "activations" else ceil(2048 / found.tile_n)
        reads_b = 1 if found.resident == "weights" else ceil(2048 / found.tile_m)
        return reads_a + reads_b

    assert traffic(1 << 25) <= traffic(1 << 22) <= traffic(1 << 20)


def test_a_tile_larger_than_the_scratchpad_says_how_many_bytes_are_missing():
    tile = {"tile_m": 256, "tile_k": 1024, "tile_n": 256}
    need = 2 * 2 * (256 * 1024 + 1024 * 256)
    with pytest.raises(CapacityError, match=f"scratchpad: {need - (1 << 20)} bytes are missing"):
        choose_tiling(make_gemm(256, 4096, 1024), load_npu("neupims-npu"), load_mapping("traffic", tile), GB_S)


def test_a_result_larger_than_the_accumulator_says_how_many_bytes_are_missing():
    tile = {"tile_m": 1024, "tile_k": 16, "tile_n": 1024}
    with pytest.raises(CapacityError, match=f"accumulator: {2 * 2 * (1 << 20) - (1 << 20)} bytes are missing"):
        choose_tiling(make_gemm(1024, 4096, 1024), load_npu("neupims-npu"), load_mapping("neupims", tile), GB_S)


def test_settings_override_the_policy():
    mapping = load_mapping("traffic", {"tile_m": 128, "tile_n": 256, "order": "nm"})
    found = choose_tiling(make_gemm(1024, 1024, 1024), load_npu("neupims-npu"), mapping, GB_S)
    assert (found.tile_m, found.tile_n, found.order) == (128, 256, "nm")


@pytest.mark.parametrize(
    "setting",
    [
        {"kind": "manual"},
        {"kind": "manual", "tile_m": 128},
        {"tile_m": 0},
        {"tile_q": 128},
        {"order": "km"},
        {"resident": "weights", "order": "mn"},
    ],
)
def test_a_mapping_that_cannot_be_is_refused(setting):
    with pytest.raises(SpecError):
        load_mapping("traffic", setting)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(CORES.names()),
    st.sampled_from([name for name in MAPPINGS.names() if name != "scale-sim"]),
    st.tuples(*[st.integers(1, 5000)] * 3),
    st.sampled_from([8, 16]),
    st.floats(1, 4000),
)
def test_policies_choose_tiles_that_fit(npu, mapping, shape, bits, bandwidth):
    spec, job = load_npu(npu), make_gemm(*shape, bits=bits)
    if mapping.startswith("neupims"):
        # Its rule does not look at the accumulator.
        spec = load_npu(npu, {"accumulator.bytes": 1 << 30})
    found = choose_tiling(job, spec, load_mapping(mapping), bandwidth)
    check_fit(job, spec, found)
    assert operand_bytes(job, found) <= spec.tile_bytes
    assert found.tile_m <= job.m
    assert found.tile_k <= job.k
    assert found.tile_n <= job.n
