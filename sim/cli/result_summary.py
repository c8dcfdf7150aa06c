"""A result in the terminal: what it took, where it went, one row an operator."""

from __future__ import annotations

from collections.abc import Mapping

import click

from bitline.base.units import format_bytes, format_energy, format_time
from bitline.sim.cli.options import print_table
from bitline.sim.run.result import Result

MAX_OPERATORS = 40


def print_result(result: Result) -> None:
    """Totals, then the operators by the time that the run waited for them."""
    workload = ", ".join(f"{name} {value}" for name, value in result.workload.items() if value is not None)
    ratio = f", {result.time_s / result.bound_time_s:.3g} x the bound" if result.bound_time_s else ""
    rows = [
        ("run", f"{result.system}, policy {result.policy}, {workload}"),
        ("time", f"{format_time(result.time_s)} ({result.level}); bound {format_time(result.bound_time_s)}{ratio}"),
        ("tokens", f"{result.tokens:,}: {result.tokens_per_s:.4g}/s, {format_time(result.time_per_token_s)} each"),
        ("bottleneck", result.bottleneck),
        ("energy", _energy(result)),
        ("traffic", ", ".join(f"{name} {format_bytes(size)}" for name, size in result.traffic_bytes.items())),
        ("busy", ", ".join(f"{unit} {100 * share:.1f}%" for unit, share in result.utilisation.items())),
    ]
    if result.row_hit_rate is not None:
        rows.append(("row hits", f"{100 * result.row_hit_rate:.2f}%"))
    for name, text in rows:
        if text:
            click.echo(f"{name:<11} {text}")
    if result.operators:
        click.echo()
        _print_operators(result)


def _print_operators(result: Result) -> None:
    operators = sorted(result.operators, key=lambda operator: -operator.time_s)
    headings = ["operator", "kind", "unit", "count", "time", "share", "bound", "hidden", "energy", "bottleneck"]
    print_table(
        headings,
        [
            [
                operator.name,
                operator.kind,
                operator.unit,
                operator.count,
                format_time(operator.time_s),
                f"{100 * operator.time_s / result.time_s:.1f}%" if result.time_s else "",
                format_time(operator.bound_time_s),
                format_time(operator.overlapped_s),
                format_energy(operator.energy_j),
                operator.bottleneck,
            ]
            for operator in operators[:MAX_OPERATORS]
        ],
    )
    if len(operators) > MAX_OPERATORS:
        click.echo(f"... and {len(operators) - MAX_OPERATORS} more (--json has all)")


def _energy(result: Result) -> str:
    if not result.energy_j:
        return ""  # the bound level has none
    return f"{format_energy(result.energy_j)}, {result.power_w:.3g} W: {_shares(result.energy_parts_j)}"


def _shares(parts: Mapping[str, float]) -> str:
    total = sum(parts.values())
    return ", ".join(f"{name} {100 * value / total:.1f}%" for name, value in parts.items() if value) if total else ""
