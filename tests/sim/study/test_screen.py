"""Screens: what is kept, what is drawn to check it, and what is written about it."""

import json

import numpy as np
import pytest

import bitline
from bitline.base.errors import SpecError
from bitline.sim.study import bound_survey, make_study
from bitline.sim.study import screen as screens
from bitline.sim.study.choose import make_asker, study_size
from bitline.sim.study.grid import grid_points
from bitline.sim.study.screen import ScreenAsker, choose
from bitline.sim.study.spec import Screen
from bitline.sim.study.table import read_table

SIMPLE = {
    "system": "pim-gpt",
    "models": ["gpt2"],
    "contexts": [200],
    "settings": {"memory.channels": [2, 4, 8], "asic.adders": [16, 64, 256], "asic.multipliers": [16, 128]},
    "derived": {"cost": "memory.channels * 100 + asic.adders + 3 * asic.multipliers"},
    "objectives": {"time_per_token_s": "min", "cost": "min"},
    "screen": {"keep": 200, "margin": "10%", "check": 3},
}


def study(**fields):
    return make_study(**{**SIMPLE, **fields})


def bound_of(point):
    return bitline.run(**{**point.arguments(), "level": "bound"})


def test_kept_points_are_those_near_the_front_of_one_point_bounds():
    asker = ScreenAsker(study())
    points = list(grid_points(study()))
    costs = []
    for point in points:
        values = point.settings
        cost = values["memory.channels"] * 100 + values["asic.adders"] + 3 * values["asic.multipliers"]
        costs.append((bound_of(point).time_per_token_s, cost))

    def near(row):
        return not any(other[0] < row[0] / 1.1 and other[1] < row[1] / 1.1 for other in costs)

    expected = [i for i, row in enumerate(costs) if near(row)]
    assert 3 < len(expected) < len(points)
    assert asker.kept.tolist() == expected
    assert len(asker.checked) == 3
    assert not set(asker.checked) & set(asker.kept)
    asked = list(asker.ask())
    assert asked == [points[i] for i in sorted([*asker.kept, *asker.checked])]
    assert {point.level for point in asked} == {"cycle"}
    assert list(asker.ask()) == []


def test_a_screen_is_the_same_every_time():
    first, again = ScreenAsker(study()), ScreenAsker(study())
    assert list(first.ask()) == list(again.ask())


def test_a_list_of_points_is_screened_as_the_grid_of_them():
    of_grid, of_list = ScreenAsker(study()), ScreenAsker(study(), grid_points(study()))
    assert list(of_grid.ask()) == list(of_list.ask())


def test_points_are_looked_at_in_blocks(monkeypatch):
    whole = ScreenAsker(study())
    monkeypatch.setattr(bound_survey, "AT_ONCE", 5)
    parts = ScreenAsker(study())
    assert list(whole.ask()) == list(parts.ask())
    assert [whole.survey.row(row) for row in range(18)] == [parts.survey.row(row) for row in range(18)]


def test_conditions_and_constraints_leave_points_out():
    asker = ScreenAsker(study(conditions=["memory.channels > 2"], constraints=["cost < 1000"]))
    for point in asker.ask():
        values = point.settings
        assert values["memory.channels"] > 2
        assert values["memory.channels"] * 100 + values["asic.adders"] + 3 * values["asic.multipliers"] < 1000
    report = asker.report()
    assert (report["points"], report["failed"]) == (12, 0)
    assert report["infeasible"] == 12 - int(np.isfinite(asker.behind).sum()) > 0


def test_designs_compete_within_their_workload():
    asker = ScreenAsker(study(models=["gpt2", "gpt2-medium"], contexts=[50, 200], objectives={"cost": "min"}))
    assert {(point.model, point.context) for point in asker.ask()} == {
        (model, context) for model in ("gpt2", "gpt2-medium") for context in (50, 200)
    }


def test_points_that_fail_at_the_bound_are_not_simulated():
    asker = ScreenAsker(study(settings={**SIMPLE["settings"], "asic.sram_bytes": [4096, 131072]}))
    assert asker.report()["failed"] == 18
    assert all(point.settings["asic.sram_bytes"] == 131072 for point in asker.ask())


def test_of_equals_a_draw_decides_and_at_most_keep_are_kept():
    behind = np.zeros(1000)
    behind[::2] = 0.05
    behind[::10] = np.nan
    kept, checked = choose(behind, Screen(keep=50, margin=0.1, check=20))
    assert (len(kept), len(checked)) == (50, 20)
    assert (behind[kept] == 0).all()
    assert kept.max() > 900
    assert not np.isnan(behind[checked]).any()
    assert not set(kept) & set(checked)
    other = choose(behind, Screen(keep=50, margin=0.1, check=20, seed=1))
    assert other[0].tolist() != kept.tolist()


