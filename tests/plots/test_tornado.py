import itertools

import pytest

from bitline.base.errors import SpecError
from bitline.plots.tornado import MEANS, ONE_AT_A_TIME, plot_tornado, tornado_table

Y = "time_per_token_s"


def grid():
    """time = 8/channels + 1/lanes, and the model doubles it."""
    return [
        {
            "model": model,
            "memory.channels": channels,
            "lanes": lanes,
            "status": "done",
            Y: 1e-3 * scale * (8 / channels + 1 / lanes),
            "bottleneck": "pim",
        }
        for (model, scale), channels, lanes in itertools.product([("gpt2", 1), ("gpt2-xl", 2)], [1, 2, 8], [1, 4])
    ]


def test_around_the_best_point_one_parameter_at_a_time():
    table = tornado_table(grid(), Y)
    assert [row["parameter"] for row in table] == ["memory.channels", "model", "lanes"]
    assert {row["method"] for row in table} == {ONE_AT_A_TIME}
    best = 1e-3 * (1 + 0.25)
    assert table[0] == {
        **{"parameter": "memory.channels", "least": pytest.approx(best), "least_at": "8"},
        **{"most": pytest.approx(1e-3 * 8.25), "most_at": "1", "base": pytest.approx(best)},
        **{"quantity": Y, "method": ONE_AT_A_TIME},
    }


def test_around_a_point_that_is_given():
    table = tornado_table(grid(), Y, base={"memory.channels": 2, "lanes": 4, "model": "gpt2-xl"})
    by_name = {row["parameter"]: row for row in table}
    assert by_name["memory.channels"]["base"] == pytest.approx(2e-3 * 4.25)
    assert (by_name["memory.channels"]["least_at"], by_name["memory.channels"]["most_at"]) == ("8", "1")
    assert (by_name["model"]["least_at"], by_name["model"]["most"]) == ("gpt2", pytest.approx(2e-3 * 4.25))


def test_where_more_is_better_the_best_is_the_most():
    table = tornado_table(grid(), Y, directions={Y: "max"})
    assert table[0]["base"] == max(row[Y] for row in grid())


def test_over_means_where_no_point_differs_in_one_parameter_alone():
    rows = [row for index, row in enumerate(grid()) if index % 5 in (0, 3)]
    table = tornado_table(rows, Y)
    assert {row["method"] for row in table} == {MEANS}
    by_name = {row["parameter"]: row for row in table}
    model = [
        sum(r[Y] for r in rows if r["model"] == m) / sum(r["model"] == m for r in rows) for m in ("gpt2", "gpt2-xl")
    ]
    assert sorted(model) == pytest.approx([by_name["model"]["least"], by_name["model"]["most"]])


def test_many_numbers_are_gathered_in_quarters():
    rows = [{"clock": 100 + i, "other": i % 7, "status": "done", Y: 1.0 / (100 + i)} for i in range(40)]
    (clock,) = [row for row in tornado_table(rows, Y) if row["parameter"] == "clock"]
    assert (clock["least_at"], clock["most_at"]) == ("quarter 4", "quarter 1")
    assert clock["most"] == pytest.approx(sum(1 / (100 + i) for i in range(10)) / 10)


def test_failed_points_count_for_nothing():
    rows = [*grid(), {**grid()[0], "memory.channels": 99, "status": "failed", Y: None}]
    assert tornado_table(rows, Y) == tornado_table(grid(), Y)


def test_bars_reach_from_the_least_to_the_most():
    table = tornado_table(grid(), Y, base={"memory.channels": 2, "lanes": 4, "model": "gpt2"})
    ax = plot_tornado(table)
    for place, row in enumerate(table):
        own = [bar for container in ax.containers for bar in container if bar.get_y() + bar.get_height() / 2 == place]
        ends = [edge for bar in own for edge in (bar.get_x(), bar.get_x() + bar.get_width())]
        assert (min(ends), max(ends)) == pytest.approx((row["least"] * 1e3, row["most"] * 1e3))
    assert {bar.get_gid() for container in ax.containers for bar in container} == {"below", "above"}
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["less than the base point", "more"]
    assert ax.lines[0].get_xdata()[0] == pytest.approx(table[0]["base"] * 1e3)


def test_the_legend_names_what_is_drawn():
    legend = plot_tornado(tornado_table(grid(), Y)).get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["more"]


@pytest.mark.parametrize(
    ("rows", "y", "base", "says"),
    [
        (grid(), "time", None, "no column 'time'"),
        (grid(), Y, {"channels": 1}, "did you mean 'memory.channels'"),
        (grid(), Y, {"lanes": 3}, "no point has these values"),
        (grid()[:1], Y, None, "no parameter varies"),
    ],
)
def test_what_cannot_be_drawn_is_refused(rows, y, base, says):
    with pytest.raises(SpecError, match=says):
        tornado_table(rows, y, base=base)


@pytest.mark.parametrize("size", ["column", "page", "slide"])
@pytest.mark.parametrize("base", [None, {"memory.channels": 2, "lanes": 4}])
def test_no_label_leaves_the_figure_or_covers_another(faults, size, base):
    rows = [{"memory.override.timing.tCCDL": row["lanes"], **row} for row in grid()]
    for row in rows:
        del row["lanes"]
    base = base and {"memory.channels": 2, "memory.override.timing.tCCDL": 4}
    assert faults(plot_tornado(tornado_table(rows, Y, base=base), size=size)) == []


def test_given_axes_are_drawn_on():
    own = plot_tornado(tornado_table(grid(), Y))
    assert plot_tornado(tornado_table(grid(), Y), own) is own
