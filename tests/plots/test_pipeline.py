import dataclasses
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bitline.base.errors import SpecError
from bitline.plots.pipeline import pipeline_table, plot_pipeline


def piped(result, times, send_s=0.0):
    rows = tuple(
        {"stage": stage, "micro_batch": batch, "time_s": time_s, "send_s": send_s if stage else 0.0}
        for stage, row in enumerate(times)
        for batch, time_s in enumerate(row)
    )
    return dataclasses.replace(result, pipeline=rows)


def test_alike_stages_fill_one_after_the_other(result):
    table = pipeline_table(piped(result, [[1e-3] * 2] * 2, send_s=1e-4))
    first = {(row["stage"], row["micro_batch"]): row["start_s"] for row in table if row["iteration"] == 0}
    assert first == pytest.approx({(0, 0): 0, (0, 1): 1e-3, (1, 0): 1.1e-3, (1, 1): 2.1e-3})
    second = {(row["stage"], row["micro_batch"]): row["start_s"] for row in table if row["iteration"] == 1}
    assert second[0, 0] == pytest.approx(2.1e-3)  # its token is needed


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # a result is frozen
@given(data=st.data())
def test_no_stage_does_two_things_and_no_batch_is_at_two_places(result, data):
    stages, batches = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 4))
    time_s = st.floats(1e-6, 1e-2)
    times = [[data.draw(time_s) for _ in range(batches)] for _ in range(stages)]
    table = pipeline_table(piped(result, times, send_s=data.draw(st.floats(0, 1e-3))))
    assert len(table) == 2 * stages * batches
    for key in ("stage", "micro_batch"):
        for which in range(stages if key == "stage" else batches):
            own = sorted((row["start_s"], row["end_s"]) for row in table if row[key] == which)
            assert all(end <= start + 1e-12 for (_, end), (start, _) in pairwise(own))
    for row in table:
        assert row["end_s"] - row["start_s"] == pytest.approx(times[row["stage"]][row["micro_batch"]])


def test_bars_are_the_spans(result):
    table = pipeline_table(piped(result, [[1e-3, 2e-3], [1e-3, 1e-3]]))
    ax = plot_pipeline(table)
    bars = [(bar.get_x(), bar.get_width()) for container in ax.containers for bar in container]
    assert [value for bar in bars for value in bar] == pytest.approx(
        [1e3 * value for row in table for value in (row["start_s"], row["end_s"] - row["start_s"])]
    )
    assert [label.get_text() for label in ax.get_yticklabels()] == ["stage 1", "stage 2"]
    busy = [text.get_text() for text in ax.texts if text.get_gid() == "busy"]
    end_s = max(row["end_s"] for row in table)
    assert busy == [f"{100 * 6e-3 / end_s:.1f}%", f"{100 * 4e-3 / end_s:.1f}%"]


def test_a_run_without_a_pipeline_is_refused(result):
    with pytest.raises(SpecError, match="has no pipeline"):
        pipeline_table(result)
    with pytest.raises(SpecError, match="65 stages"):
        pipeline_table(piped(result, [[1.0]] * 65))


@pytest.mark.parametrize("size", ["column", "page", "slide"])
@pytest.mark.parametrize("batches", [1, 4, 16])
def test_no_label_leaves_the_figure_or_covers_another(faults, result, size, batches):
    assert faults(plot_pipeline(pipeline_table(piped(result, [[1e-3] * batches] * 4)), size=size)) == []


def test_given_axes_are_drawn_on(result):
    table = pipeline_table(piped(result, [[1e-3]] * 2))
    own = plot_pipeline(table)
    assert plot_pipeline(table, own) is own
