import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitline.sim.study import make_study
from bitline.sim.study.expressions import parse_condition
from bitline.sim.study.rows import RowFinish, finish_row
from bitline.sim.study.violation import violation

ROW = {
    "system": "pim-gpt",
    "policy": "pim-gpt",
    "model": "gpt2",
    "batch": 4,
    "tokens": None,
    "memory.channels": 8,
    "status": "done",
    "time_s": 2.0,
    "energy_j": 6.0,
    "power_w": 3.0,
    "bottleneck": "pim bandwidth",
    "row_hit_rate": None,
}


def study_of(**fields):
    return make_study(system="pim-gpt", models=["gpt2"], settings={"memory.channels": [8]}, **fields)


def test_derived_columns_may_read_results_parameters_documents_and_one_another():
    study = study_of(
        derived={"b": "a * 2", "a": "energy_j / batch + memory.channels", "c": "asic.adders", "d": "row_hit_rate * 2"}
    )
    found = finish_row(study, ROW)
    adders = found["c"]
    assert {name: found[name] for name in "abd"} == {"a": 9.5, "b": 19.0, "d": None}
    assert adders == 256
    assert RowFinish(study).added == ["a", "b", "c", "d"]
    assert {name: found[name] for name in ROW} == ROW


def test_feasible_is_said_where_there_are_constraints():
    assert "feasible" not in finish_row(study_of(), ROW)
    assert finish_row(study_of(constraints=["power_w < 4", "bottleneck != 'link'"]), ROW)["feasible"] is True
    assert finish_row(study_of(constraints=["power_w < 4", "energy_j < 6"]), ROW)["feasible"] is False
    assert (
        finish_row(study_of(derived={"edp": "energy_j * time_s"}, constraints=["edp <= 12"]), ROW)["feasible"] is True
    )


def test_a_constraint_on_what_is_missing_is_not_met():
    assert finish_row(study_of(constraints=["row_hit_rate > 0.5"]), ROW)["feasible"] is False


def test_a_failed_point_is_neither_feasible_nor_not():
    study = study_of(derived={"a": "energy_j"}, constraints=["a < 1"])
    failed = {"system": "pim-gpt", "policy": None, "status": "failed", "error": "does not fit"}
    assert finish_row(study, failed) == failed | {"a": None, "feasible": None}


metrics = st.floats(0, 1e6, allow_subnormal=False)


@given(st.lists(st.tuples(metrics, metrics, st.integers(1, 64)), min_size=1, max_size=12))
def test_columns_are_finished_as_their_rows_are(values):
    study = study_of(
        derived={"edp": "energy_j * time_s", "per_w": "1 / power_w", "a": "edp / asic.adders"},
        constraints=["edp < 1e6", "per_w < 1"],
    )
    finish = RowFinish(study)
    rows = [
        finish.row(ROW | {"energy_j": energy, "time_s": time, "power_w": energy, "memory.channels": channels})
        for energy, time, channels in values
    ]
    names = ("energy_j", "time_s", "power_w", "memory.channels")
    columns = {"system": "pim-gpt", "policy": None} | {name: np.array([row[name] for row in rows]) for name in names}
    found = finish.columns(columns)
    assert list(found) == ["a", "edp", "per_w", "feasible"]
    for name, column in found.items():
        alone = [np.nan if row[name] is None else row[name] for row in rows]
        assert np.array_equal(column.astype(float), np.array(alone, dtype=float), equal_nan=True), name


@pytest.mark.parametrize(
    ("condition", "missed"),
    [
        ("a < 20", 0),
        ("a <= 10", 0),
        ("a < 8", 0.25),
        ("a > 20", 0.5),
        ("8 <= a <= 5", 1.0),
        ("a < 5 and a < 8", 1.25),
        ("a < 5 or a < 8", 0.25),
        ("a == 3", 1),
        ("not a > 3", 1),
        ("a < 0", 10),
        ("a < b", 1),
    ],
)
def test_a_miss_is_measured_as_part_of_the_limit(condition, missed):
    assert violation(parse_condition(condition), {"a": 10, "b": None}) == pytest.approx(missed)


def test_a_strict_comparison_of_equals_is_missed_by_next_to_nothing():
    assert 0 < violation(parse_condition("a < 10"), {"a": 10}) < 1e-9


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.sampled_from(["<", "<=", ">", ">=", "==", "!="]))
def test_nothing_is_missed_exactly_where_the_condition_holds(a, b, sign):
    condition = parse_condition(f"a {sign} b")
    assert (violation(condition, {"a": a, "b": b}) == 0) is bool(condition.holds({"a": a, "b": b})[0])


def test_the_violation_of_a_row_is_over_all_constraints():
    finish = RowFinish(study_of(constraints=["power_w < 2", "energy_j < 3"]))
    assert finish.violation(finish.row(ROW)) == pytest.approx(0.5 + 1)
