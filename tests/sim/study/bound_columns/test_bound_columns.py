"""The bound level in columns is that of one-point runs: equal to the last bit, and with the same reasons of failure."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bitline.base.errors import BitlineError, SpecError
from bitline.sim.study.bound_columns import PointColumns, bound_columns, bound_of_points
from bitline.sim.study.point import Point
from bitline.sim.study.point_run import one_line, simulate

SIMPLE = {
    "policy": None,
    "model": "gpt2",
    "phase": "decode",
    "batch": 1,
    "context": 300,
    "prompt": None,
    "tokens": None,
    "level": "cycle",
}

PROCESSOR = {
    "processor.peak_tflops": st.one_of(st.integers(1, 1000), st.floats(0.5, 1000)),
    "processor.bandwidth_gb_s": st.floats(1, 5000),
    "processor.memory_gb": st.sampled_from([0.1, 0.25, 16, 80.5]),
    "processor.power_w": st.integers(1, 700),
    "processor.efficiency.matmul.compute": st.floats(0.01, 1),
    "processor.efficiency.softmax.overhead_us": st.one_of(st.just(0), st.floats(0, 100)),
    "processor.efficiency.norm.bandwidth": st.floats(0.01, 1),
}
LINK = {"link.bandwidth_gb_s": st.floats(1, 900), "link.latency_us": st.floats(0, 10)}
ASIC = {
    "asic.clock_mhz": st.one_of(st.integers(1, 3000), st.floats(0.1, 3000)),
    "asic.adders": st.integers(1, 3000),
    "asic.multipliers": st.integers(1, 3000),
    "asic.taylor_terms": st.integers(1, 12),
    "asic.newton_steps": st.integers(1, 8),
    "asic.sram_bytes": st.sampled_from([4000, 8000, 131072]),
    "asic.static_mw": st.floats(0, 100),
    "memory.channels": st.sampled_from([1, 4, 7, 8]),
    "memory.refresh": st.booleans(),
    "memory.override.pim.global_buffer_bytes": st.sampled_from([1024, 2048]),
    "memory.override.timing_ck.tCCDL": st.sampled_from([2, 4]),
    "policy.softmax": st.sampled_from(["by_chunk", "whole"]),
}
WORKLOADS = {
    "model": st.sampled_from(["gpt2", "gpt2-medium"]),
    "batch": st.sampled_from([1, 3]),
    "context": st.sampled_from([1, 100, 777]),
}


def points_of(domains, **fixed):
    """Points that set all of some settings, with workloads of several kinds."""

    def make(values):
        fields = {name: value for name, value in values.items() if name in WORKLOADS}
        paths = {name: value for name, value in values.items() if name not in WORKLOADS}
        return Point(**{**SIMPLE, **fixed, **fields}, settings=paths)

    def of(paths):
        chosen = {name: domain for name, domain in domains.items() if name in paths}
        return st.lists(st.fixed_dictionaries(chosen | WORKLOADS).map(make), min_size=1, max_size=8)

    return st.sets(st.sampled_from(sorted(domains)), min_size=1).flatmap(of)


def assert_equal_to_runs(points, found):
    """Every row is what its run says. All numbers have to be the same to the last bit."""
    assert found.rows == len(points)
    limits = found.columns()["bottleneck"]
    for row, point in enumerate(points):
        result, error = outcome(point)
        assert found.error(row) == error
        assert found.done[row] == (result is not None)
        assert found.bottleneck(row) == limits[row] == (None if result is None else result.bottleneck)
        if result is None:
            assert np.isnan([column[row] for column in found.numbers.values()]).all()
            continue
        assert {name: column[row] for name, column in found.numbers.items()} == {
            name: getattr(result, name) for name in found.numbers
        }
        assert result.row_hit_rate is None


def outcome(point):
    """(result, None), or (None, why there is none)."""
    try:
        return simulate(Point(**{**point.__dict__, "level": "bound"})), None
    except BitlineError as error:
        return None, one_line(str(error))


FEW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@FEW
@given(st.sampled_from(["a100-40", "gpu-only", "t4"]), st.data())
def test_a_processor_in_columns_is_each_of_its_points(system, data):
    points = data.draw(points_of(PROCESSOR, system=system))
    found = bound_of_points(points)
    assert_equal_to_runs(points, found)
    assert (found.in_columns, found.one_by_one) == (len(points), 0)


@FEW
@given(
    points_of(
        {name: domain for name, domain in PROCESSOR.items() if name != "processor.memory_gb"} | LINK,
        system="gpu-only",
        lengths="alpaca",
        seed=3,
        tensor=2,
        pipeline=2,
    )
)
def test_a_batch_on_several_processors_in_columns_is_each_of_its_points(points):
    points = [Point(**{**point.__dict__, "context": None}) for point in points]
    found = bound_of_points(points)
    assert_equal_to_runs(points, found)
    assert found.one_by_one == 0


@FEW
@given(st.sampled_from(["pim-gpt", "hbm-pim"]), st.data())
def test_a_pim_system_in_columns_is_each_of_its_points(system, data):
    points = data.draw(points_of(ASIC, system=system))
    found = bound_of_points(points)
    assert_equal_to_runs(points, found)
    assert found.one_by_one == 0


@pytest.mark.parametrize("system", ["a100-40", "pim-gpt"])
def test_generated_tokens_in_columns_are_those_of_each_point(system):
    path = "processor.bandwidth_gb_s" if system == "a100-40" else "asic.adders"
    fields = {**SIMPLE, "system": system, "phase": "generate", "context": None, "prompt": 5, "tokens": 4}
    points = [Point(**fields, settings={path: value}) for value in (3, 100, 1000)]
    assert_equal_to_runs(points, bound_of_points(points))


def test_points_of_an_npu_are_run_once_each():
    fields = {**SIMPLE, "system": "npu-only", "model": "gpt3-125m", "batch": 4, "context": 64}
    points = [Point(**fields, settings={"memory.channels": channels}) for channels in (8, 16, 8, 16, 8)]
    found = bound_of_points(points)
    assert_equal_to_runs(points, found)
    assert (found.in_columns, found.one_by_one, found.runs) == (0, 5, 2)


def test_points_of_several_systems_have_settings_of_their_own():
    points = [
        Point(**SIMPLE, system="pim-gpt", settings={"asic.adders": 7}),
        Point(**SIMPLE, system="a100-40", settings={"processor.power_w": 300}),
        Point(**SIMPLE, system="pim-gpt", settings={"asic.adders": 70}),
        Point(**SIMPLE, system="t4"),
    ]
    found = bound_of_points(points)
    assert_equal_to_runs(points, found)
    assert found.in_columns == 4


def test_rows_of_a_large_group_are_cut_into_chunks(monkeypatch):
    monkeypatch.setattr("bitline.sim.study.bound_columns.evaluate.AT_ONCE", 3)
    points = [Point(**SIMPLE, system="pim-gpt", settings={"asic.adders": 1 + 7 * i}) for i in range(10)]
    assert_equal_to_runs(points, bound_of_points(points))


@pytest.mark.parametrize(
    ("path", "value"), [("asic.adders", 0), ("asic.adders", 2.5), ("asic.clock_mhz", -1), ("asic.addres", 4)]
)
def test_a_value_that_no_point_could_have_is_refused_as_its_run_is(path, value):
    points = [Point(**SIMPLE, system="pim-gpt", settings={path: one}) for one in (8, value)]
    with pytest.raises(SpecError) as of_run:
        simulate(points[1])
    with pytest.raises(SpecError) as of_columns:
        bound_of_points(points)
    assert str(of_columns.value) == str(of_run.value)


def test_columns_may_be_arrays_lists_or_one_value():
    adders = np.array([1, 10, 100])
    whole = bound_columns(
        PointColumns(3, {**SIMPLE, "system": "pim-gpt", "asic.adders": adders, "memory.channels": [8, 8, 4]})
    )
    points = [
        Point(**SIMPLE, system="pim-gpt", settings={"asic.adders": count, "memory.channels": channels})
        for count, channels in ((1, 8), (10, 8), (100, 4))
    ]
    assert_equal_to_runs(points, whole)


def test_a_point_comes_back_as_it_was_given():
    points = [
        Point(**SIMPLE, system="pim-gpt", settings={"asic.adders": 1, "policy.softmax": None}),
        Point(**SIMPLE, system="pim-gpt", settings={"asic.adders": 1.0, "memory.override": {"rows": [1, 2]}}),
        Point(**SIMPLE, system="pim-gpt", settings={"asic.adders": True}),
    ]
    columns = PointColumns.of(points)
    again = [columns.point(row, "cycle") for row in range(3)]
    assert again == points
    assert [type(point.settings["asic.adders"]) for point in again] == [int, float, bool]
