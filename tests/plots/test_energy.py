import pytest

from bitline.plots.energy import energy_table, operator_energy_table, plot_energy


def test_parts_stand_largest_first_and_sum_to_the_energy(result):
    table = energy_table(result)
    assert [row["part"] for row in table] == ["read", "mac", "activate", "background", "asic"]
    assert sum(row["energy_j"] for row in table) == pytest.approx(result.energy_j)
    assert sum(row["share"] for row in table) == pytest.approx(1)


def test_operators_and_what_none_of_them_caused_sum_to_the_energy(result):
    table = operator_energy_table(result)
    assert [row["operator"] for row in table] == [*(row.name for row in result.operators), "background"]
    assert sum(row["energy_j"] for row in table) == pytest.approx(result.energy_j)


def test_bars_are_as_long_as_the_data(result):
    table = energy_table(result)
    ax = plot_energy(table)
    assert ax.get_xlabel() == "energy (mJ)"
    assert [bar.get_width() for bar in ax.patches] == pytest.approx([row["energy_j"] * 1e3 for row in table])
    assert [label.get_text() for label in ax.get_yticklabels()] == [row["part"] for row in table]
    assert ax.texts[0].get_text() == "6 mJ, 40.0%"
    assert ax.get_legend() is None


def test_parts_of_an_operator_are_stacked():
    table = [
        {"operator": "qkv", "part": "read", "energy_j": 2e-3, "share": 0.4},
        {"operator": "qkv", "part": "mac", "energy_j": 1e-3, "share": 0.2},
        {"operator": "head", "part": "mac", "energy_j": 2e-3, "share": 0.4},
    ]
    ax = plot_energy(table)
    assert [bar.get_x() for bar in ax.patches] == pytest.approx([0, 2, 0])
    assert [bar.get_width() for bar in ax.patches] == pytest.approx([2, 1, 2])
    assert [text.get_text() for text in ax.texts] == ["3 mJ, 60.0%", "2 mJ, 40.0%"]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["read", "mac"]
    first, second, third = ax.patches
    assert second.get_facecolor() == third.get_facecolor() != first.get_facecolor()


@pytest.mark.parametrize("size", ["column", "page", "slide"])
@pytest.mark.parametrize("make", [energy_table, operator_energy_table])
def test_no_label_leaves_the_figure_or_covers_another(result, faults, make, size):
    assert faults(plot_energy(make(result), size=size)) == []
