"""The result of a run on a PIM system: energy, bottlenecks and utilisation, and the laws that hold in every run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from bitline.arch.dram.energy import banks_driven, energy_of
from bitline.base.columns import Column, index_of_largest
from bitline.base.errors import InternalError
from bitline.sim.run.bound_metrics import BoundMetrics
from bitline.sim.run.pim_machine import Counts
from bitline.sim.run.pim_totals import OperatorTotal
from bitline.sim.run.result import OperatorResult, Result

if TYPE_CHECKING:
    from bitline.sim.run.pim_run import PimRun


def cycle_result(run: PimRun, system: str, policy: str, provenance: dict[str, Any]) -> Result:
    """Everything that a finished run is asked for. Raises InternalError where a conservation law is broken."""
    counts = run.machine.counts()
    _check(run, counts.commands)
    parts = energy_parts_j(run, counts)
    energy, time_s, tokens = sum(parts.values()), run.time_ps * 1e-12, run.workload.tokens
    part, commands = run.device.part, run.device.table.commands
    accesses, opened = _row_use(run, counts.commands)
    bursts = sum(counts.commands.get(command.name, 0) for command in commands if command.data)
    of_pins = sum(counts.commands.get(c.name, 0) for c in commands if c.data and c.row == "need")
    ticks = run.n_channels * run.time_ps / float(part.tick_ps)
    asic_ps = counts.asic_cycles * float(Fraction(10**6) / Fraction(str(run.asic.clock_mhz)))
    return Result(
        system=system,
        policy=policy,
        workload=run.workload.to_dict(),
        level="cycle",
        time_s=time_s,
        bound_time_s=run.bound_ps * 1e-12,
        tokens=tokens,
        tokens_per_s=tokens / time_s,
        time_per_token_s=time_s / tokens,
        energy_j=energy,
        power_w=energy / time_s,
        energy_parts_j=parts,
        bottleneck=_limit_of_most(run, lambda total: total.waited_ps),
        traffic_bytes={
            "off_chip": float(bursts * part.organisation.access_bytes),
            "in_bank": float((accesses - of_pins) * part.organisation.access_bytes),
            "weights_and_kv": sum(total.bytes for total in run.totals),
        },
        utilisation={
            "bank compute": run.device.compute_ticks(counts.commands) / ticks,
            "pins": counts.ticks["data"] / ticks,
            "channels": counts.ticks["busy"] / ticks,
            "asic": asic_ps / run.time_ps,
        },
        row_hit_rate=1 - opened / accesses if accesses else None,
        counts=dict(sorted(counts.commands.items())),
        fast_forward=run.machine.fast_forward_report(),
        operators=tuple(_operators(run, parts)),
        provenance=provenance,
    )


def bound_metrics(run: PimRun) -> BoundMetrics:
    """What the tokens whose bounds were added up take."""
    time_s, tokens = run.bound_ps * 1e-12, run.workload.tokens
    times = _times_at_limits(run, lambda total: total.bound_ps)
    return BoundMetrics(
        time_s=time_s,
        bound_time_s=time_s,
        tokens_per_s=tokens / time_s,
        time_per_token_s=time_s / tokens,
        energy_j=0.0,
        power_w=0.0,
        bottleneck=index_of_largest(list(times.values())),
        limits=tuple(times),
    )


def bound_result(run: PimRun, system: str, policy: str, provenance: dict[str, Any]) -> Result:
    """The bounds of a run of which no cycle was executed. Energy is not known at this level."""
    metrics = bound_metrics(run)
    return Result(
        system=system,
        policy=policy,
        workload=run.workload.to_dict(),
        **metrics.of_result(),
        tokens=run.workload.tokens,
        energy_parts_j={},
        traffic_bytes={"weights_and_kv": sum(total.bytes for total in run.totals)},
        utilisation={},
        row_hit_rate=None,
        counts={},
        fast_forward={"on": False},
        operators=tuple(
            _operator(run, name, total, "bound", total.bound_ps * 1e-12, 0.0, 0.0) for name, total in run.totals.items()
        ),
        provenance=provenance,
    )


def energy_parts_j(run: PimRun, counts: Counts) -> dict[str, float]:
    """Energy by part. The terms are all there is: their sum is the run's energy."""
    tick_ns = float(run.device.part.tick_ps) / 1000
    memory = energy_of(
        run.device.part,
        counts.commands,
        counts.ticks["open_standby"] * tick_ns,
        counts.ticks["closed_standby"] * tick_ns,
    )
    parts = {name: value * 1e-12 for name, value in memory.items() if name != "total"}
    adds = sum(total.adds for total in run.totals)
    multiplies = sum(total.multiplies for total in run.totals)
    parts["asic"] = (adds * run.asic.add_pj + multiplies * run.asic.multiply_pj) * 1e-12
    parts["sram"] = sum(total.sram_bytes for total in run.totals) * run.asic.sram_pj_per_byte * 1e-12
    parts["asic_static"] = run.asic.static_mw * 1e-3 * run.time_ps * 1e-12
    return parts


