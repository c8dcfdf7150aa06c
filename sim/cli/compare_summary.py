"""A comparison in the terminal: what differs, in words first and then in numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import click

from bitline.base.units import format_bytes, format_energy, format_time
from bitline.sim.cli.fields import text_of
from bitline.sim.cli.options import print_table
from bitline.sim.compare import Change, Comparison, OperatorPair, Quantity
from bitline.sim.compare.compare import ratio

MAX_ROWS = 40
MAX_VALUE_CHARS = 48

_FORMATS: dict[str, Callable[[float], str]] = {
    "time_s": format_time,
    "time_per_token_s": format_time,
    "bound_time_s": format_time,
    "tokens_per_s": lambda value: f"{value:.4g}",
    "energy_j": format_energy,
    "power_w": lambda value: f"{value:.3g} W",
    "row_hit_rate": lambda value: f"{100 * value:.4g}%",
}


_TITLES = {
    "time_s": "time",
    "time_per_token_s": "time per token",
    "bound_time_s": "bound",
    "tokens_per_s": "tokens/s",
    "energy_j": "energy",
    "power_w": "power",
    "row_hit_rate": "row hits",
}


def print_comparison(found: Comparison) -> None:
    """Warnings, what differs, totals, operators by how much they differ."""
    for side, name, result in (("A", found.names[0], found.a), ("B", found.names[1], found.b)):
        click.echo(f"{side}  {name}: {result.system}, policy {result.policy}, {result.level} level")
    for warning in found.warnings:
        click.echo(f"!  {warning}")
    click.echo(f"\nB takes {_verdict(found)}.")
    _print_changes("workload", found.workload)
    _print_changes("configuration", found.configuration)
    if not found.workload and not found.configuration:
        click.echo("\nworkload and configuration are the same")
    click.echo()
    print_table(["", "A", "B", "B - A", "B / A"], _total_rows(found))
    if found.operators:
        click.echo()
        _print_operators(found)


def _verdict(found: Comparison) -> str:
    by_name = {quantity.name: quantity for quantity in found.totals}
    said = [_times("the time", by_name["time_s"])]
    if found.a.energy_j and found.b.energy_j:
        said.append(_times("the energy", by_name["energy_j"]))
    if by_name["time_s"].difference:
        most = max(found.operators, key=lambda pair: abs(pair.time_difference_s), default=None)
        if most is not None and most.time_difference_s:
            said.append(f"most of all in {most.name} ({_signed(format_time, most.time_difference_s)})")
    return ", ".join(said)


def _times(what: str, quantity: Quantity) -> str:
    return f"{what} of A" if quantity.ratio in (None, 1.0) else f"{quantity.ratio:.3g} x {what} of A"


def _print_changes(title: str, changes: tuple[Change, ...]) -> None:
    if not changes:
        return
    click.echo()
    print_table([title, "A", "B"], [[one.path, _value(one.a), _value(one.b)] for one in changes[:MAX_ROWS]])
    if len(changes) > MAX_ROWS:
        click.echo(f"... and {len(changes) - MAX_ROWS} more (--json has all)")


def _value(value: object) -> str:
    text = "-" if value is None else text_of(value)
    return text if len(text) <= MAX_VALUE_CHARS else f"{text[: MAX_VALUE_CHARS - 3]}..."


def _total_rows(found: Comparison) -> Iterator[list[str]]:
    for quantity in found.totals:
        if (quantity.a, quantity.b) not in ((None, None), (0.0, 0.0)):
            yield _row(_TITLES.get(quantity.name, quantity.name), quantity, _FORMATS[quantity.name])
    yield ["bottleneck", found.a.bottleneck, found.b.bottleneck, "", ""]
    for title, quantities, form in (
        ("energy", found.energy_parts_j, format_energy),
        ("traffic", found.traffic_bytes, format_bytes),
        ("busy", found.utilisation, lambda share: f"{100 * share:.1f}%"),
    ):
        for quantity in quantities:
            yield _row(f"{title}: {quantity.name}", quantity, form)


def _row(title: str, quantity: Quantity, form: Callable[[float], str]) -> list[str]:
    return [
        title,
        "-" if quantity.a is None else form(quantity.a),
        "-" if quantity.b is None else form(quantity.b),
        "" if quantity.difference is None else _signed(form, quantity.difference),
        _ratio(quantity.ratio),
    ]


def _print_operators(found: Comparison) -> None:
    pairs = sorted(found.operators, key=lambda pair: -abs(pair.time_difference_s))
    rows = [_operator_row(pair) for pair in pairs[:MAX_ROWS]]
    if len(pairs) > MAX_ROWS:
        rest = pairs[MAX_ROWS:]
        rows.append([f"{len(rest)} more", "", "", _sum_s(rest), "", _sum_j(rest), "", ""])
    rows.append(["sum", format_time(found.a.time_s), format_time(found.b.time_s), _sum_s(pairs),
                 _ratio(ratio(found.a.time_s, found.b.time_s)), _sum_j(pairs), "", ""])  # fmt: skip
    print_table(["operator", "A", "B", "B - A", "B / A", "energy B - A", "unit", "bottleneck"], rows)


def _operator_row(pair: OperatorPair) -> list[str]:
    a, b = pair.a, pair.b
    return [
        pair.name,
        format_time(a.time_s) if a else "not in A",
        format_time(b.time_s) if b else "not in B",
        _signed(format_time, pair.time_difference_s),
        _ratio(ratio(a.time_s, b.time_s)) if a and b else "",
        _signed(format_energy, pair.energy_difference_j),
        _became(a.unit if a else "", b.unit if b else ""),
        _became(a.bottleneck if a else "", b.bottleneck if b else ""),
    ]


def _sum_s(pairs: Iterable[OperatorPair]) -> str:
    return _signed(format_time, sum(pair.time_difference_s for pair in pairs))


def _sum_j(pairs: Iterable[OperatorPair]) -> str:
    return _signed(format_energy, sum(pair.energy_difference_j for pair in pairs))


def _became(a: str, b: str) -> str:
    return a if a == b or not b else b if not a else f"{a} -> {b}"


def _signed(form: Callable[[float], str], value: float) -> str:
    return "=" if value == 0 else form(value) if value < 0 else f"+{form(value)}"


def _ratio(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
