"""Experiments on a channel of banks that compute: the commands of a few tiles beside ordinary reads, and their pace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bitline.arch.dram.controller import load_controller, resolve_policy
from bitline.arch.dram.part import load_part
from bitline.arch.dram.table import build_table
from bitline.csrc.pim.newton_memory import PimMemoryCore
from bitline.sim.schedule.mha_estimate import MhaEstimate, request_load
from bitline.sim.schedule.split import shard_model
from bitline.traces import load_model
from bitline.traces.dtypes import BITS

Words = Mapping[str, str]
Offer = tuple[str, dict[str, int]]
Read = tuple[int, int]

COUNTED = ("GWRITE", "P_HEADER", "G_ACT", "COMPS_READRES", "PIM_PRECHARGE", "RD")
MASK = (1 << 64) - 1
LONGEST_CK = 10_000_000
TILES, GWRITES = 32, 8


def newton_log(words: Words) -> dict[str, float]:
    """A GWRITE, then tiles of some heads, beside random reads: cycles of the commands.

    Words: part, controller, tiles, heads, comps (columns a head), reads. Metrics: `gwrite`, `p_header`, `g_act`,
    `comps_readres`, `pim_precharge`, `rd`, each with `_1`, `_2`, ... for the cycle of the first, the second, ...
    """
    tiles, heads, comps = int(words["tiles"]), int(words["heads"]), int(words["comps"])
    channel = _Channel(words, {})
    offers: list[Offer] = [("gwrite", {"bank": 0, "row": 0})]
    for row in range(100, 100 + tiles):
        offers += _tile(row, heads, comps)
    at = channel.run(offers, _random_reads(int(words.get("reads", "0"))))
    found = {f"{name.lower()}_{i}": float(tick) for name in COUNTED for i, tick in enumerate(at.get(name, []), 1)}
    found["reads_done"] = len(at.get("RD", []))
    headers, composites = at["P_HEADER"], at["COMPS_READRES"]
    if tiles > 1:
        found["tile_ck"] = headers[1] - headers[0]
    found["composite_ck"] = composites[1] - composites[0]
    # Bank groups of both ranks open by turns; the slower rank's first group is the second to open.
    found["g_act_to_comps_ck"] = composites[0] - at["G_ACT"][1]
    return found


def newton_pace(words: Words) -> dict[str, float]:
    """The pace of a long run without refresh and without ordinary accesses, in cycles.

    From tile to tile, from result to result of the last tile, from GWRITE to GWRITE.
    Words: part, controller, heads, comps.
    """
    heads, comps = int(words["heads"]), int(words["comps"])
    channel = _Channel(words, {"refresh": "none"})
    at = channel.run([offer for row in range(TILES) for offer in _tile(row, heads, comps)], [])
    headers, results = at["P_HEADER"], at.get("COMPS_READRES") or at["READRES"]
    last = results[-heads:]
    channel = _Channel(words, {"refresh": "none"})
    gwrites = channel.run([("gwrite", {"bank": 0, "row": 0})] * GWRITES, [])["GWRITE"]
    return {
        "tile_ck": (headers[-1] - headers[0]) / (TILES - 1),
        "result_ck": (last[-1] - last[0]) / (heads - 1),
        "gwrite_ck": (gwrites[-1] - gwrites[0]) / (GWRITES - 1),
    }


def mha_estimate(words: Words) -> dict[str, float]:
    """What packing believes of a request: model, tensor, context, part."""
    part = load_part(words["part"])
    share = shard_model(load_model(words["model"]), int(words["tensor"]))
    elements = part.organisation.row_bytes * 8 // BITS["fp16"]
    load = request_load(MhaEstimate(), share, elements, part.organisation.n_banks)
    context = int(words["context"])
    counts = load.counts(context)
    return {"cycles": load(context), **{name: float(value) for name, value in counts._asdict().items()}}


def _tile(row: int, heads: int, comps: int) -> list[Offer]:
    header = {"row": row, "comps": heads * comps, "results": heads}
    return [("header", header), *[("comps", {"row": row, "comps": comps})] * heads]


def _random_reads(count: int) -> list[Read]:
    """(bank, row) from the generator of the reference logs, rows from 5000 on."""
    reads, state = [], 1
    for _ in range(count):
        state = (6364136223846793005 * state + 1442695040888963407) & MASK
        address = state >> 20
        bank = (address & 1) << 4 | (address >> 1 & 3) << 2 | address >> 3 & 3
        reads.append((bank, 5000 + (address >> 5 & 1023)))
    return reads


class _Channel:
    """One channel, offered PIM requests and reads as it has room for them."""

    def __init__(self, words: Words, settings: dict[str, Any]) -> None:
        table = build_table(load_part(words["part"]))
        self.names = [command.name for command in table.commands]
        self.core = PimMemoryCore(table, resolve_policy(load_controller(words["controller"], settings), table))
        self.core.log_commands()

    def run(self, offers: list[Offer], reads: list[Read]) -> dict[str, list[int]]:
        """Cycles of the commands by name."""
        pim, memory = list(reversed(offers)), list(reversed(reads))
        core = self.core
        while (pim or memory or any(core.waiting())) and core.clk < LONGEST_CK:
            while pim and core.pim(pim[-1][0], core.clk, **pim[-1][1]):
                pim.pop()
            while memory and core.send(*memory[-1], 0, False, core.clk, len(memory)):
                memory.pop()
            if not (pim or memory):
                core.flush()
            core.advance(core.clk + 1)
        core.finish(LONGEST_CK)
        found: dict[str, list[int]] = {}
        for tick, number, *_place in core.take_log().tolist():
            found.setdefault(self.names[number], []).append(tick)
        return found
