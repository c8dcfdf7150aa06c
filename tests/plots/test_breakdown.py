import dataclasses

import pytest

from bitline.plots.breakdown import SMALL, breakdown_table, plot_breakdown
from bitline.plots.style import figure_of, render


def bars(ax, kind):
    return [bar for bar in ax.patches if bar.get_gid() == kind]


def test_rows_stand_in_order_of_execution_with_the_others_last(result):
    names = [row["operator"] for row in breakdown_table(result)]
    assert names == ["qkv", "score", "softmax", "context", "ffn.up", "ffn.down", "head", "other (4)"]


def test_small_operators_are_drawn_together(result):
    *rows, other = breakdown_table(result)
    assert other["members"] == "embed norm1 residual gelu"
    assert other["bottleneck"] == "several"
    assert all(row["share"] >= SMALL for row in rows)


def test_small_operators_that_one_thing_held_back_say_so(result, with_operators):
    asic = [row for row in result.operators if row.name != "embed"]
    assert breakdown_table(with_operators(*asic))[-1]["bottleneck"] == "asic compute"


def test_one_small_operator_keeps_its_name(result, with_operators):
    rows = breakdown_table(with_operators(*(row for row in result.operators if row.unit != "asic")))
    assert [row["operator"] for row in rows][:2] == ["embed", "qkv"]
    assert plot_breakdown(rows).texts[0].get_text() == "<0.1%"


@pytest.mark.parametrize("column", ["time_s", "bound_time_s", "overlapped_s", "count"])
def test_grouping_loses_nothing(result, column):
    total = sum(getattr(row, column) for row in result.operators)
    assert sum(row[column] for row in breakdown_table(result)) == pytest.approx(total, rel=1e-12)


def test_shares_sum_to_one(result):
    assert sum(row["share"] for row in breakdown_table(result)) == pytest.approx(1)


def test_bars_are_as_long_as_the_data(result):
    table = breakdown_table(result)
    ax = plot_breakdown(table)
    assert ax.get_xlabel() == "time, cycle level (ms)"
    for kind, column in (("time", "time_s"), ("bound", "bound_time_s")):
        lengths = [bar.get_width() for bar in bars(ax, kind)]
        assert lengths == pytest.approx([row[column] * 1e3 for row in table])
    hidden = bars(ax, "overlapped")
    assert [bar.get_width() for bar in hidden] == pytest.approx([0.06, 0.09])
    assert [bar.get_x() for bar in hidden] == pytest.approx([0.2, 0.082])


def test_the_first_operator_is_on_top(result):
    table = breakdown_table(result)
    ax = plot_breakdown(table)
    assert [label.get_text() for label in ax.get_yticklabels()] == [row["operator"] for row in table]
    low, high = ax.get_ylim()
    assert low > high
    centres = [bar.get_y() + bar.get_height() / 2 for bar in bars(ax, "time")]
    assert centres == sorted(centres)


def test_colour_stands_for_the_bottleneck(result):
    table = breakdown_table(result)
    ax = plot_breakdown(table)
    colors = {}
    for row, bar in zip(table, bars(ax, "time")):
        colors.setdefault(row["bottleneck"], set()).add(bar.get_facecolor())
    assert all(len(used) == 1 for used in colors.values())
    legend = [text.get_text() for text in ax.get_legend().get_texts()]
    assert legend == [*colors, "hidden behind others", "lower bound"]


def test_shares_are_written_at_the_bars(result):
    texts = [text.get_text() for text in plot_breakdown(breakdown_table(result)).texts]
    assert texts[0] == f"{100 * 1.2 / 5.732:.1f}%"


def test_the_axis_says_which_level_the_numbers_are_of(result, with_operators):
    bound = [dataclasses.replace(row, level="bound") for row in result.operators]
    assert "bound level" in plot_breakdown(breakdown_table(with_operators(*bound))).get_xlabel()
    mixed = (bound[2], result.operators[3])
    assert "cycle and bound level" in plot_breakdown(breakdown_table(with_operators(*mixed))).get_xlabel()


@pytest.mark.parametrize("size", ["column", "page", "slide"])
def test_no_label_leaves_the_figure_or_covers_another(result, faults, size):
    assert faults(plot_breakdown(breakdown_table(result), size=size)) == []


def test_a_run_of_zero_time_can_be_drawn(result, with_operators):
    still = dataclasses.replace(result.operators[0], time_s=0.0, bound_time_s=0.0)
    ax = plot_breakdown(breakdown_table(with_operators(still)))
    assert render(figure_of(ax), ".png").startswith(b"\x89PNG")
