import itertools

import pytest

from bitline.base.errors import SpecError
from bitline.plots.style import figure_of
from bitline.plots.sweep import MOST_SERIES, plot_heat, plot_sweep
from bitline.plots.sweep_axes import SweepAxes, choose_axes, parameters, sweep_table


def points(**columns):
    """Rows from columns of equal length."""
    return [dict(zip(columns, values)) for values in zip(*columns.values())]


def test_parameters_are_what_varies_before_the_status(grid):
    assert parameters(grid) == ["model", "batch", "memory.channels"]


def test_x_is_the_number_with_the_most_values_and_the_rest_are_series(grid):
    assert choose_axes(grid) == SweepAxes("memory.channels", "time_per_token_s", ("model", "batch"))


def test_two_numbers_with_many_values_make_a_map():
    table = points(a=[x for x in range(4) for _ in range(4)], b=list(range(4)) * 4, time_s=[1.0] * 16)
    assert choose_axes(table, y="time_s").is_map
    assert not choose_axes(table[:3], y="time_s").is_map


def test_columns_that_are_not_there_get_a_suggestion(grid):
    with pytest.raises(SpecError, match=r"no column 'memory.chanels'.*did you mean 'memory.channels'"):
        choose_axes(grid, x="memory.chanels")
    with pytest.raises(SpecError, match="holds no numbers"):
        choose_axes(grid, y="bottleneck")


def test_a_table_in_which_nothing_varies_is_refused(grid):
    with pytest.raises(SpecError, match="all points of the table are alike"):
        choose_axes(grid[:1])


def test_failed_points_are_left_out(grid):
    table = sweep_table(grid, choose_axes(grid))
    assert len(table) == len(grid) - 1
    assert all(row["time_per_token_s"] is not None for row in table)


def test_two_points_at_one_place_are_refused_with_the_series_that_would_part_them(grid):
    with pytest.raises(SpecError, match=r"several points have the same memory.channels.*a series by model"):
        sweep_table(grid, choose_axes(grid, series=("batch",)))


def test_a_line_holds_the_points_of_its_series_by_x(grid):
    axes = choose_axes(grid)
    shuffled = sweep_table(grid[::-1], axes)
    ax = plot_sweep(shuffled, axes=axes)
    lines = {line.get_label(): line for line in ax.lines}
    assert set(lines) == {f"{m}, batch {b}" for m in ("gpt2", "gpt2-medium", "gpt2-xl") for b in (1, 4)}
    xl = lines["gpt2-xl, batch 1"]
    assert list(xl.get_xdata()) == [8, 16, 32, 64]
    assert list(xl.get_ydata()) == pytest.approx([3 / channels for channels in (8, 16, 32, 64)])
    assert list(lines["gpt2-xl, batch 4"].get_xdata()) == [16, 32, 64]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("memory.channels", "time per token (ms)")
    assert len({(line.get_color(), line.get_linestyle()) for line in ax.lines}) == 6


def test_a_parameter_over_powers_of_two_has_a_logarithmic_axis_with_ticks_at_the_points(grid):
    axes = choose_axes(grid)
    ax = plot_sweep(sweep_table(grid, axes), axes=axes)
    assert ax.get_xscale() == "log"
    assert [label.get_text() for label in ax.get_xticklabels()] == ["8", "16", "32", "64"]


def test_a_linear_result_starts_at_zero():
    table = points(batch=[1, 2, 3], time_s=[1.0, 1.1, 1.2])
    axes = choose_axes(table, y="time_s")
    ax = plot_sweep(sweep_table(table, axes), axes=axes)
    assert (ax.get_xscale(), ax.get_yscale()) == ("linear", "linear")
    assert ax.get_ylim()[0] == 0


def test_a_wide_result_is_logarithmic_with_plain_numbers():
    table = points(batch=[1, 2, 3], time_s=[0.01, 1.0, 100.0])
    axes = choose_axes(table, y="time_s")
    ax = plot_sweep(sweep_table(table, axes), axes=axes)
    ax.figure.draw_without_rendering()
    assert ax.get_yscale() == "log"
    assert {"0.1", "1", "10", "100"} <= {label.get_text() for label in ax.get_yticklabels()}


def test_one_series_is_named_once_in_the_legends_title():
    table = points(batch=[1, 2, 1, 2], channels=[8, 8, 16, 16], time_s=[1.0, 2.0, 3.0, 4.0])
    axes = choose_axes(table, x="batch", y="time_s")
    legend = plot_sweep(sweep_table(table, axes), axes=axes).get_legend()
    assert legend.get_title().get_text() == "channels"
    assert [text.get_text() for text in legend.get_texts()] == ["8", "16"]


def test_names_along_x_make_grouped_bars(grid):
    axes = choose_axes([row for row in grid if row["batch"] == 1], x="model", series=("memory.channels",))
    table = sweep_table([row for row in grid if row["batch"] == 1], axes)
    ax = plot_sweep(table, axes=axes)
    heights = {round(bar.get_height(), 6) for bar in ax.patches}
    assert heights == {round(row["time_per_token_s"] * 1e6, 6) for row in table}
    assert [label.get_text() for label in ax.get_xticklabels()] == ["gpt2", "gpt2-medium", "gpt2-xl"]
    spans = sorted((bar.get_x(), bar.get_x() + bar.get_width()) for bar in ax.patches)
    assert all(end <= start + 1e-9 for (_, end), (start, _) in itertools.pairwise(spans))


def test_more_lines_than_can_be_told_apart_are_refused():
    count = MOST_SERIES + 1
    table = points(x=[1, 2] * count, name=[f"n{i // 2}" for i in range(2 * count)], time_s=[1.0] * 2 * count)
    axes = choose_axes(table, x="x", y="time_s")
    with pytest.raises(SpecError, match=f"{count} lines cannot be told apart"):
        plot_sweep(sweep_table(table, axes), axes=axes)


def test_a_map_shows_each_point_and_hatches_the_missing_one():
    table = points(
        a=[x for x in range(1, 5) for _ in range(5)],
        b=[10, 20, 30, 40, 50] * 4,
        energy_j=[float(i + 1) for i in range(20)],
    )
    del table[7]
    axes = choose_axes(table, y="energy_j")
    assert axes.is_map
    ax = plot_heat(sweep_table(table, axes), axes=axes)
    image = ax.images[0].get_array()
    assert axes.x == "b"
    for row in table:
        assert image[row["a"] - 1, row["b"] // 10 - 1] == row["energy_j"]
    assert image.mask.sum() == 1
    (hatched,) = [patch for patch in ax.patches if patch.get_hatch()]
    assert hatched.get_xy() == (1.5, 0.5)
    assert len(ax.texts) == len(table)
    assert figure_of(ax).axes[1].get_ylabel() == "energy (J)"


@pytest.mark.parametrize("size", ["column", "page", "slide"])
def test_no_label_leaves_the_figure_or_covers_another(grid, faults, size):
    axes = choose_axes(grid)
    assert faults(plot_sweep(sweep_table(grid, axes), axes=axes, size=size)) == []
    names = SweepAxes("model", "time_per_token_s", ("memory.channels",))
    assert faults(plot_sweep(sweep_table([r for r in grid if r["batch"] == 1], names), axes=names, size=size)) == []
