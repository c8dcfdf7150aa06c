import sys

import pytest

from bitline.base.errors import MissingExtraError, SpecError
from bitline.sim.study import make_study
from bitline.sim.study.choose import make_asker, study_size

METHODS = ("tpe", "cmaes", "nsga2", "nsga3", "random")
LEARNING = ("tpe", "cmaes", "nsga2")
BEST = 37, 700
SETTINGS = {
    "memory.channels": {"from": 1, "to": 64, "step": 1},
    "asic.adders": {"from": 16, "to": 4096, "log": True, "integer": True},
}
# What fails, as a design that does not fit would.
FAILS = 13


def study_of(method, evaluations=96, objectives=None, **fields):
    if objectives is None:
        objectives = {"time_per_token_s": "min"}
        if method == "nsga3":
            objectives["energy_j"] = "min"
    fields = {"settings": SETTINGS, **fields}
    search = {"method": method, "evaluations": evaluations, "round": 12, "seed": 5}
    return make_study(system="pim-gpt", models=["gpt2"], objectives=objectives, search=search, **fields)


def row_of(point):
    """A result that is a function of the point alone: a bowl with its floor at BEST."""
    channels, adders = point.settings["memory.channels"], point.settings["asic.adders"]
    row = point.columns()
    if channels == FAILS:
        return row | {"status": "failed", "error": "does not fit"}
    bowl = (channels - BEST[0]) ** 2 + abs(adders - BEST[1]) / 10 + 1
    return row | {
        "status": "done",
        "time_per_token_s": float(bowl * point.batch),
        "energy_j": channels + 1000 / adders,
        "power_w": float(channels),
        "tokens_per_s": 1 / bowl,
    }


def rounds_of(study, row=row_of):
    """Points and rows of every round of a search."""
    asker = make_asker(study)
    rounds = []
    while points := list(asker.ask()):
        rows = [row(point) for point in points]
        asker.tell(rows)
        rounds.append((points, rows))
    return rounds


def rows_of(study, row=row_of):
    return [one for _, rows in rounds_of(study, row) for one in rows]


@pytest.mark.parametrize("method", METHODS)
def test_a_search_is_the_same_every_time_and_runs_no_design_twice(method):
    rounds = rounds_of(study_of(method))
    assert rounds == rounds_of(study_of(method))
    points = [str(point) for asked, _ in rounds for point in asked]
    assert len(points) == len(set(points)) == study_size(study_of(method)).points == 96
    assert all(len(asked) <= 12 for asked, _ in rounds)


@pytest.mark.parametrize("method", METHODS)
def test_another_seed_is_another_search(method):
    study = study_of(method, 24)
    other = study.model_copy(update={"search": study.search.model_copy(update={"seed": 6})})
    assert rounds_of(other) != rounds_of(study)


@pytest.mark.parametrize("method", LEARNING)
def test_a_search_learns(method):
    """The best of its last third is far better than that of as many designs at random."""
    found = [row["time_per_token_s"] for row in rows_of(study_of(method)) if row["status"] == "done"]
    blind = [row["time_per_token_s"] for row in rows_of(study_of("random")) if row["status"] == "done"]
    middle = sorted(found[-32:])[16]
    assert middle < sorted(blind)[len(blind) // 4]
    assert min(found) < 40


@pytest.mark.parametrize("method", LEARNING)
def test_infeasible_designs_are_avoided(method):
    study = study_of(method, constraints=["power_w <= 20"])
    last = [row for row in rows_of(study)[-32:] if row["status"] == "done"]
    assert sum(row["power_w"] <= 20 for row in last) > len(last) / 2


@pytest.mark.parametrize("method", METHODS)
def test_a_search_goes_on_where_everything_fails(method):
    rows = rows_of(study_of(method, 36), lambda point: point.columns() | {"status": "failed", "error": "no"})
    assert len(rows) == 36


def test_more_is_better_where_the_objective_says_so():
    rows = rows_of(study_of("tpe", objectives={"tokens_per_s": "max"}))
    assert max(row.get("tokens_per_s", 0) for row in rows) > 1 / 40


@pytest.mark.parametrize("method", ["tpe", "nsga2", "nsga3"])
def test_several_objectives_give_a_front(method):
    study = study_of(method, 96, objectives={"time_per_token_s": "min", "energy_j": "min"})
    done = [(row["time_per_token_s"], row["energy_j"]) for row in rows_of(study) if row["status"] == "done"]
    front = [a for a in done if not any(b[0] <= a[0] and b[1] <= a[1] and b != a for b in done)]
    assert len(front) >= 4


def test_objectives_may_be_derived_columns():
    study = study_of("nsga2", 48, derived={"edp": "energy_j * time_per_token_s"}, objectives={"edp": "min"})
    rows = rows_of(study)
    assert min(row["energy_j"] * row["time_per_token_s"] for row in rows[24:] if row["status"] == "done") < 4000


@pytest.mark.parametrize("method", METHODS)
def test_a_design_is_scored_over_all_workloads(method):
    rounds = rounds_of(study_of(method, 24, batches=[1, 2]))
    for points, _ in rounds:
        designs = [str(point.settings) for point in points]
        assert designs[::2] == designs[1::2]
        assert [point.batch for point in points] == [1, 2] * (len(points) // 2)
    assert sum(len(points) for points, _ in rounds) == 48


@pytest.mark.parametrize("method", METHODS)
def test_conditions_hold_for_every_design(method):
    rows = rows_of(study_of(method, 36, conditions=["memory.channels * 16 <= asic.adders"]))
    assert rows
    assert all(row["memory.channels"] * 16 <= row["asic.adders"] for row in rows)


@pytest.mark.parametrize("method", METHODS)
def test_a_small_space_ends_the_search_when_all_of_it_is_run(method):
    settings = {"memory.channels": [4, 8, 16], "asic.adders": [64, 128]}
    rows = rows_of(study_of(method, 96, settings=settings))
    assert len(rows) == 6


def test_text_and_systems_are_choices():
    settings = {"memory.channels": [4, 8], "asic.adders": [64], "memory.controller": ["a", "b", "c"]}
    study = study_of("tpe", settings=settings).model_copy(update={"system": ["pim-gpt", "hbm-pim"]})
    rows = rows_of(study)
    assert len({(row["system"], row["memory.channels"], row["memory.controller"]) for row in rows}) == len(rows) == 12


def test_the_libraries_say_nothing(capfd):
    for method in METHODS:
        rows_of(study_of(method, 24))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("method", "library"), [("tpe", "optuna"), ("cmaes", "cmaes"), ("nsga2", "pymoo")])
def test_without_its_library_a_search_says_what_to_install(method, library, monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == library]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingExtraError, match=rf"needs {library}; .*'bitline\[search\]'"):
        make_asker(study_of(method))


def test_a_search_without_a_choice_is_refused():
    study = make_study(system="pim-gpt", models=["gpt2"], search={"method": "random"}, settings={"a.b": [1]})
    with pytest.raises(SpecError, match="search: nothing is free"):
        make_asker(study)
