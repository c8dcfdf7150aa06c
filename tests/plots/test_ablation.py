import csv

import pytest

from bitline.base.errors import SpecError
from bitline.plots.ablation import MEAN, ablation_table, plot_ablation, save_ablation

STEPS = ("npu-pim", "+dual row buffer", "+bin packing", "+sub-batch interleaving")
GAIN = {64: (1.0, 1.1, 1.2, 0.9), 256: (1.0, 1.2, 1.3, 1.6)}


def rows_of(lengths=("sharegpt",), batches=(64, 256), steps=STEPS):
    return [
        {"system": step, "model": "gpt3-13b", "batch": b, "lengths": name, "tokens_per_s": 7.0 * b * GAIN[b][at]}
        for name in lengths
        for b in batches
        for at, step in enumerate(steps)
    ]


def test_speeds_are_over_the_first_system_at_the_same_place():
    table = [row for row in ablation_table(rows_of()) if row["batch"] != MEAN]
    assert [row["speed_over_first"] for row in table] == pytest.approx([*GAIN[64], *GAIN[256]])
    assert [row["tokens_per_s"] for row in table] == [row["tokens_per_s"] for row in rows_of()]


def test_the_geometric_mean_follows_the_places():
    means = {row["system"]: row["speed_over_first"] for row in ablation_table(rows_of()) if row["batch"] == MEAN}
    assert means == pytest.approx({step: (GAIN[64][at] * GAIN[256][at]) ** 0.5 for at, step in enumerate(STEPS)})
    assert all(row["batch"] != MEAN for row in ablation_table(rows_of(batches=(64,))))


def test_a_step_that_ran_at_some_places_only_has_no_mean():
    rows = rows_of()
    rows[1]["tokens_per_s"] = None
    means = [row["system"] for row in ablation_table(rows) if row["batch"] == MEAN]
    assert means == [STEPS[0], *STEPS[2:]]


def test_bars_and_their_numbers_are_those_of_the_table():
    table = ablation_table(rows_of())
    ax = plot_ablation(table, size="page")
    for index, container in enumerate(ax.containers):
        own = [row["speed_over_first"] for row in table if row["system"] == STEPS[index]]
        assert [bar.get_height() for bar in container] == pytest.approx(own)
    assert [text.get_text() for text in ax.texts] == [f"{row['speed_over_first']:.2f}" for row in table]
    for text, row in zip(ax.texts, table):
        bar = next(b for c in ax.containers for b in c if b.get_x() <= text.xy[0] <= b.get_x() + b.get_width())
        assert bar.get_height() == pytest.approx(row["speed_over_first"])
    assert ax.get_ylabel() == "speed over npu-pim"
    assert any(list(line.get_ydata()) == [1, 1] for line in ax.lines)


def test_narrow_bars_go_without_numbers():
    rows = rows_of(lengths=tuple("abcdefghij"))
    assert len(plot_ablation(ablation_table(rows), size="column").texts) == 0


def test_a_place_without_the_first_system_is_refused():
    with pytest.raises(SpecError, match="no speed of npu-pim at gpt3-13b, sharegpt, batch 256"):
        ablation_table([row for row in rows_of() if (row["system"], row["batch"]) != ("npu-pim", 256)])
    rows = rows_of()
    rows[0]["tokens_per_s"] = None
    with pytest.raises(SpecError, match="batch 64"):
        ablation_table(rows)


def test_the_data_stands_beside_the_figure(tmp_path):
    save_ablation(rows_of(), tmp_path / "x.svg")
    with (tmp_path / "x.data.csv").open() as file:
        read = [float(row["speed_over_first"]) for row in csv.DictReader(file)]
    assert read == [row["speed_over_first"] for row in ablation_table(rows_of())]
    assert (tmp_path / "x.svg").read_bytes().startswith(b"<?xml")


@pytest.mark.parametrize("size", ["column", "page", "slide"])
@pytest.mark.parametrize("lengths", [("sharegpt",), ("sharegpt", "alpaca")])
def test_no_label_leaves_the_figure_or_covers_another(faults, size, lengths):
    assert faults(plot_ablation(ablation_table(rows_of(lengths=lengths)), size=size)) == []
