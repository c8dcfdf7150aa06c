import dataclasses
from itertools import pairwise

import pytest

from bitline.base.errors import SpecError
from bitline.plots.stack import energy_stack_table, plot_stack, time_stack_table


@pytest.fixture
def runs(result):
    faster = tuple(dataclasses.replace(row, time_s=row.time_s / 2) for row in result.operators)
    other = dataclasses.replace(result, operators=faster, energy_parts_j={"read": 1e-3, "link": 5e-4})
    return [("pim-gpt, gpt2-xl", result), ("hbm-pim, gpt2-xl", other)]


def test_parts_sum_to_each_run(runs):
    table = time_stack_table(runs)
    for name, result in runs:
        own = [row for row in table if row["run"] == name]
        assert sum(row["time_s"] for row in own) == pytest.approx(sum(row.time_s for row in result.operators))
        assert sum(row["share"] for row in own) == pytest.approx(1)
    energies = energy_stack_table(runs)
    assert sum(row["energy_j"] for row in energies if row["run"] == runs[1][0]) == pytest.approx(1.5e-3)


def test_eight_parts_at_most_the_small_ones_together_and_last(runs):
    parts = list(dict.fromkeys(row["part"] for row in time_stack_table(runs)))
    assert len(parts) == 8
    assert parts[-1] == "other"
    assert {"ffn.up", "ffn.down", "qkv"} <= set(parts[:3])


def test_bars_are_as_long_as_the_data_and_touch(runs):
    table = time_stack_table(runs)
    ax = plot_stack(table)
    bars = [container[0] for container in ax.containers]
    assert [bar.get_width() for bar in bars] == pytest.approx([row["time_s"] * 1e3 for row in table])
    assert [label.get_text() for label in ax.get_yticklabels()] == [name for name, _ in runs]
    for before, bar in pairwise(bars):
        if bar.get_y() == before.get_y():
            assert bar.get_x() == pytest.approx(before.get_x() + before.get_width())
    assert ax.get_xlabel() == "time (ms)"
    assert [text.get_text() for text in ax.texts] == ["5.73 ms", "2.87 ms"]


def test_a_part_has_one_look_in_all_runs_and_no_two_parts_share_one(runs):
    ax = plot_stack(time_stack_table(runs))
    looks = {}
    for container in ax.containers:
        looks.setdefault(container[0].get_gid(), set()).add((container[0].get_facecolor(), container[0].get_hatch()))
    assert all(len(found) == 1 for found in looks.values())
    assert len({next(iter(found)) for found in looks.values()}) == len(looks)


def test_runs_without_energy_and_too_many_runs_are_refused(result, runs):
    bound = dataclasses.replace(result, energy_parts_j={})
    with pytest.raises(SpecError, match="no run has any energy"):
        energy_stack_table([("t4", bound)])
    with pytest.raises(SpecError, match="41 runs are too many"):
        time_stack_table([(str(i), result) for i in range(41)])


@pytest.mark.parametrize("size", ["column", "page", "slide"])
@pytest.mark.parametrize("make", [time_stack_table, energy_stack_table])
def test_no_label_leaves_the_figure_or_covers_another(faults, runs, size, make):
    assert faults(plot_stack(make(runs), size=size)) == []


def test_given_axes_are_drawn_on(runs):
    table = time_stack_table(runs)
    own = plot_stack(table)
    assert plot_stack(table, own) is own
