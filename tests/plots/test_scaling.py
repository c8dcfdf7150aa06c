import pytest

from bitline.base.errors import SpecError
from bitline.plots.scaling import plot_scaling, scaling_table
from bitline.plots.sweep_axes import SweepAxes

AXES = SweepAxes("memory.channels", "time_per_token_s", ("model", "batch"))


def gids(ax, gid):
    return [line for line in ax.lines if line.get_gid() == gid]


def test_speed_is_over_the_least_x_of_each_series(grid):
    rows = [row for row in grid if row["model"] != "gpt2-xl"]
    for row in rows:
        row["time_per_token_s"] += 1e-5  # what does not scale
    table = scaling_table(rows, AXES)
    for series in {(row["model"], row["batch"]) for row in table}:
        own = [row for row in table if (row["model"], row["batch"]) == series]
        assert own[0]["speed_up"] == own[0]["efficiency"] == 1
        last = own[0]["time_per_token_s"] / own[-1]["time_per_token_s"]
        assert own[-1]["speed_up"] == pytest.approx(last)
        assert own[-1]["efficiency"] == pytest.approx(last / 8)
        assert own[-1]["efficiency"] < 1


def test_what_is_better_when_more_scales_the_other_way(grid):
    rows = [{**row, "tokens_per_s": 100.0 * row["memory.channels"]} for row in grid if row["batch"] == 1]
    table = scaling_table(rows, SweepAxes("memory.channels", "tokens_per_s", ("model",)))
    assert {row["efficiency"] for row in table} == {1.0}
    assert max(row["speed_up"] for row in table) == 8


def test_the_axes_hold_the_table_and_the_ideal(grid):
    table = scaling_table(grid, AXES)
    ax = plot_scaling(table, axes=AXES)
    drawn = [value for line in gids(ax, "series") for value in line.get_ydata()]
    assert drawn == [row["speed_up"] for row in table]
    (ideal,) = gids(ax, "ideal")
    assert (list(ideal.get_xdata()), list(ideal.get_ydata())) == ([8, 64], [1, 8])
    assert [label.get_text() for label in ax.get_xticklabels()] == ["8", "16", "32", "64"]
    assert ax.get_ylabel() == "speed-up over 8"
    assert ax.get_legend().get_texts()[0].get_text() == "ideal"
    lines = gids(ax, "series")
    assert len({(line.get_marker(), line.get_linestyle()) for line in lines}) == len(lines) == 6


@pytest.mark.parametrize(
    ("change", "axes", "says"),
    [
        ({"memory.channels": 0}, AXES, "holds no positive numbers"),
        ({}, SweepAxes("model", "time_per_token_s", ()), "holds no positive numbers"),
        ({"time_per_token_s": 0.0}, AXES, "time_per_token_s is 0.0"),
    ],
)
def test_what_cannot_be_scaled_is_refused(grid, change, axes, says):
    grid[0] |= change
    with pytest.raises(SpecError, match=says):
        scaling_table(grid, axes)


def test_one_value_of_x_is_refused(grid):
    with pytest.raises(SpecError, match="every series has one value"):
        scaling_table([row for row in grid if row["memory.channels"] == 16], AXES)


@pytest.mark.parametrize("size", ["column", "page", "slide"])
@pytest.mark.parametrize("models", [("gpt2",), ("gpt2", "gpt2-medium", "gpt2-xl")])
def test_no_label_leaves_the_figure_or_covers_another(faults, grid, size, models):
    rows = [row for row in grid if row["model"] in models]
    assert faults(plot_scaling(scaling_table(rows, AXES), axes=AXES, size=size)) == []


def test_given_axes_are_drawn_on(grid):
    table = scaling_table(grid, AXES)
    own = plot_scaling(table, axes=AXES)
    assert plot_scaling(table, own, axes=AXES) is own