def test_an_objective_that_the_bound_does_not_know_ranks_nothing():
    asker = ScreenAsker(study(objectives={"time_per_token_s": "min", "energy_j": "min"}))
    report = asker.report()
    assert (report["ranked_by"], report["not_ranked_by"]) == (["time_per_token_s"], ["energy_j"])
    with pytest.raises(SpecError, match="energy_j is alike on all points"):
        ScreenAsker(study(objectives={"energy_j": "min"}))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"level": "bound"}, "a screen leads to level cycle"),
        ({"system": "a100-40", "settings": {}, "derived": {}, "objectives": {"time_s": "min"}}, "by its peaks alone"),
        ({"constraints": ["cost < 1"]}, "none of 18 points is feasible"),
        ({"settings": {"asic.sram_bytes": [64], "asic.adders": [1, 2]}, "derived": {}, "objectives": {"time_s": "min"}},
         "one says: asic.sram_bytes: operator 'layer0"),
        ({"settings": {"asic.adders": {"from": 1, "to": 1000000, "step": 1}, "asic.taylor_terms": [1, 2, 3, 4, 5]},
          "derived": {}, "objectives": {"time_s": "min"}}, "5,000,000 points are too many"),
        ({"conditions": ["memory.channels > 99"]}, "no point meets the conditions"),
    ],
)  # fmt: skip
def test_what_cannot_be_screened_is_refused_in_one_line(fields, message):
    with pytest.raises(SpecError, match=message) as refused:
        ScreenAsker(study(**fields))
    assert "\n" not in str(refused.value)


def told(asker):
    """Rows as a sweep tells them."""
    rows = []
    for point in asker.ask():
        result = bitline.run(**point.arguments())
        row = point.columns() | {"status": "done", "time_per_token_s": result.time_per_token_s}
        values = point.settings
        row["cost"] = values["memory.channels"] * 100 + values["asic.adders"] + 3 * values["asic.multipliers"]
        rows.append(row)
    return rows


def test_the_folder_says_how_well_the_bound_ranked(tmp_path):
    asker = ScreenAsker(study())
    rows = told(asker)
    asker.tell(rows)
    asker.write(tmp_path)
    report = json.loads((tmp_path / screens.SCREEN_REPORT).read_text())
    assert report["schema"] == 1
    assert report["points"] == report["listed"] == 18
    assert report["quality"]["simulated"] == len(rows)
    assert report["quality"]["checked"] == 3
    assert report["quality"]["objectives"]["cost"]["kendall"] == 1.0
    assert report["quality"]["objectives"]["time_per_token_s"]["spearman"] > 0.5
    assert 0 < report["quality"]["front_recall"] <= 1
    table = read_table(tmp_path / screens.SCREEN_TABLE)
    assert len(table) == 18
    assert sum(row["simulated"] == "kept" for row in table) == len(asker.kept)
    assert sum(row["simulated"] == "check" for row in table) == 3
    for row, point in zip(table, grid_points(study())):
        assert row["time_per_token_s"] == bound_of(point).time_per_token_s
        assert row["asic.adders"] == point.settings["asic.adders"]
        assert row["level"] == "bound"


def test_failed_points_are_left_out_of_the_ranking():
    asker = ScreenAsker(study())
    rows = [
        {**row, "status": "failed", "time_per_token_s": None} if i == 0 else row for i, row in enumerate(told(asker))
    ]
    asker.tell(rows)
    assert asker.report()["quality"]["simulated"] == len(rows) - 1


def test_of_very_many_points_a_part_is_listed(monkeypatch, tmp_path):
    monkeypatch.setattr(screens, "MOST_LISTED", 12)
    asker = ScreenAsker(study(screen={"keep": 2, "margin": 0, "check": 1}))
    asker.write(tmp_path)
    table = read_table(tmp_path / screens.SCREEN_TABLE)
    assert len(table) == 12 == asker.report()["listed"]
    assert sum(row["simulated"] is not None for row in table) == 3


def test_a_study_with_a_screen_asks_through_it():
    asker = make_asker(study())
    assert isinstance(asker, ScreenAsker)
    size = study_size(study())
    assert (size.points, size.exact) == (18, False)
    assert study_size(study(screen={"keep": 5, "check": 3})).points == 8
