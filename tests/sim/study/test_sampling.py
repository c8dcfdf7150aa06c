import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitline.base.errors import MissingExtraError, SpecError
from bitline.sim.study import make_study
from bitline.sim.study.choose import make_asker, study_size

METHODS = ("random", "lhs", "sobol")
SETTINGS = {
    "memory.channels": {"from": 1, "to": 64, "step": 1},
    "asic.adders": {"from": 16, "to": 4096, "log": True, "integer": True},
    "memory.part": ["gddr6-aim", "hbm-pim"],
}


def study_of(method, points=64, **fields):
    fields = {"settings": SETTINGS, **fields}
    return make_study(
        system="pim-gpt", models=["gpt2"], sample={"method": method, "points": points, "seed": 3}, **fields
    )


def points_of(study):
    asker = make_asker(study)
    points = list(asker.ask())
    asker.tell([])
    assert list(asker.ask()) == []
    return points


@pytest.mark.parametrize("method", METHODS)
def test_a_sample_has_as_many_different_designs_as_it_asks_for(method):
    points = points_of(study_of(method))
    assert len({str(point) for point in points}) == 64
    assert study_size(study_of(method)) == (64, True)
    assert {point.settings["memory.part"] for point in points} == {"gddr6-aim", "hbm-pim"}
    assert all(1 <= point.settings["memory.channels"] <= 64 for point in points)
    assert all(isinstance(point.settings["asic.adders"], int) for point in points)


@pytest.mark.parametrize("method", METHODS)
def test_a_seed_gives_one_sample_and_another_another(method):
    assert points_of(study_of(method)) == points_of(study_of(method))
    other = study_of(method).model_copy(update={"sample": study_of(method).sample.model_copy(update={"seed": 4})})
    assert points_of(other) != points_of(study_of(method))


@pytest.mark.parametrize("method", METHODS)
def test_the_order_in_the_file_does_not_change_a_sample(method):
    turned = {path: value[::-1] if isinstance(value, list) else value for path, value in reversed(SETTINGS.items())}
    assert points_of(study_of(method, settings=turned)) == points_of(study_of(method))


def test_a_latin_hypercube_visits_every_stratum_once():
    settings = {"a.x": {"from": 0.0, "to": 1.0}, "a.y": {"from": 1.0, "to": 100.0, "log": True}}
    points = points_of(study_of("lhs", 50, settings=settings))
    x = np.array([point.settings["a.x"] for point in points])
    y = np.log([point.settings["a.y"] for point in points]) / np.log(100)
    assert sorted((x * 50).astype(int)) == sorted((y * 50).astype(int)) == list(range(50))


def test_a_sobol_sequence_of_a_power_of_two_is_balanced():
    settings = {"a.x": {"from": 0.0, "to": 1.0}, "a.y": {"from": 0.0, "to": 1.0}}
    points = points_of(study_of("sobol", 64, settings=settings))
    x, y = (np.array([point.settings[path] for point in points]) for path in ("a.x", "a.y"))
    cells = np.histogram2d(x, y, bins=8, range=[[0, 1], [0, 1]])[0]
    assert (cells == 1).all()


@pytest.mark.parametrize("method", METHODS)
def test_conditions_are_met_and_the_number_still_reached(method):
    study = study_of(method, conditions=["memory.channels * 16 <= asic.adders"])
    points = points_of(study)
    assert len(points) == 64
    assert all(point.settings["memory.channels"] * 16 <= point.settings["asic.adders"] for point in points)
    assert study_size(study) == (64, False)


@given(st.integers(1, 30), st.sampled_from(METHODS))
def test_a_sample_may_be_all_of_a_small_space(count, method):
    study = study_of(method, count, settings={"memory.channels": {"from": 1, "to": count, "step": 1}})
    assert sorted(point.settings["memory.channels"] for point in points_of(study)) == list(range(1, count + 1))


def test_a_design_runs_every_workload():
    study = study_of("lhs", 4, contexts=[64, 128], batches=[1, 2])
    points = points_of(study)
    assert len(points) == study_size(study).points == 16
    assert len({str(point.settings) for point in points}) == 4
    assert [(point.batch, point.context) for point in points[:4]] == [(1, 64), (1, 128), (2, 64), (2, 128)]


def test_systems_are_drawn_as_settings_are():
    study = make_study(system=["pim-gpt", "hbm-pim"], models=["gpt2"], sample={"method": "random", "points": 2})
    assert {point.system for point in points_of(study)} == {"pim-gpt", "hbm-pim"}


@pytest.mark.parametrize("method", METHODS)
def test_too_many_of_a_small_space_is_one_error(method):
    study = study_of(method, 9, settings={"memory.channels": [1, 2, 4]})
    with pytest.raises(SpecError, match=r"sample.points: 3 of 9 different designs found: the space has 3"):
        points_of(study)


@pytest.mark.parametrize("method", METHODS)
def test_conditions_that_leave_too_few_are_one_error(method):
    study = study_of(method, 9, conditions=["memory.channels > 62", "asic.adders == 17"])
    with pytest.raises(SpecError, match=r"of 9 different designs found: conditions left no more among 4,096 places"):
        points_of(study)


def test_without_its_library_a_sample_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "scipy.stats", None)
    with pytest.raises(MissingExtraError, match=r"a sample by lhs or sobol needs scipy; .*'bitline\[search\]'"):
        points_of(study_of("lhs"))
    assert len(points_of(study_of("random"))) == 64
