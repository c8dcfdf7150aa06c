"""`bitline dram`: a request trace, or a generated load, through a DRAM part."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from bitline.arch.dram.memory import DEFAULT_CONTROLLER, Memory, MemoryResult
from bitline.arch.dram.part import load_part
from bitline.arch.dram.trace import read_requests
from bitline.base.files import whole_file
from bitline.base.units import format_energy, format_time
from bitline.sim.cli.options import json_option, print_json, settings_option
from bitline.sim.run.command_log import CommandLog


@click.command("dram", short_help="Run a request trace through a DRAM part.")
@click.argument("trace", required=False, type=click.Path(path_type=Path))
@click.option("--spec", required=True, metavar="NAME", help="DRAM part: a name of `bitline list specs`, or a file.")
@click.option("--controller", default=DEFAULT_CONTROLLER, show_default=True, metavar="NAME", help="Memory controller.")
@click.option("--mapping", metavar="STRING", help="Address mapping (default: the controller's).")
@click.option("--channels", type=click.IntRange(1, 4096), help="Channels (default: the part's).")
@click.option("--pattern", type=click.Choice(["stream", "random", "mix", "copy"]), help="Make a load, read no trace.")
@click.option("--requests", type=click.IntRange(1, 10**12), default=200_000, show_default=True, help="Its length.")
@click.option("--commands", "commands_file", type=click.Path(path_type=Path), help="Write every DRAM command as CSV.")
@settings_option
@json_option
def command(
    trace: Path | None,
    spec: str,
    controller: str,
    mapping: str | None,
    channels: int | None,
    pattern: str | None,
    requests: int,
    commands_file: Path | None,
    settings: dict[str, Any],
    as_json: bool,
) -> None:
    """Run TRACE, or a generated --pattern, through a DRAM part, and print what it took.

    TRACE holds lines such as `LD 0x1f40` / `ST 0x1f80`, or `0x1f40 READ 120`; plain, gzip or zstd.
    """
    if (trace is None) == (pattern is None):
        raise click.UsageError("give either a TRACE file or --pattern")
    memory = Memory(load_part(spec, settings), controller, channels=channels, mapping=mapping)
    with ExitStack() as stack:
        log = None
        if commands_file is not None:
            log = CommandLog(memory, stack.enter_context(whole_file(commands_file)))
        take = log.take if log else None
        if pattern is not None:
            result = memory.run_pattern(pattern, requests, take_log=take)
        else:
            assert trace is not None
            result = memory.run_blocks(read_requests(trace, memory.size_bytes), take_log=take)
    if as_json:
        print_json(result.to_dict())
    else:
        _print(memory, result)


def _print(memory: Memory, result: MemoryResult) -> None:
    total = result.energy_pj["total"]
    shares = {name: value / total for name, value in result.energy_pj.items() if name != "total" and value}
    parts = [f"{name} {100 * share:.1f}%" for name, share in shares.items()]
    clock_ps = float(memory.part.clock_ps)
    served = result.row_hits + result.row_misses + result.row_conflicts
    rows = (
        ("requests", f"{result.requests:,} ({result.reads:,} reads, {result.writes:,} writes)"),
        ("time", f"{format_time(result.time_ns * 1e-9)} = {result.cycles:,.0f} clocks of {clock_ps:g} ps"),
        ("read latency", f"mean {result.read_latency_mean_ck:.1f}, p99 {result.read_latency_p99_ck:.0f} clocks"),
        (
            "bandwidth",
            f"{result.bandwidth_gb_s:.2f} GB/s of {memory.part.peak_bandwidth_gb_s * memory.channels:.2f} "
            f"({100 * result.bus_utilisation:.1f}% of the data bus)",
        ),
        (
            "rows",
            f"{result.row_hits:,} hits ({100 * result.row_hits / max(served, 1):.1f}%), "
            f"{result.row_misses:,} misses, {result.row_conflicts:,} conflicts",
        ),
        (
            "commands",
            f"{result.activates:,} activates, {result.precharges:,} precharges, {result.refreshes:,} refreshes",
        ),
        ("energy", f"{format_energy(total * 1e-12)}: {', '.join(parts)}"),
    )
    for name, text in rows:
        click.echo(f"{name:<13} {text}")
