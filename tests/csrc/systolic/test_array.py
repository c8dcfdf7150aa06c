"""Systolic arrays against a model of their registers, closed forms and published numbers."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitline.arch.npu import closed_form
from bitline.base.errors import SpecError
from bitline.csrc.systolic.array import DATAFLOWS, RULES, SystolicArray

SIDES = st.integers(1, 16)
EXTENTS = st.integers(1, 40)
TILES = st.lists(st.tuples(st.integers(0, 300), EXTENTS, EXTENTS), min_size=1, max_size=6)
SIZES = st.integers(1, 3000)


@st.composite
def arrays(draw):
    """Any array that a spec allows."""
    rule = draw(st.sampled_from(sorted(RULES)))
    folded = rule in ("scale-sim", "independent")
    dataflow = draw(st.sampled_from(sorted(DATAFLOWS))) if folded else "weight"
    return SystolicArray(
        draw(SIDES),
        draw(st.integers(1, 64)),
        rule=rule,
        arrays=draw(SIDES) if rule in ("independent", "neupims") else 1,
        dataflow=dataflow,
        weight_double_buffer=draw(st.booleans()) if dataflow != "output" else False,
    )


def operands(m, k, n):
    rng = np.random.default_rng(m * 1_000_003 + k * 1009 + n)
    return rng.integers(-9, 10, (m, k)), rng.integers(-9, 10, (k, n))


# --- the array, register by register ---


@pytest.mark.parametrize("dataflow", sorted(DATAFLOWS))
@given(SIDES, SIDES, EXTENTS, EXTENTS, EXTENTS)
def test_cycles_are_those_of_the_registers(models, dataflow, rows, columns, m, k, n):
    m, k, n = min(m, 2 * rows + 1), min(k, 2 * rows + 1), min(n, 2 * columns + 1)
    a, b = operands(m, k, n)
    result, cycles = models[dataflow](a, b, rows, columns)
    assert (result == a @ b).all()
    assert SystolicArray(rows, columns, dataflow=dataflow).run([(m, k, n)])["done"] == cycles


@pytest.mark.parametrize("dataflow", ["weight", "input"])
@given(SIDES, SIDES, EXTENTS, EXTENTS, EXTENTS)
def test_a_second_register_hides_loading_as_it_does_in_the_registers(models, dataflow, rows, columns, m, k, n):
    k, n = min(k, 3 * rows), min(n, 2 * columns)
    a, b = operands(m, k, n)
    result, cycles = models[dataflow](a, b, rows, columns, overlap=True)
    assert (result == a @ b).all()
    array = SystolicArray(rows, columns, dataflow=dataflow, weight_double_buffer=True)
    assert array.run([(m, k, n)])["done"] == cycles


@given(st.integers(1, 8), st.integers(1, 8), st.integers(2, 5), st.booleans(), EXTENTS, EXTENTS, EXTENTS)
def test_arrays_work_on_their_own_folds_beside_each_other(models, rows, columns, count, overlap, m, k, n):
    m, k, n = min(m, 2 * rows), min(k, 4 * rows), min(n, 3 * columns)
    a, b = operands(m, k, n)
    result, cycles = models["weight"](a, b, rows, columns, overlap=overlap, arrays=count)
    assert (result == a @ b).all()
    array = SystolicArray(rows, columns, arrays=count, rule="independent", weight_double_buffer=overlap)
    assert array.run([(m, k, n)])["done"] == cycles


# --- the pipe of blocks, cycle by cycle ---


@pytest.mark.parametrize("rule", ["onnxim", "neupims"])
@given(SIDES, st.integers(1, 100), st.integers(1, 8), st.data())
def test_blocks_move_as_in_the_simulators_pipe(block_pipe, rule, rows, columns, count, data):
    count = count if rule == "neupims" else 1
    side = st.integers(1, 3 * rows)
    tiles = data.draw(st.lists(st.tuples(side, side, st.integers(1, 3 * columns)), min_size=1, max_size=4))
    gaps = data.draw(st.lists(st.integers(0, 300), min_size=len(tiles), max_size=len(tiles)))
    ready = list(itertools.accumulate(gaps))
    times = SystolicArray(rows, columns, arrays=count, rule=rule).run(tiles, ready=ready)
    expected = block_pipe(rows, columns, count, limited=rule == "onnxim").run(tiles, ready)
    assert list(zip(times["start"].tolist(), times["free"].tolist(), times["done"].tolist())) == expected
    assert (times["read"] == times["done"]).all()


# --- closed forms ---


@pytest.mark.parametrize("dataflow", sorted(DATAFLOWS))
@given(st.integers(1, 256), st.integers(1, 256), SIZES, SIZES, SIZES)
def test_folds_one_after_the_other_take_the_closed_form(dataflow, rows, columns, m, k, n):
    array = SystolicArray(rows, columns, dataflow=dataflow)
    assert array.run([(m, k, n)])["done"] == closed_form.scale_sim_cycles(rows, columns, dataflow, m, k, n)


@pytest.mark.parametrize("dataflow", ["weight", "input"])
@given(st.integers(1, 256), st.integers(1, 256), st.integers(1, 16), SIZES, SIZES, SIZES)
def test_overlapped_folds_take_the_closed_form(dataflow, rows, columns, count, m, k, n):
    array = SystolicArray(rows, columns, arrays=count, rule="independent", dataflow=dataflow, weight_double_buffer=True)
    expected = closed_form.overlapped_cycles(rows, columns, dataflow, m, k, n, count)
    assert array.run([(m, k, n)])["done"] == expected


@given(st.integers(2, 256), st.integers(1, 256), SIZES, SIZES, SIZES)
def test_onnxim_blocks_take_the_closed_form(rows, columns, m, k, n):
    columns = min(columns, 3 * rows - 2)
    m, k, n = min(m, 30 * rows), min(k, 30 * rows), min(n, 30 * columns)
    array = SystolicArray(rows, columns, rule="onnxim")
    assert array.run([(m, k, n)])["done"] == closed_form.onnxim_cycles(rows, columns, m, k, n)


@given(st.integers(1, 256), st.integers(1, 256), st.integers(1, 16), SIZES, SIZES, SIZES, st.integers(1, 5))
def test_neupims_blocks_take_the_closed_form(rows, columns, count, m, k, n, tiles):
    m, k, n = min(m, 20 * rows), min(k, 20 * rows), min(n, 20 * columns)
    array = SystolicArray(rows, columns, arrays=count, rule="neupims")
    done = array.run([(m, k, n)] * tiles)["done"][-1]
    assert done == closed_form.neupims_cycles(rows, columns, count, m, k, n, tiles)


@given(st.integers(1, 64), st.integers(1, 64), st.integers(1, 8), st.booleans(), st.integers(1, 500), st.data())
def test_tiles_of_a_product_take_the_time_of_the_whole(rows, columns, count, overlap, m, data):
    k_tiles = data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=5))
    n_tiles = data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=5))
    tiles = [(m, k * rows, n * columns) for n in n_tiles for k in k_tiles]

    def array():
        return SystolicArray(rows, columns, arrays=count, rule="independent", weight_double_buffer=overlap)

    times = array().run(tiles)
    whole = array().run([(m, sum(k_tiles) * rows, sum(n_tiles) * columns)])
    assert times["done"].max() == whole["done"][0]
    assert times["blocks"].sum() == whole["blocks"][0]
    assert times["macs"].sum() == whole["macs"][0]
    assert times["busy_cycles"].sum() == whole["busy_cycles"][0] == whole["done"][0]


# --- published numbers ---


@pytest.mark.parametrize(
    ("dataflow", "product", "printed", "share"),
    [
        # SCALE-Sim v3.0.0, array 16 x 8: "compute cycles" as printed
        ("output", (100, 50, 70), 4535, 0.6029),
        ("weight", (100, 50, 70), 4967, 0.5505),
        ("input", (100, 50, 70), 5615, 0.4870),
        ("output", (32, 64, 32), 687, None),
        ("weight", (32, 64, 32), 1119, None),
        ("input", (32, 64, 32), 1119, None),
    ],
)
def test_scale_sim_rows(dataflow, product, printed, share):
    assert SystolicArray(16, 8, dataflow=dataflow).run([product])["done"] - 1 == printed
    if share is not None:
        assert closed_form.scale_sim_utilisation(16, 8, dataflow, *product) == pytest.approx(share, abs=5e-5)


@pytest.mark.parametrize(
    ("product", "tile", "tiles", "cycles"),
    [
        # NeuPIMs (2024-06): 8 arrays of 128 x 128, its tiles, compute-bound cycles without first preload and tail
        ((256, 4096, 1024), (256, 256, 256), 64, 36_864),
        ((256, 4096, 3072), (256, 256, 384), 128, 110_592),
        ((64, 4096, 4096), (64, 256, 512), 128, 131_072),
        ((512, 4096, 4096), (256, 256, 256), 512, 294_912),
    ],
)
def test_neupims_rows(product, tile, tiles, cycles):
    assert np.prod(product) == tiles * np.prod(tile)
    times = SystolicArray(128, 128, arrays=8, rule="neupims").run([tile] * tiles)
    # 255 before the first block; after the last: it takes its rows in and drains, instead of the next preload
    sizes = {256: 16, 64: 8}
    assert times["done"][-1] == 255 + cycles - 128 + 254 + sizes[tile[0]]
    assert times["start"][1] - times["start"][0] == cycles // tiles


def test_a_neupims_block_takes_270_cycles_and_255_before_it():
    times = SystolicArray(128, 128, arrays=8, rule="neupims").run([(128, 128, 128)])
    assert times["start"] == 128 + 127
    assert times["done"] - times["start"] == 128 + 128 - 2 + 16


@pytest.mark.parametrize(("blocks", "share"), [(1, 0.125), (2, 0.22), (4, 0.36), (8, 0.53)])
def test_neupims_efficiency_by_activation_blocks(blocks, share):
    array = SystolicArray(128, 128, arrays=8, rule="neupims")
    times = array.run([(128 * blocks, 128, 128)] * 101)
    steady = (times["start"][-1] - times["start"][0]) / 100
    assert 128**3 * blocks / steady / array.peak_macs == pytest.approx(share, abs=0.005)


def test_a_fold_with_second_register_costs_its_rows_in_steady_state():
    array = SystolicArray(128, 128, weight_double_buffer=True)
    times = array.run([(512, 128, 128)] * 3 + [(16, 128, 128)] * 3)
    assert np.diff(times["start"]).tolist() == [512, 512, 512, 128, 128]
    assert times["done"][0] == 128 + 128 + 128 + 512 - 2


# --- state, order, bounds ---


@given(arrays(), TILES, TILES, st.integers(0, 500), st.integers(0, 10_000), st.lists(st.integers(0, 9), min_size=1))
def test_a_state_put_elsewhere_gives_the_same_times_shifted(array, before, after, wait, to, stalls):
    now = int(array.run(before)["free"][-1]) + wait
    stall = np.resize(stalls, len(after))
    there = array.copy()
    there.move(now, to)
    here = array.run(after, ready=now, stall=stall)
    moved = there.run(after, ready=to, stall=stall)
    for name in ("start", "read", "free", "done"):
        assert (here[name] - now == moved[name] - to).all()
    for name in ("busy_cycles", "blocks", "macs"):
        assert (here[name] == moved[name]).all()


@given(arrays(), TILES, st.integers(0, 100))
def test_times_of_a_tile_are_in_order(array, tiles, ready):
    times = array.run(tiles, ready=ready)
    work = times[times["blocks"] > 0]
    assert (work["start"] >= ready).all()
    assert (work["start"] < work["done"]).all()
    assert (work["read"] <= work["done"]).all()
    assert (np.diff(work["start"]) >= 0).all()
    assert (np.diff(times["free"]) >= 0).all()


@given(arrays(), TILES)
def test_no_array_works_faster_than_its_peak(array, tiles):
    times = array.run(tiles)
    assert times["done"].max() * array.peak_macs >= times["macs"].sum()
    assert times["busy_cycles"].sum() <= times["done"].max()


@given(arrays(), TILES, st.integers(0, 300))
def test_operands_that_come_later_end_no_earlier(array, tiles, ready):
    early = array.copy().run(tiles)
    late = array.run(tiles, ready=ready)
    assert (late["done"] >= early["done"]).all()


@given(arrays(), TILES, st.integers(1, 300))
def test_a_stall_holds_a_tile_and_what_follows_up(array, tiles, stall):
    smooth, tile = array.copy(), next((i for i, tile in enumerate(tiles) if tile[0]), None)
    if tile is None:
        return
    stalls = np.zeros(len(tiles), np.int64)
    stalls[tile] = stall
    held, free = array.run(tiles, stall=stalls), smooth.run(tiles)
    assert held["done"][tile] == free["done"][tile] + stall
    assert (free["done"] <= held["done"]).all()
    assert (held["done"] <= free["done"] + stall).all()
    assert (held["start"][: tile + 1] == free["start"][: tile + 1]).all()


def test_an_empty_tile_takes_no_time():
    for rule in RULES:
        times = SystolicArray(8, 8, rule=rule).run([(0, 8, 8), (8, 0, 8), (8, 8, 0)], ready=7)
        assert (times["done"] == 7).all()
        assert times["macs"].sum() == times["busy_cycles"].sum() == 0


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"rows": 0}, "rows"),
        ({"columns": -1}, "columns"),
        ({"arrays": 0}, "arrays"),
        ({"rule": "scale-simm"}, "rule"),
        ({"dataflow": "row"}, "dataflow"),
        ({"arrays": 2}, "arrays"),
        ({"rule": "onnxim", "dataflow": "output"}, "dataflow"),
        ({"rule": "neupims", "rows": 2000}, "rows"),
        ({"dataflow": "output", "weight_double_buffer": True}, "weight_double_buffer"),
    ],
)
def test_an_array_that_cannot_be_is_refused(changes, field):
    fields = {"rows": 8, "columns": 8} | changes
    rows, columns = fields.pop("rows"), fields.pop("columns")
    with pytest.raises(SpecError) as error:
        SystolicArray(rows, columns, **fields)
    assert error.value.field == field
    assert error.value.expected
