"""Linked parameters, conditions, explicit points and the axes of batched runs: which points a study has."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitline.base.errors import SpecError
from bitline.sim.study import grid_points, grid_size, load_study, make_study
from bitline.sim.study.choose import study_size
from bitline.sim.study.folder import study_text
from bitline.sim.study.grid import CHUNK, Grid
from bitline.sim.study.scope import document_value

BASE = {"system": "pim-gpt", "models": ["gpt2"]}


def settings_of(study):
    return [tuple(point.settings.values()) for point in grid_points(study)]


def test_a_linked_parameter_follows_the_others():
    study = make_study(**BASE, settings={"memory.channels": [4, 8], "asic.adders": {"expr": "memory.channels * 16"}})
    assert [point.settings for point in grid_points(study)] == [
        {"asic.adders": 64, "memory.channels": 4},
        {"asic.adders": 128, "memory.channels": 8},
    ]


def test_linked_parameters_may_follow_one_another_and_the_workload():
    settings = {"a.c": {"expr": "a.b + 1"}, "a.b": {"expr": "batch * 2"}, "a.d": {"expr": "a.c / 2"}}
    study = make_study(**BASE, batches=[1, 2], settings=settings)
    assert settings_of(study) == [(2, 3, 1.5), (4, 5, 2.5)]


def test_a_formula_reads_what_no_setting_changes_from_the_documents():
    study = make_study(**BASE, settings={"asic.adders": {"expr": "memory.channels * 2"}})
    (point,) = grid_points(study)
    assert point.settings == {"asic.adders": 16}  # pim-gpt has 8 channels


@pytest.mark.parametrize(
    ("system", "path", "value"),
    [
        ("pim-gpt", "memory.pim.lanes_per_bank", 16),
        ("pim-gpt", "memory.refresh", 1),
        ("npu-only", "npu.array.rows", 128),
        ("pim-gpt", "asic.adders", 256),
    ],
)
def test_a_formula_reads_the_part_and_the_core_that_a_system_names(system, path, value):
    study = make_study(system=system, models=["gpt2"], settings={"a.b": {"expr": f"{path} * 1"}})
    (point,) = grid_points(study)
    assert point.settings == {"a.b": value}


def test_a_linked_value_that_is_undefined_is_one_error():
    study = make_study(**BASE, settings={"a.b": [1, 0], "a.c": {"expr": "1 / a.b"}})
    with pytest.raises(SpecError, match=r"settings.a.c: '1 / a.b' has no value on some point"):
        list(grid_points(study))


def test_conditions_say_which_points_there_are():
    study = make_study(
        **BASE,
        batches=[1, 2, 4],
        settings={"memory.channels": [4, 8, 16]},
        conditions=["memory.channels * batch >= 16", "batch < 4 or memory.channels == 4"],
    )
    found = [(point.batch, point.settings["memory.channels"]) for point in grid_points(study)]
    assert found == [(1, 16), (2, 8), (2, 16), (4, 4)]
    assert grid_size(study) == 4


@given(
    st.lists(st.integers(1, 60), min_size=1, max_size=6, unique=True),
    st.lists(st.integers(1, 60), min_size=1, max_size=6, unique=True),
    st.lists(st.integers(1, 60), min_size=1, max_size=6, unique=True),
    st.integers(0, 130),
)
def test_the_points_are_those_of_the_product_that_meet_the_conditions(batches, contexts, values, limit):
    study = make_study(
        **BASE,
        batches=batches,
        contexts=contexts,
        settings={"x.y": values, "x.z": {"expr": "x.y + context"}},
        conditions=[f"x.z + batch <= {limit}"],
    )
    expected = [
        (batch, context, y)
        for batch, context, y in itertools.product(sorted(batches), sorted(contexts), sorted(values))
        if y + context + batch <= limit
    ]
    points = list(grid_points(study))
    assert [(point.batch, point.context, point.settings["x.y"]) for point in points] == expected
    assert all(point.settings["x.z"] == point.settings["x.y"] + point.context for point in points)
    assert grid_size(study) == len(expected)


def test_columns_are_the_points_place_by_place():
    study = make_study(
        **BASE,
        phases=["decode", "generate"],
        contexts=[64, 128],
        prompts=[8],
        tokens=[4, 5],
        settings={"memory.channels": [4, 8, 16], "asic.adders": {"expr": "memory.channels * 2"}},
    )
    grid = Grid(study)
    columns = grid.columns(3, 11)
    for row, index in enumerate(range(3, 11)):
        point = grid.point(index)
        expected = {"level": "cycle", **point.columns()}
        assert {name: values[row] for name, values in columns.items() if values[row] is not None} == {
            name: value for name, value in expected.items() if value is not None and name in columns
        }
    assert {"memory.channels", "asic.adders", "tokens"} <= set(columns)


def test_conditions_read_fields_of_documents_once():
    settings = {"x.y": {"from": 1, "to": 30000, "step": 1}}
    conditions = ["policy.softmax == 'whole' or memory.channels * 2 == x.y"]
    study = make_study(**BASE, settings=settings, conditions=conditions)
    default = document_value("pim-gpt", None, "policy.softmax")
    assert len(settings_of(study)) == (30000 if default == "whole" else 1)
    with_policy = make_study(**BASE, policy=["pim-gpt"], settings=settings, conditions=conditions)
    assert settings_of(with_policy) == settings_of(study)


def test_a_condition_may_guard_a_link():
    settings = {"a.b": [0, 2], "a.c": {"expr": "1 / a.b"}}
    study = make_study(**BASE, settings=settings, conditions=["a.b != 0"])
    assert settings_of(study) == [(2, 0.5)]


def test_conditions_are_looked_at_in_chunks_that_leave_none_out():
    study = make_study(
        **BASE, settings={"x.y": {"from": 1, "to": 2 * CHUNK + 5, "step": 1}}, conditions=["x.y % 2 == 1"]
    )
    indices = list(Grid(study).indices())
    assert indices == list(range(0, 2 * CHUNK + 5, 2))
    assert Grid(study).count() == (len(indices), True)


def test_a_grid_of_a_billion_points_is_counted_at_once_and_begun_at_once():
    ranges = {f"x.{name}": {"from": 1, "to": 10**4, "step": 1} for name in "abc"}
    study = make_study(**BASE, settings=ranges)
    assert study_size(study) == (10**12, True)
    assert settings_of(study.model_copy(update={"settings": {"x.a": study.settings["x.a"]}}))[0] == (1,)
    assert next(grid_points(study)).settings == {"x.a": 1, "x.b": 1, "x.c": 1}
    with_condition = make_study(**BASE, settings=ranges, conditions=["x.c > 3"])
    assert str(study_size(with_condition)) == "at most 1,000,000,000,000"
    assert next(grid_points(with_condition)).settings == {"x.a": 1, "x.b": 1, "x.c": 4}


def test_a_place_of_the_largest_grids_is_found():
    study = make_study(**BASE, settings={f"x.{name}": {"from": 1, "to": 10**6, "step": 1} for name in "abcd"})
    grid = Grid(study)
    assert grid.size == 10**24
    assert list(grid.point(10**24 - 1).settings.values()) == [10**6] * 4
    assert grid.columns(10**24 - 2, 10**24)["x.d"] == [10**6 - 1, 10**6]


def test_points_stand_in_place_of_a_product():
    points = [{"memory.channels": 8, "asic.adders": 64}, {"memory.channels": 4, "asic.adders": 512}]
    study = make_study(**BASE, contexts=[128, 64], points=points, settings={"x.y": {"expr": "asic.adders / 2"}})
    assert [(point.context, *point.settings.values()) for point in grid_points(study)] == [
        (64, 64, 8, 32),
        (64, 512, 4, 256),
        (128, 64, 8, 32),
        (128, 512, 4, 256),
    ]
    assert study.setting_paths == ["asic.adders", "memory.channels", "x.y"]


def test_batched_runs_have_axes_of_their_own():
    study = make_study(
        system=["npu-only", "neupims"],
        models=["gpt3-7b"],
        batches=[64],
        lengths=["sharegpt", "alpaca"],
        seeds=[1, 0],
        tensors=[4],
        pipelines=[1, 2],
        dtypes=["fp16"],
    )
    points = list(grid_points(study))
    assert len(points) == grid_size(study) == 16
    assert [(point.lengths, point.seed) for point in points[::2][:4]] == [
        ("alpaca", 0),
        ("alpaca", 1),
        ("sharegpt", 0),
        ("sharegpt", 1),
    ]
    assert {point.system for point in points[:8]} == {"neupims"}
    assert points[1].arguments() == {
        "system": "neupims",
        "model": "gpt3-7b",
        "phase": "decode",
        "batch": 64,
        "level": "cycle",
        "lengths": "alpaca",
        "seed": 0,
        "tensor": 4,
        "pipeline": 2,
        "dtype": "fp16",
    }


def test_drawn_lengths_stand_beside_contexts_that_are_given_and_in_place_of_the_default():
    both = make_study(**BASE, lengths=["alpaca"], contexts=[64])
    assert [(point.context, point.lengths) for point in grid_points(both)] == [(64, None), (None, "alpaca")]
    alone = make_study(**BASE, lengths=["alpaca"])
    assert [(point.context, point.lengths) for point in grid_points(alone)] == [(None, "alpaca")]
    assert [point.context for point in grid_points(make_study(**BASE))] == [1024]


def test_policies_are_an_axis():
    study = make_study(**BASE, policy=["b", "a"])
    assert [point.policy for point in grid_points(study)] == ["a", "b"]


def test_a_whole_study_written_out_reads_back_as_it_was(tmp_path):
    study = make_study(
        **BASE,
        title="Channels: how many?",
        question="Do more channels pay?",
        settings={
            "a.b": {"from": 1, "to": 9, "step": 2},
            "a.c": {"from": 1, "to": 9.5, "log": True},
            "a.d": {"expr": "a.b / 2"},
            "a.e": ["x", 1.5],
        },
        conditions=["a.b > 1"],
        derived={"per_channel_w": "power_w / a.b"},
        constraints=["per_channel_w < 3"],
        objectives={"energy_j": "min", "tokens_per_s": "max"},
        sample={"method": "lhs", "points": 8, "seed": 3},
        screen={"keep": 5, "margin": "10%", "check": 2},
    )
    (tmp_path / "study.yaml").write_text(study_text(study))
    assert load_study(tmp_path / "study.yaml") == study
    assert study.screen.margin == pytest.approx(0.1)


def test_a_condition_that_one_place_meets_finds_it():
    study = make_study(**BASE, settings={"x.y": {"from": 1, "to": 10**5, "step": 1}}, conditions=["x.y == 1e5"])
    assert settings_of(study) == [(10**5,)]
    assert np.count_nonzero(Grid(study).exists(10**5 - 4, 10**5)) == 1
