"""What can be run for a reference, by name: functions from `key=value` words to numbers by metric."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

import numpy as np

from bitline.arch.dram.bound import peak_spacing_ticks, unloaded_read_latency_ticks
from bitline.arch.dram.controller import load_controller
from bitline.arch.dram.memory import Memory
from bitline.base.errors import TraceError, did_you_mean
from bitline.sim.validate.batches import speed_ratio
from bitline.sim.validate.newton import mha_estimate, newton_log, newton_pace
from bitline.sim.validate.npu import array, npu_product, product_tiles, vector_row
from bitline.sim.validate.systems import decode, pim_rows

Words = Mapping[str, str]


def dram(words: Words) -> dict[str, float]:
    """A generated load through a DRAM part: part, controller, pattern, requests; mapping, channels, refresh."""
    settings = {"refresh": words["refresh"]} if "refresh" in words else None
    memory = Memory(
        words["part"],
        load_controller(words.get("controller", "frfcfs"), settings),
        channels=int(words["channels"]) if "channels" in words else None,
        mapping=words.get("mapping"),
    )
    result = memory.run_pattern(words["pattern"], int(words["requests"]))
    part = memory.part
    return {
        "ticks": result.ticks,
        "cycles": result.cycles,
        "last_accepted_tick": result.last_accepted_tick,
        "read_latency_mean_ck": result.read_latency_mean_ck,
        "read_latency_mean_ticks": result.read_latency_mean_ck * part.rules_of.ticks_per_clock,
        "row_hits": result.row_hits,
        "row_misses": result.row_misses,
        "row_conflicts": result.row_conflicts,
        "reused_rows": result.reused_rows,
        "read_commands": result.commands["RD"] + result.commands["RDA"],
        "write_commands": result.commands["WR"] + result.commands["WRA"],
        "activates": result.activates,
        "precharges": result.precharges,
        "refreshes": result.refreshes,
        "bandwidth_gb_s": result.bandwidth_gb_s,
        "energy_pj": result.energy_pj["total"],
        # DRAMsim3 prints V x mA x clocks and calls it pJ: the clock period in ns is missing.
        "energy_pj_per_ns_of_clock": result.energy_pj["total"] / (float(part.clock_ps) / 1000),
    }


def unloaded_read(words: Words) -> dict[str, float]:
    """One read of a closed bank of an idle part, arriving just before a whole clock."""
    done: list[int] = []
    memory = Memory(words["part"], callback=lambda _tag, tick: done.append(tick))
    memory.send(0, tick=2)
    memory.drain()
    return {"latency_ticks": done[0] - 2, "closed_form_ticks": unloaded_read_latency_ticks(memory.part)}


def peak_reads(words: Words) -> dict[str, float]:
    """Reads round one open row of every bank of a rank, without refresh: ticks from burst to burst on a data bus."""
    controller = load_controller("frfcfs", {"refresh": "none"})
    ticks = []
    for requests in (20_000, 60_000):
        memory = Memory(words["part"], controller, channels=1)
        organisation = memory.part.organisation
        banks = organisation.pseudo_channels * organisation.bank_groups * organisation.banks
        addresses = np.arange(requests, dtype=np.int64) * memory.line_bytes % (banks * organisation.row_bytes)
        block = (addresses, np.zeros(requests, np.int8), np.zeros(requests, np.int64))
        ticks.append(memory.run_blocks([block]).ticks)
    spacing = (ticks[1] - ticks[0]) * organisation.pseudo_channels / 40_000
    return {"spacing_ticks": spacing, "closed_form_ticks": peak_spacing_ticks(memory.part)}


EXPERIMENTS: dict[str, Callable[[Words], dict[str, float]]] = {
    "dram": dram,
    "unloaded_read": unloaded_read,
    "peak_reads": peak_reads,
    "decode": decode,
    "pim_rows": pim_rows,
    "array": array,
    "product_tiles": product_tiles,
    "vector_row": vector_row,
    "npu_product": npu_product,
    "newton_log": newton_log,
    "newton_pace": newton_pace,
    "mha_estimate": mha_estimate,
    "speed_ratio": speed_ratio,
}


@cache
def run_experiment(inputs: str) -> dict[str, float]:
    """Run what `inputs` says, once for all metrics that are asked of it. Raises TraceError."""
    name, *rest = inputs.split() or [""]
    if name not in EXPERIMENTS:
        raise TraceError(f"unknown experiment '{name}'", field="inputs", expected=did_you_mean(name, EXPERIMENTS))
    words = {}
    for word in rest:
        key, sign, value = word.partition("=")
        if not sign:
            raise TraceError(f"'{word}' is not key=value", field="inputs")
        words[key] = value
    try:
        return EXPERIMENTS[name](words)
    except KeyError as error:
        raise TraceError(f"'{name}' needs {error}", field="inputs") from None
    except ValueError as error:
        raise TraceError(str(error), field="inputs") from None
