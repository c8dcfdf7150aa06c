import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitline.base.errors import SpecError
from bitline.plots.pareto import pareto_table, plot_pareto

X, Y = "time_per_token_s", "energy_j"


def row(x, y, **more):
    return {"system": "pim-gpt", "memory.channels": x, "status": "done", X: x, Y: y, "level": "cycle", **more}


POINTS = [row(1e-3, 4e-3), row(2e-3, 2e-3), row(3e-3, 3e-3), row(4e-3, 1e-3), row(0.5e-3, 0.5e-3, feasible=False)]


def line(ax, gid):
    (found,) = [one for one in ax.lines if one.get_gid() == gid]
    return [round(float(v), 9) for v in found.get_xdata()], [round(float(v), 9) for v in found.get_ydata()]


def test_the_front_is_what_nothing_beats_and_feasible():
    table = pareto_table(POINTS, X, Y)
    assert [(r[X], r["front"]) for r in table] == [
        (1e-3, True),
        (2e-3, True),
        (3e-3, False),
        (4e-3, True),
        (0.5e-3, False),
    ]


values = st.integers(0, 6)


@given(
    st.lists(st.tuples(values, values), min_size=1, max_size=30),
    st.sampled_from(["min", "max"]),
    st.sampled_from(["min", "max"]),
)
def test_the_front_is_that_of_the_definition(points, x_goal, y_goal):
    directions = {X: x_goal, Y: y_goal}
    table = pareto_table([row(x, y) for x, y in points], X, Y, directions=directions)
    costs = [tuple(v if goal == "min" else -v for v, goal in zip(p, (x_goal, y_goal))) for p in points]
    beaten = [any(o != c and o[0] <= c[0] and o[1] <= c[1] for o in costs) for c in costs]
    assert [not r["front"] for r in table] == beaten


def test_bound_points_are_faint_and_on_no_front():
    bound = [row(0.4e-3, 0.4e-3, level="bound"), row(0.9e-3, 0.0, level="bound")]
    table = pareto_table(POINTS, X, Y, bound_rows=bound)
    assert [r["level"] for r in table].count("bound") == 1  # the other's energy is not known
    assert not any(r["front"] for r in table if r["level"] == "bound")
    ax = plot_pareto(table, x=X, y=Y)
    assert line(ax, "bound") == ([0.4], [0.4])
    assert [t.get_text() for t in ax.get_legend().get_texts()] == [
        *("bound level", "pim-gpt", "breaks a constraint", "front")
    ]


def test_a_sweep_at_the_bound_level_has_a_front_of_its_own():
    table = pareto_table([{**r, "level": "bound"} for r in POINTS], X, Y)
    assert sum(r["front"] for r in table) == 3


def test_the_axes_hold_the_table():
    ax = plot_pareto(pareto_table(POINTS, X, Y), x=X, y=Y)
    assert line(ax, "points") == ([1, 2, 3, 4], [4, 2, 3, 1])
    assert line(ax, "broken") == ([0.5], [0.5])
    assert line(ax, "front") == ([1, 2, 4], [4, 2, 1])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("time per token (ms)", "energy (mJ)")


@pytest.mark.parametrize(("goal", "style"), [("min", "steps-post"), ("max", "steps-pre")])
def test_the_staircase_stays_on_the_side_of_what_is_known(goal, style):
    directions = {X: goal}
    ax = plot_pareto(pareto_table(POINTS, X, Y, directions=directions), x=X, y=Y, directions=directions)
    (front,) = [one for one in ax.lines if one.get_gid() == "front"]
    assert front.get_drawstyle() == style


def test_systems_have_markers_of_their_own():
    rows = [{**r, "system": name} for r in POINTS for name in ("a", "b", "c")]
    ax = plot_pareto(pareto_table(rows, X, Y), x=X, y=Y)
    lines = [one for one in ax.lines if one.get_gid() == "points"]
    assert len({one.get_marker() for one in lines}) == len(lines) == 3


def test_a_large_cloud_is_an_image_in_a_vector_file():
    bound = [row(1e-3 + i * 1e-9, 1e-3, level="bound") for i in range(2001)]
    ax = plot_pareto(pareto_table(POINTS, X, Y, bound_rows=bound), x=X, y=Y)
    (cloud,) = [one for one in ax.lines if one.get_gid() == "bound"]
    assert cloud.get_rasterized()


@pytest.mark.parametrize(
    ("rows", "x", "says"),
    [
        (POINTS, "time_per_tokens_s", "did you mean 'time_per_token_s'"),
        (POINTS, Y, "both objectives"),
        ([{**POINTS[0], "status": "failed"}], X, "no point has numbers"),
    ],
)
def test_what_cannot_be_drawn_is_refused(rows, x, says):
    with pytest.raises(SpecError, match=says):
        pareto_table(rows, x, Y)


def test_an_unknown_direction_is_refused():
    with pytest.raises(SpecError, match="'up' is no direction"):
        pareto_table(POINTS, X, Y, directions={X: "up"})


@pytest.mark.parametrize("size", ["column", "page", "slide"])
def test_no_label_leaves_the_figure_or_covers_another(faults, size):
    bound = [row(0.4e-3, 0.4e-3, level="bound")]
    assert faults(plot_pareto(pareto_table(POINTS, X, Y, bound_rows=bound), x=X, y=Y, size=size)) == []


def test_given_axes_are_drawn_on():
    table = pareto_table(POINTS, X, Y)
    own = plot_pareto(table, x=X, y=Y)
    assert plot_pareto(table, own, x=X, y=Y) is own
