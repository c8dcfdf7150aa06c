import pytest
from matplotlib.figure import Figure

from bitline.base.errors import SpecError
from bitline.plots.validation import plot_validation, plot_validation_errors, validation_table


def row(origin, reference, simulated, tolerance_pct=5.0, name="GEMM 64 x 64"):
    error = 100 * (simulated - reference) / (reference or 1)
    return {
        **{"name": name, "metric": "cycles", "origin": origin, "reference": reference, "simulated": simulated},
        **{"error_pct": error, "tolerance_pct": tolerance_pct, "pass": abs(error) <= tolerance_pct, "inputs": "x"},
    }


ROWS = [
    row("SCALE-Sim v3.0.0 (scalesim-project/SCALE-Sim): printed", 100.0, 101.0),
    row("SCALE-Sim v3.0.0: compute cycles", 2000.0, 1990.0),
    row("closed form", 500.0, 500.0, 0.0),
    row("DRAMsim3", 3e5, 4e5, name="DDR4 stream"),
    row("DRAMsim3", 0.0, 0.0),
]
DRAW = pytest.mark.parametrize(
    ("draw", "value"), [(plot_validation, "simulated"), (plot_validation_errors, "error_pct")]
)


def lines(ax, gid):
    return [line for line in ax.lines if line.get_gid() == gid]


def test_rows_are_gathered_by_the_first_words_of_their_origin():
    table = validation_table(ROWS)
    assert [r["source"] for r in table] == ["SCALE-Sim", "SCALE-Sim", "closed form", "DRAMsim3"]


def test_rows_that_no_logarithmic_axis_holds_are_left_out():
    assert len(validation_table(ROWS)) == 4
    with pytest.raises(SpecError, match="no row has two numbers above zero"):
        validation_table(ROWS[-1:])


def test_more_than_eight_sources_are_others():
    names = ["a", "b", "c", "d", "e", "f", "g", "h", "i"]
    table = validation_table([row(name, 10.0, 10.0) for name in (*names, *names[:7])])
    assert list(dict.fromkeys(r["source"] for r in table)) == [*names[:7], "others"]


@DRAW
def test_the_axes_hold_the_table(draw, value):
    table = validation_table(ROWS)
    ax = draw(table)
    drawn = [(x, y) for line in lines(ax, "rows") for x, y in zip(line.get_xdata(), line.get_ydata())]
    assert drawn == [(r["reference"], r[value]) for r in table]
    (out,) = lines(ax, "out")
    assert (list(out.get_xdata()), list(out.get_ydata())) == ([3e5], [table[-1][value]])
    assert [text.get_text() for text in ax.texts] == ["DDR4 stream"]
    labels = {text.get_text() for text in ax.get_legend().get_texts()}
    assert labels == {"SCALE-Sim", "closed form", "DRAMsim3", "±10%", "outside its tolerance"}


def test_bars_are_what_each_row_allows():
    ax = plot_validation_errors(validation_table(ROWS))
    spans = [
        sorted(segment[:, 1]) for container in ax.containers for part in container[2] for segment in part.get_segments()
    ]
    assert spans == [[-5, 5], [-5, 5], [0, 0], [-5, 5]]


def test_both_axes_of_the_scatter_have_the_same_limits():
    ax = plot_validation(validation_table(ROWS))
    assert ax.get_xlim() == ax.get_ylim()


@DRAW
def test_nothing_is_ringed_where_all_is_well(draw, value):
    ax = draw(validation_table(ROWS[:3]))
    assert lines(ax, "out") == []
    assert "outside its tolerance" not in {text.get_text() for text in ax.get_legend().get_texts()}


@pytest.mark.parametrize(
    ("change", "says"),
    [({"simulated": None}, "no simulated"), ({"reference": "x"}, "reference 'x'"), ({"error_pct": True}, "error_pct")],
)
def test_rows_that_cannot_be_drawn_are_refused(change, says):
    with pytest.raises(SpecError, match=says):
        validation_table([{**ROWS[0], **change}])


@DRAW
@pytest.mark.parametrize("size", ["column", "page", "slide"])
def test_no_label_leaves_the_figure_or_covers_another(faults, size, draw, value):
    bad = [row("NeuPIMs", 10.0 * 3**i, 15.0 * 3**i, name=f"a rather long name of a row {i}") for i in range(8)]
    assert faults(draw(validation_table([*ROWS, *bad]), size=size)) == []


@DRAW
def test_given_axes_are_drawn_on(draw, value):
    own = Figure(figsize=(6, 4)).add_subplot()
    assert draw(validation_table(ROWS), own) is own
    assert [text.get_text() for text in own.texts] == ["DDR4 stream"]
