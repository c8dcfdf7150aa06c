import dataclasses

import pytest

from bitline.base.errors import SpecError
from bitline.plots.roofline import plot_roofline, roofline_table

ROOFS = (
    {"unit": "pim", "flops_per_s": 4e12, "bytes_per_s": 4e12},
    {"unit": "asic", "flops_per_s": 4e11, "bytes_per_s": None},
    {"unit": "idle", "flops_per_s": 1e15, "bytes_per_s": 1e12},
)


def lines_of(ax, gid):
    return [line for line in ax.lines if line.get_gid() == gid]


@pytest.fixture
def runs(result):
    operators = tuple(
        dataclasses.replace(row, flops=1e12 * row.time_s * (1 + place), bytes=1e12 * row.time_s)
        for place, row in enumerate(result.operators)
    )
    first = dataclasses.replace(result, operators=operators)
    second = dataclasses.replace(
        first, operators=tuple(dataclasses.replace(row, unit="processor") for row in operators)
    )
    peaks = {"unit": "processor", "flops_per_s": 6.5e13, "bytes_per_s": 3.2e11}
    return [("pim-gpt", first, ROOFS), ("t4", second, [peaks])]


def test_a_point_is_flops_over_own_time_and_over_bytes(runs):
    table = roofline_table(runs[:1])
    by_name = {row["operator"]: row for row in table if row["kind"] == "operator"}
    softmax = next(row for row in runs[0][1].operators if row.name == "softmax")
    assert by_name["softmax"]["flops_per_s"] == softmax.flops / (softmax.time_s + softmax.overlapped_s)
    assert by_name["softmax"]["flops_per_byte"] == softmax.flops / softmax.bytes
    assert sum(row["share"] for row in by_name.values()) == pytest.approx(1, abs=0.01)


def test_units_that_ran_nothing_have_no_roof_and_small_operators_no_point(runs):
    table = roofline_table(runs[:1])
    assert [row["unit"] for row in table if row["kind"] == "roof"] == ["pim", "asic"]
    assert "embed" not in {row["operator"] for row in table}  # 2 us of 5.7 ms


def test_the_axes_hold_the_table(runs):
    table = roofline_table(runs)
    ax = plot_roofline(table)
    assert (ax.get_xscale(), ax.get_yscale(), ax.get_ylabel()) == ("log", "log", "TFLOP/s")
    drawn = sorted((x, y) for line in lines_of(ax, "operators") for x, y in zip(line.get_xdata(), line.get_ydata()))
    rows = [row for row in table if row["kind"] == "operator"]
    said = sorted((row["flops_per_byte"], row["flops_per_s"] / 1e12) for row in rows)
    assert [value for pair in drawn for value in pair] == pytest.approx([value for pair in said for value in pair])
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["pim-gpt: asic", "pim-gpt: pim", "t4"]


def test_a_roof_is_bandwidth_up_to_the_ridge_then_peak(runs):
    ax = plot_roofline(roofline_table(runs))
    asic, pim, processor = lines_of(ax, "roof")
    assert set(asic.get_ydata()) == {0.4}  # no bandwidth limits it
    assert list(pim.get_xdata())[1] == 1.0
    assert list(pim.get_ydata())[1:] == [4.0, 4.0]
    low, ridge, _ = processor.get_xdata()
    assert ridge == pytest.approx(6.5e13 / 3.2e11)
    assert processor.get_ydata()[0] == pytest.approx(low * 0.32)


def test_units_look_different_in_grey(runs):
    lines = lines_of(plot_roofline(roofline_table(runs)), "operators")
    assert len({line.get_marker() for line in lines}) == len(lines) == 3
    assert len({line.get_linestyle() for line in lines_of(plot_roofline(roofline_table(runs)), "roof")}) == 3


@pytest.mark.parametrize("size", ["column", "page", "slide"])
def test_no_label_leaves_the_figure_or_covers_another(faults, runs, size):
    ax = plot_roofline(roofline_table(runs), size=size)
    assert faults(ax) == []
    assert len(ax.texts) >= 3


def test_what_cannot_be_drawn_is_refused(runs, with_operators):
    with pytest.raises(SpecError, match="no operator has FLOPs"):
        roofline_table([("x", with_operators(), ROOFS)])
    with pytest.raises(SpecError, match="9 units cannot be told apart"):
        roofline_table([(f"t{i}", runs[1][1], runs[1][2]) for i in range(9)])


def test_given_axes_are_drawn_on(runs):
    own = plot_roofline(roofline_table(runs))
    assert plot_roofline(roofline_table(runs), own) is own
