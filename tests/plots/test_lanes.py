import csv
import itertools

import pytest

from bitline.base.errors import SpecError
from bitline.plots.lanes import lanes_table, plot_lanes, save_lanes

NAMES = ("QKV 1", "QKV 2 | MHA 1", "proj+FFN 1, QKV 1 | MHA 2", "proj+FFN 2 | MHA 1")
BINS = 40


@pytest.fixture
def lanes():
    """Four stages of ten bins of 2 us; the banks rest in the first."""
    stage_s = 20e-6
    return {
        "bin_s": 2e-6,
        "stages": [{"name": n, "start_s": i * stage_s, "end_s": (i + 1) * stage_s} for i, n in enumerate(NAMES)],
        "lanes": {
            "npu": [0.8 - 0.01 * (i % 10) for i in range(BINS)],
            "pim": [0.0 if i < 10 else 0.6 for i in range(BINS)],
            "bandwidth": [i / (BINS - 1) for i in range(BINS)],
        },
    }


def drawn(ax):
    return [patch for patch in ax.patches if patch.get_gid() == "lane"]


def test_a_row_is_a_bin_with_its_stage(lanes):
    table = lanes_table(lanes)
    assert len(table) == BINS
    assert list(table[0]) == ["start_s", "end_s", "stage", "npu", "pim", "bandwidth"]
    assert [row["stage"] for row in table[::10]] == list(NAMES)
    assert all(one["end_s"] == other["start_s"] for one, other in itertools.pairwise(table))
    assert [row["pim"] for row in table] == lanes["lanes"]["pim"]


def test_lanes_are_as_high_as_the_data(lanes):
    ax = plot_lanes(lanes)
    assert ax.get_xlabel() == "time (µs)"
    for floor, (patch, values) in zip((2, 1, 0), zip(drawn(ax), lanes["lanes"].values())):
        heights, edges, baseline = patch.get_data()
        assert baseline == floor
        assert list((heights - floor) / 0.8) == pytest.approx(values)
        assert list(edges) == pytest.approx([2.0 * i for i in range(BINS + 1)])


def test_lanes_are_named_first_on_top(lanes):
    ax = plot_lanes(lanes)
    places = dict(zip([label.get_text() for label in ax.get_yticklabels()], ax.get_yticks()))
    assert sorted(places, key=places.get, reverse=True) == ["NPU", "PIM", "bandwidth"]


def test_means_stand_at_the_right(lanes):
    texts = [text.get_text() for text in plot_lanes(lanes).texts if text.get_gid() == "mean"]
    assert texts == ["76%", "45%", "50%"]


def test_the_last_bin_counts_as_far_as_the_run_goes(lanes):
    lanes["stages"] = []
    lanes["lanes"] = {"npu": [1.0] * 4}
    assert plot_lanes(lanes).texts[0].get_text() == "100%"
    lanes["stages"] = [{"name": "all", "start_s": 0.0, "end_s": 16e-6}]
    assert plot_lanes(lanes).texts[1].get_text() == "50%"


def test_stages_have_numbers_where_their_names_do_not_fit(lanes):
    ax = plot_lanes(lanes)
    assert [text.get_text() for text in ax.texts if text.get_gid() == "name"] == ["1", "2", "3", "4"]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [f"{i}  {n}" for i, n in enumerate(NAMES, 1)]


def test_stages_have_their_names_where_these_fit(lanes):
    for stage, name in zip(lanes["stages"], "ABCD"):
        stage["name"] = name
    ax = plot_lanes(lanes)
    assert [text.get_text() for text in ax.texts if text.get_gid() == "name"] == list("ABCD")
    assert [text.get_position()[0] for text in ax.texts if text.get_gid() == "name"] == pytest.approx([10, 30, 50, 70])
    assert ax.get_legend() is None


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"bin_s": 0}, "a bin is 0 s long"),
        ({"lanes": {}}, "lanes differ in length, or are empty"),
        ({"lanes": {"npu": [0.1], "pim": [0.1, 0.2]}}, "lanes differ in length"),
        ({"lanes": {"npu": [1.2]}}, r"lanes.npu: a utilisation is 1.2"),
        ({"lanes": {"npu": [float("nan")]}}, "a utilisation is nan"),
        ({"stages": [{"name": "x", "start_s": 2.0, "end_s": 1.0}]}, "stage 'x' ends before it starts"),
    ],
)
def test_lanes_that_cannot_be_are_refused(lanes, change, says):
    with pytest.raises(SpecError, match=says):
        plot_lanes({**lanes, **change})


def test_the_data_stands_beside_the_figure(lanes, tmp_path):
    save_lanes(lanes, tmp_path / "x.png", tmp_path / "x.svg")
    with (tmp_path / "x.data.csv").open() as file:
        read = list(csv.DictReader(file))
    assert [float(row["bandwidth"]) for row in read] == lanes["lanes"]["bandwidth"]
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("size", ["column", "page", "slide"])
def test_no_label_leaves_the_figure_or_covers_another(lanes, faults, size):
    assert faults(plot_lanes(lanes, size=size)) == []
