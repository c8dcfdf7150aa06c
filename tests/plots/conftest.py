import dataclasses
import itertools

import pytest

from bitline.plots.style import figure_of, styled
from bitline.sim.run.result import OperatorResult, Result

# name, unit, time, overlapped, bottleneck: one decode token of a small model on a PIM system, in ms.
ROWS = (
    ("embed", "link", 0.002, 0.0, "link"),
    ("norm1", "asic", 0.05, 0.0, "asic compute"),
    ("qkv", "pim", 1.2, 0.0, "pim bandwidth"),
    ("score", "pim", 0.3, 0.0, "row activation"),
    ("softmax", "asic", 0.2, 0.06, "asic compute"),
    ("context", "pim", 0.35, 0.0, "row activation"),
    ("residual", "asic", 0.01, 0.0, "asic compute"),
    ("ffn.up", "pim", 1.6, 0.0, "pim bandwidth"),
    ("gelu", "asic", 0.02, 0.09, "asic compute"),
    ("ffn.down", "pim", 1.6, 0.0, "pim bandwidth"),
    ("head", "pim", 0.4, 0.0, "pim bandwidth"),
)
PARTS_J = {"activate": 2e-3, "read": 6e-3, "mac": 4e-3, "background": 2e-3, "asic": 1e-3, "write": 0.0}


@pytest.fixture
def result():
    operators = tuple(
        OperatorResult(
            name=name,
            kind="matmul",
            unit=unit,
            level="cycle",
            count=48,
            time_s=time_ms * 1e-3,
            bound_time_s=0.9 * (time_ms + overlapped_ms) * 1e-3,
            overlapped_s=overlapped_ms * 1e-3,
            energy_j=time_ms * 2e-3,
            bottleneck=bottleneck,
            flops=1e6,
            bytes=1e6,
        )
        for name, unit, time_ms, overlapped_ms, bottleneck in ROWS
    )
    time_s = sum(row.time_s for row in operators)
    return Result(
        system="pim-gpt",
        policy="pim-gpt",
        workload={"model": "gpt2-xl", "phase": "decode", "batch": 1, "context": 1024},
        level="cycle",
        time_s=time_s,
        bound_time_s=0.9 * time_s,
        tokens=1,
        tokens_per_s=1 / time_s,
        time_per_token_s=time_s,
        energy_j=sum(PARTS_J.values()),
        power_w=1.0,
        energy_parts_j=PARTS_J,
        bottleneck="pim bandwidth",
        traffic_bytes={},
        utilisation={},
        row_hit_rate=0.98,
        counts={},
        fast_forward={},
        operators=operators,
        provenance={},
    )


@pytest.fixture
def faults():
    """Labels of a figure that leave it, and pairs of labels that overlap, once it is laid out."""

    def find(ax):
        figure = figure_of(ax)
        with styled(figure.size, figure.font):
            figure.draw_without_rendering()
        labels = [*ax.texts, ax.xaxis.label, ax.yaxis.label]
        for axis, (low, high) in ((ax.xaxis, sorted(ax.get_xlim())), (ax.yaxis, sorted(ax.get_ylim()))):
            ticks = [*axis.get_major_ticks(), *axis.get_minor_ticks()]
            labels += [tick.label1 for tick in ticks if low <= tick.get_loc() <= high]
        if ax.get_legend():
            labels += ax.get_legend().get_texts()
        boxes = [(label.get_text(), label.get_window_extent()) for label in labels if label.get_text()]
        area = figure.bbox.padded(1)
        outside = [text for text, box in boxes if not (area.contains(*box.min) and area.contains(*box.max))]
        pairs = itertools.combinations(boxes, 2)
        return outside + [(one, two) for (one, first), (two, second) in pairs if first.overlaps(second)]

    return find


@pytest.fixture
def with_operators(result):
    def make(*operators):
        return dataclasses.replace(result, operators=operators)

    return make


@pytest.fixture
def grid():
    """A sweep's table over three models, two batches and four numbers of channels; one point failed."""
    rows = []
    for scale, model in enumerate(("gpt2", "gpt2-medium", "gpt2-xl"), start=1):
        for batch in (1, 4):
            for channels in (8, 16, 32, 64):
                failed = (model, batch, channels) == ("gpt2-xl", 4, 8)
                time_s = None if failed else scale * 1e-3 / channels * batch
                rows.append(
                    {
                        "system": "pim-gpt",
                        "model": model,
                        "batch": batch,
                        "context": 1024,
                        "memory.channels": channels,
                        "status": "failed" if failed else "done",
                        "time_per_token_s": time_s,
                        "bottleneck": None if failed else "pim bandwidth",
                        "error": "does not fit" if failed else None,
                    }
                )
    return rows
