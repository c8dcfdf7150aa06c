"""What a trace adds up to, as plain data for tables and JSON."""

from __future__ import annotations

from typing import Any

from bitline.traces.operator import KINDS, ROLES, Operator
from bitline.traces.trace import Trace

COUNTS = (
    "flops",
    "weight_bytes",
    "activation_read_bytes",
    "activation_write_bytes",
    "kv_read_bytes",
    "kv_write_bytes",
)


def summarise(trace: Trace) -> dict[str, Any]:
    """Totals, the same by kind of operator, and the sizes of what has to be held.

    `held_bytes` counts each distinct tensor once, by role; activations are counted as if none were ever freed.
    `kv_bytes_per_token` is what each new token adds to the cache, all layers together.
    """
    rows = [(operator, block.repeats) for block in trace.blocks for operator in block.operators]
    totals = _sums(rows)
    held = dict.fromkeys(ROLES, 0)
    for tensor in trace.tensors().values():
        held[tensor.role] += tensor.bytes
    lengths = trace.contexts if len(trace.contexts) > 1 else trace.contexts * trace.batch
    tokens = trace.batch if trace.phase == "decode" else sum(lengths)
    moved = sum(totals[name] for name in COUNTS if name != "flops")
    return {
        "model": trace.model,
        "phase": trace.phase,
        "batch": trace.batch,
        "tokens": tokens,
        "context": {"shortest": min(lengths), "longest": max(lengths), "total": sum(lengths)},
        "activation_dtype": trace.activation_dtype,
        "weight_dtype": trace.weight_dtype,
        "kv_dtype": trace.kv_dtype,
        "attention": trace.attention,
        **totals,
        "flops_per_byte": totals["flops"] / moved if moved else 0.0,
        "kv_bytes_per_token": totals["kv_write_bytes"] // tokens,
        "held_bytes": held,
        "by_kind": [
            {"kind": kind, **_sums([row for row in rows if row[0].kind == kind])}
            for kind in KINDS
            if any(operator.kind == kind for operator, _ in rows)
        ],
    }


def _sums(rows: list[tuple[Operator, int]]) -> dict[str, int]:
    sums = {"operators": sum(repeats for _, repeats in rows)}
    return sums | {name: sum(getattr(operator, name) * repeats for operator, repeats in rows) for name in COUNTS}