def _check(run: PimRun, commands: dict[str, int]) -> None:
    """Every command that was asked for was issued, operators' times add up, and no run is faster than its bound."""
    asked: dict[str, int] = {}
    for total in run.totals:
        for name, count in total.commands.items():
            asked[name] = asked.get(name, 0) + count
    # Precharges and activations come on top, as rows and refreshes need them.
    accesses = {command.name for command in run.device.table.commands if command.bus == "column"}
    for name, count in asked.items():
        issued = commands.get(name, 0)
        if issued < count or (name in accesses and issued > count):
            raise InternalError(f"{issued} {name} commands were issued, {count} were asked for")
    if sum(total.waited_ps for total in run.totals) != run.time_ps:
        raise InternalError("the times of the operators do not add up to the run's")
    if run.time_ps < run.bound_ps * (1 - 1e-9):
        raise InternalError(f"the run took {run.time_ps} ps, less than its bound of {run.bound_ps:.0f} ps")


def _row_use(run: PimRun, commands: dict[str, int]) -> tuple[int, int]:
    """(column accesses, activations), both counted over banks."""
    accesses = opened = 0
    for command in run.device.table.commands:
        count = commands.get(command.name, 0) * banks_driven(run.device.part, command)
        if command.row == "need":
            accesses += count
        elif command.row == "open":
            opened += count
    return accesses, opened


def _operators(run: PimRun, parts: dict[str, float]) -> Iterator[OperatorResult]:
    """Operators with their own energy, activations by rows opened, and what runs all the time by time waited."""
    shared = parts["refresh"] + parts["background"] + parts["asic_static"]
    activations = sum(total.rows_opened for total in run.totals)
    for name, total in run.totals.items():
        own = energy_of(run.device.part, total.commands, 0.0, 0.0)
        energy = (own["total"] - own["activate"]) * 1e-12
        energy += (total.adds * run.asic.add_pj + total.multiplies * run.asic.multiply_pj) * 1e-12
        energy += total.sram_bytes * run.asic.sram_pj_per_byte * 1e-12
        energy += parts["activate"] * total.rows_opened / activations if activations else 0.0
        energy += shared * total.waited_ps / run.time_ps
        hidden = max(0, total.busy_ps - total.waited_ps) * 1e-12
        yield _operator(run, name, total, "cycle", total.waited_ps * 1e-12, hidden, energy)


def _operator(
    run: PimRun, name: str, total: OperatorTotal, level: str, time_s: float, hidden_s: float, energy_j: float
) -> OperatorResult:
    return OperatorResult(
        name=name,
        kind=total.kind,
        unit=total.unit,
        level=level,
        count=total.count,
        time_s=time_s,
        bound_time_s=total.bound_ps * 1e-12,
        overlapped_s=hidden_s,
        energy_j=energy_j,
        bottleneck=_limit(run, total),
        flops=total.flops,
        bytes=total.bytes,
        commands=dict(sorted(total.commands.items())),
    )


def _limit(run: PimRun, total: OperatorTotal) -> str:
    """What takes most of an operator's time in the banks: compute, pins, or opening and closing rows."""
    if not total.commands:
        return "asic compute"
    timing = run.device.part.timing
    to_column = timing.get("tRCDRDMAC", timing["tRCDRD"])
    row_ticks = (to_column + timing["tRTP"] + timing["tRP"]) * run.device.part.rules_of.ticks_per_clock
    rows = total.rows_opened / run.device.banks_opened_at_once * row_ticks
    limits = {"bank compute": float(total.compute_ticks), "pins": float(total.pin_ticks), "row activation": rows}
    return max(limits, key=lambda name: limits[name])


def _limit_of_most(run: PimRun, weight: Callable[[OperatorTotal], Column]) -> str:
    """The limit that most time is spent at."""
    times = _times_at_limits(run, weight)
    return list(times)[index_of_largest(list(times.values()))]


def _times_at_limits(run: PimRun, weight: Callable[[OperatorTotal], Column]) -> dict[str, Column]:
    """Time that is spent at each limit."""
    times: dict[str, Column] = {}
    for total in run.totals:
        limit = _limit(run, total)
        times[limit] = times.get(limit, 0.0) + weight(total)
    return times
