import csv
import itertools

import pytest

from bitline.base.errors import OutputError, SpecError
from bitline.plots.style import figure_of, look
from bitline.plots.throughput import plot_throughput, save_throughput, throughput_table

SYSTEMS = ("gpu-only", "npu-only", "npu-pim", "neupims")


def rows_of(models=("gpt3-13b",), lengths=("sharegpt",), batches=(64, 256, 512), systems=SYSTEMS):
    return [
        {
            "system": system,
            "model": model,
            "batch": batch,
            "lengths": name,
            "tokens_per_s": 10.0 * batch * (1 + systems.index(system)) / (1 + models.index(model)),
        }
        for model in models
        for name in lengths
        for batch in batches
        for system in systems
    ]


def test_bars_are_as_high_as_the_data_and_stand_by_batch():
    ax = plot_throughput(throughput_table(rows_of()))
    assert [container.get_label() for container in ax.containers] == list(SYSTEMS)
    for index, container in enumerate(ax.containers):
        assert [bar.get_height() for bar in container] == [10.0 * batch * (1 + index) for batch in (64, 256, 512)]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["64", "256", "512"]
    assert ax.get_xlabel() == "batch (gpt3-13b, sharegpt)"
    assert ax.get_ylabel() == "tokens/s"
    assert ax.get_ylim()[0] == 0


def test_bars_of_a_place_stand_in_the_order_of_systems_around_its_tick_and_do_not_overlap():
    ax = plot_throughput(throughput_table(rows_of(lengths=("sharegpt", "alpaca"))), size="page")
    spans = sorted((bar.get_x(), bar.get_x() + bar.get_width(), c.get_label()) for c in ax.containers for bar in c)
    assert [name for *_, name in spans] == list(SYSTEMS) * 6
    assert all(end <= start + 1e-9 for (_, end, _), (start, _, _) in itertools.pairwise(spans))
    for tick, at in zip(ax.get_xticks(), range(0, len(spans), 4)):
        assert (spans[at][0] + spans[at + 3][1]) / 2 == pytest.approx(tick)


def test_groups_are_named_by_what_tells_them_apart():
    ax = plot_throughput(throughput_table(rows_of(models=("gpt3-7b", "gpt3-13b"))), size="page")
    assert [label.get_text() for label in ax.get_xticklabels(minor=True)] == ["gpt3-7b", "gpt3-13b"]
    assert ax.get_xlabel() == "batch (sharegpt)"
    assert len(ax.lines) == 1


def test_names_of_groups_break_where_they_are_long():
    table = throughput_table(rows_of(models=("gpt3-7b", "gpt3-13b"), lengths=("sharegpt", "alpaca"), batches=(64, 256)))
    texts = [label.get_text() for label in plot_throughput(table).get_xticklabels(minor=True)]
    assert texts == ["gpt3-7b,\nsharegpt", "gpt3-7b,\nalpaca", "gpt3-13b,\nsharegpt", "gpt3-13b,\nalpaca"]


def test_a_system_that_could_not_run_has_a_cross_in_its_place():
    rows = rows_of()
    rows[4]["tokens_per_s"] = None
    ax = plot_throughput(throughput_table(rows))
    assert len(ax.containers[0]) == 2
    (cross,) = [line for line in ax.lines if line.get_marker() == "x"]
    assert ax.get_xlim()[0] < cross.get_xdata()[0] < ax.get_xticks()[1]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [*SYSTEMS, "cannot run"]


def test_each_system_has_the_look_of_its_place_in_the_palette():
    ax = plot_throughput(throughput_table(rows_of()))
    for index, container in enumerate(ax.containers):
        assert {bar.get_hatch() or "" for bar in container} == {look(index).hatch}
    assert len({container[0].get_facecolor() for container in ax.containers}) == len(SYSTEMS)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"tokens_per_s": "fast"}, "tokens_per_s 'fast'"),
        ({"tokens_per_s": -1.0}, "tokens_per_s -1"),
        ({"tokens_per_s": float("nan")}, "tokens_per_s nan"),
        ({"tokens_per_s": float("inf")}, "tokens_per_s inf"),
        ({"lengths": None}, "no lengths"),
        ({"batch": 256}, "two rows of gpt3-13b, sharegpt, 256, gpu-only"),
    ],
)
def test_rows_that_cannot_be_drawn_are_refused(change, says):
    rows = rows_of()
    rows[0] |= change
    with pytest.raises(SpecError, match=says):
        throughput_table(rows)


def test_rows_without_a_number_and_too_many_systems_are_refused():
    with pytest.raises(SpecError, match="nothing to draw"):
        throughput_table([])
    with pytest.raises(SpecError, match="9 systems cannot be told apart"):
        throughput_table(rows_of(systems=tuple("abcdefghi")))


def test_more_bars_than_fit_are_refused():
    table = throughput_table(rows_of(batches=tuple(range(1, 60))))
    with pytest.raises(SpecError, match="236 bars do not fit"):
        plot_throughput(table)


def test_names_that_do_not_fit_are_refused():
    table = throughput_table(rows_of(models=tuple(f"{'long' * 8}{i}" for i in range(4)), batches=(64,)))
    with pytest.raises(SpecError, match="no room for the name"):
        plot_throughput(table)


def test_the_data_stands_beside_the_figure(tmp_path):
    rows = rows_of()
    paths = save_throughput(rows, tmp_path / "x.png", tmp_path / "x.svg")
    assert sorted(path.name for path in paths) == ["x.data.csv", "x.png", "x.svg"]
    with (tmp_path / "x.data.csv").open() as file:
        read = list(csv.DictReader(file))
    assert [float(row["tokens_per_s"]) for row in read] == [row["tokens_per_s"] for row in rows]
    with pytest.raises(OutputError):
        save_throughput(rows, tmp_path / "x.bmp")


@pytest.mark.parametrize("size", ["column", "page", "slide"])
@pytest.mark.parametrize("models", [("gpt3-13b",), ("gpt3-7b", "gpt3-13b", "gpt3-30b", "gpt3-175b")])
def test_no_label_leaves_the_figure_or_covers_another(faults, size, models):
    rows = rows_of(models=models)
    rows[0]["tokens_per_s"] = None
    assert faults(plot_throughput(throughput_table(rows), size=size)) == []


def test_given_axes_are_drawn_on():
    own = plot_throughput(throughput_table(rows_of()))
    assert plot_throughput(throughput_table(rows_of()), own) is own
    assert figure_of(own).get_size_inches()[0] == 3.4
