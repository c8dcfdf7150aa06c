"""The summary of an operator trace, for `bitline trace` and `bitline show`."""

from __future__ import annotations

from typing import Any

import click

from bitline.base.units import format_bytes
from bitline.sim.cli.options import print_table
from bitline.traces import ModelSpec
from bitline.traces.models.published import published_count

_MOVED = ("weight_bytes", "activation_read_bytes", "activation_write_bytes", "kv_read_bytes", "kv_write_bytes")


def parameters_of(model: ModelSpec) -> dict[str, Any]:
    """A model's parameters beside the published count."""
    published = published_count(model.name)
    return {
        "parameters": model.parameters,
        "active_parameters": model.active_parameters,
        "published_parameters": None if published is None else published.parameters,
        "published_kind": None if published is None else published.kind,
        "published_source": None if published is None else published.source,
    }


def print_summary(summary: dict[str, Any]) -> None:
    """Totals, then a table by kind of operator."""
    context = summary["context"]
    lengths = f"{context['longest']:,}"
    if context["shortest"] != context["longest"]:
        lengths = f"{context['shortest']:,} to {lengths}"
    types = f"{summary['activation_dtype']}, weights {summary['weight_dtype']}, KV {summary['kv_dtype']}"
    rows = [
        ("trace", f"{summary['model']} {summary['phase']}, batch {summary['batch']:,}, context {lengths}, {types}"),
        ("operators", f"{summary['operators']:,}, attention {summary['attention']}"),
        ("work", f"{_count(summary['flops'])}FLOP, {summary['flops_per_byte']:.3g} FLOP/byte"),
        ("moved", ", ".join(f"{name[:-6].replace('_', ' ')} {_size(summary[name])}" for name in _MOVED)),
        ("held", ", ".join(f"{role} {format_bytes(size)}" for role, size in summary["held_bytes"].items() if size)),
    ]
    if "parameters" in summary:
        rows.insert(1, ("parameters", _parameters(summary)))
    for name, text in rows:
        click.echo(f"{name:<11} {text}")
    click.echo()
    headings = ["kind", "operators", "FLOP", *(name[:-6].replace("_", " ") for name in _MOVED)]
    print_table(
        headings,
        [
            [row["kind"], row["operators"], _count(row["flops"]), *(_size(row[name]) for name in _MOVED)]
            for row in summary["by_kind"]
        ],
    )


def _parameters(summary: dict[str, Any]) -> str:
    text = f"{summary['parameters']:,}"
    if summary["active_parameters"] != summary["parameters"]:
        text += f" ({summary['active_parameters']:,} active)"
    published = summary["published_parameters"]
    if published is None:
        return text
    difference = 100 * (summary["parameters"] - published) / published
    return f"{text}; published {published:,} ({summary['published_kind']}, {difference:+.3f}%)"


def _size(size: float) -> str:
    return format_bytes(size) if size else "0"


def _count(value: float) -> str:
    """A count with three significant digits and a decimal prefix."""
    for prefix, scale in (("E", 1e18), ("P", 1e15), ("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= scale:
            return f"{value / scale:.3g} {prefix}"
    return f"{value:.3g} "
