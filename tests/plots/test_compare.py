import dataclasses

import pytest

from bitline.plots.compare import compare_table, plot_compare
from bitline.plots.style import figure_of, render
from bitline.sim.compare import compare


@pytest.fixture
def found(result):
    """A run against one whose products take half the time, and that has no softmax."""
    operators = tuple(
        dataclasses.replace(one, time_s=one.time_s / 2) if one.unit == "pim" else one
        for one in result.operators
        if one.name != "softmax"
    )
    faster = dataclasses.replace(
        result,
        operators=operators,
        time_s=sum(one.time_s for one in operators),
        energy_j=sum(one.energy_j for one in operators),
    )
    slower = dataclasses.replace(
        result,
        time_s=sum(one.time_s for one in result.operators),
        energy_j=sum(one.energy_j for one in result.operators),
    )
    return compare(slower, faster, names=("slow", "fast"))


def bars(ax, side):
    return [bar for bar in ax.patches if bar.get_gid() == side]


def test_rows_sum_to_the_runs(found):
    table = compare_table(found)
    for side, run in (("a_s", found.a), ("b_s", found.b)):
        assert sum(row[side] for row in table) == pytest.approx(run.time_s, rel=1e-12)
    assert sum(row["difference_j"] for row in table) == pytest.approx(found.b.energy_j - found.a.energy_j)


def test_small_operators_are_drawn_together(found):
    table = compare_table(found)
    assert table[-1]["operator"] == "other (4)"
    assert table[-1]["members"] == "embed norm1 residual gelu"


def test_a_pair_of_bars_an_operator(found):
    table = compare_table(found)
    ax = plot_compare(table)
    for side in ("a", "b"):
        assert [bar.get_width() for bar in bars(ax, side)] == pytest.approx([1e3 * row[f"{side}_s"] for row in table])
    assert ax.get_xlabel() == "time, with the difference (ms)"
    assert [label.get_text() for label in ax.get_yticklabels()] == [row["operator"] for row in table]
    assert ax.yaxis_inverted()
    upper, lower = bars(ax, "a")[0], bars(ax, "b")[0]
    assert upper.get_y() < lower.get_y()


def test_differences_stand_beside_the_bars(found):
    ax = plot_compare(compare_table(found))
    texts = [text.get_text() for text in ax.texts]
    assert texts[:3] == ["−0.6", "−0.15", "−0.2"]  # qkv, score, softmax
    assert [text.get_text() for text in plot_compare(compare_table(compare(found.a, found.a))).texts] == ["="] * 8


def test_the_legend_names_the_runs_and_their_times(found):
    legend = [text.get_text() for text in plot_compare(compare_table(found)).get_legend().get_texts()]
    assert legend[0] == "slow: 5.73 ms"
    assert legend[1].startswith("fast: ")
    long = dataclasses.replace(found, names=("a/" * 40 + "one", "b"))
    label = plot_compare(compare_table(long)).get_legend().get_texts()[0].get_text()
    assert label.startswith("...")
    assert "one: 5.73 ms" in label


def test_the_same_figure_twice_is_the_same_file(found):
    files = {render(figure_of(plot_compare(compare_table(found))), ".svg") for _ in range(2)}
    assert len(files) == 1


def test_nothing_to_compare_is_an_empty_figure():
    assert plot_compare([]).get_legend() is None
