"""Studies that were never run: rows whose numbers are a function of their parameters, and whole results with them."""

import itertools
import math

from bitline.sim.study.record import StudyRecord
from bitline.sim.study.spec import make_study

OPERATORS = ("attention.qkv", "attention.score", "attention.output", "ffn.up", "ffn.down", "head")
HOSTILE = "</script><script>document.title='broken out'</script><img src=x onerror=alert(1)>"


def result_of(row, number):
    """A whole result whose operators and energy parts sum to the row's."""
    shares = [(1 + (number + i) % 7) for i in range(len(OPERATORS))]
    operators = [
        {
            "name": name,
            "kind": "matmul",
            "unit": "pim",
            "level": "cycle",
            "count": 12,
            "time_s": row["time_s"] * share / sum(shares),
            "bound_time_s": row["bound_time_s"] * share / sum(shares),
            "overlapped_s": 0.0,
            "energy_j": row["energy_j"] * share / sum(shares),
            "bottleneck": "bank compute" if i < 4 else "pins",
            "flops": 1e9 * share,
            "bytes": 1e6 * share,
            "commands": {},
        }
        for i, (name, share) in enumerate(zip(OPERATORS, shares))
    ]
    settings = " ".join(f"--set {name}={value}" for name, value in row.items() if "." in name)
    return {
        "operators": operators,
        "energy_parts_j": {"compute": 0.7 * row["energy_j"], "activate": 0.3 * row["energy_j"]},
        "utilisation": {"bank compute": 0.6, "pins": 0.1},
        "traffic_bytes": {"off_chip": 1e6},
        "counts": {"ACT": 10},
        "time_s": row["time_s"],
        "bound_time_s": row["bound_time_s"],
        "energy_j": row["energy_j"],
        "provenance": {
            "version": "0.1.0",
            "code_hash": "c0de",
            "key": f"{number:032x}",
            "command": f"bitline run pim-gpt --model {row['model']} {settings}",
            "resolved": {"system": {"memory": {"channels": row["memory.channels"]}}},
        },
    }


def row_of(model, size, channels, adders, buffer):
    time_s = 1e-4 * size * (1 + 40 / channels + 3 / math.sqrt(adders) + 0.5 / buffer)
    energy_j = 1e-4 * size * (1 + channels / 40 + adders / 2000 + buffer / 100)
    return {
        "system": "pim-gpt",
        "policy": "pim-gpt",
        "model": model,
        "phase": "decode",
        "batch": 1,
        "context": 1024,
        "prompt": None,
        "tokens": None,
        "level": "cycle",
        "asic.adders": adders,
        "asic.buffer_kb": buffer,
        "memory.channels": channels,
        "status": "done",
        "time_s": time_s,
        "bound_time_s": 0.6 * time_s,
        "tokens_per_s": 1 / time_s,
        "time_per_token_s": time_s,
        "energy_j": energy_j,
        "power_w": energy_j / time_s,
        "row_hit_rate": 0.98,
        "bottleneck": "bank compute" if channels < 20 else "asic",
        "feasible": energy_j / time_s < 30,
        "error": None,
    }


def make_record(channels, adders, buffers, models=("gpt2",), **study):
    """Every combination, the points with the most channels failed when there is more than one model."""
    sizes = {model: 1 + 3 * i for i, model in enumerate(models)}
    product = itertools.product(models, adders, buffers, channels)
    rows = [row_of(model, sizes[model], channel, adder, buffer) for model, adder, buffer, channel in product]
    if len(models) > 1:
        for row in rows:
            if row["model"] == models[-1] and row["memory.channels"] == min(channels):
                metrics = list(row)[list(row).index("time_s") : -1]
                error = f"{row['model']} does not fit {row['memory.channels']} channels"
                row.update(dict.fromkeys(metrics), status="failed", policy=None, error=error)
    results = {f"{i:032x}": result_of(row, i) for i, row in enumerate(rows) if row["status"] == "done"}
    fields = {"objectives": {"time_per_token_s": "min", "energy_j": "min"}, "constraints": ["power_w < 30"], **study}
    spec = make_study(
        system="pim-gpt",
        models=list(models),
        settings={"asic.adders": list(adders), "memory.channels": list(channels)},
        **fields,
    )
    return StudyRecord(
        folder="toy",
        study=spec,
        rows=rows,
        keys=[f"{i:032x}" if row["status"] == "done" else None for i, row in enumerate(rows)],
        bound_rows=[],
        screen=None,
        result_of=results.get,
    )
