"""Experiments on NPUs and on banks that compute beside them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from bitline.arch.dram.controller import load_controller, resolve_policy
from bitline.arch.dram.interleave import interleave_of
from bitline.arch.dram.mapping import parse_mapping
from bitline.arch.dram.part import load_part
from bitline.arch.dram.table import build_table
from bitline.arch.npu.bound import vector_unit
from bitline.arch.npu.closed_form import overlapped_cycles, scale_sim_cycles
from bitline.arch.npu.jobs import GemmJob, Operand
from bitline.arch.npu.mapping import load_mapping
from bitline.arch.npu.spec import load_npu
from bitline.arch.npu.tiling import choose_tiling
from bitline.arch.pim.newton import KvShape, NewtonAttention
from bitline.csrc.dram.memory_channel import MemoryChannel
from bitline.csrc.engine.simulator import Simulator
from bitline.csrc.systolic.array import SystolicArray
from bitline.csrc.tasks.dispatcher import TASK, Dispatcher
from bitline.sim.run.result import Result
from bitline.sim.run.run import run
from bitline.sim.schedule.mha_estimate import MhaEstimate, RequestLoad

Words = Mapping[str, str]

BASELINES = {"gpu-only": "bound"}
AUTHORS = {"npu.core": "neupims-npu", "policy.tiling": "neupims-stream"}
LIKE_AUTHORS = {"policy.kv_layers": "one", "policy.exchanges": "ignored"}
"""As their simulator does: room for the keys and values of one layer, no exchanges between devices."""


def _shape(words: Words) -> tuple[int, int, int]:
    return int(words["m"]), int(words["k"]), int(words["n"])


def array(words: Words) -> dict[str, float]:
    """A product on one array without memory: rule, dataflow, double (0 or 1), rows, columns, m, k, n."""
    rows, columns, shape = int(words["rows"]), int(words["columns"]), _shape(words)
    double = words.get("double", "0") == "1"
    rule = words.get("rule", "scale-sim")
    core = SystolicArray(rows, columns, rule=rule, dataflow=words["dataflow"], weight_double_buffer=double)
    cycles = int(core.run([shape])["done"][-1])
    closed = overlapped_cycles if double else scale_sim_cycles
    m, k, n = shape
    return {
        "cycles": cycles,
        "closed_form_cycles": closed(rows, columns, words["dataflow"], m, k, n),
        # SCALE-Sim prints the number of the last cycle, and the share of the peak until then.
        "printed_cycles": cycles - 1,
        "utilisation_pct": 100 * m * k * n / ((cycles - 1) * rows * columns),
    }


def memory_stalls(words: Words) -> dict[str, float]:
    """The same product on a whole system: what memory adds to the cycles of the array."""
    m, k, n = _shape(words)
    settings = {
        "npu.override": {
            "array": {"rows": int(words["rows"]), "columns": int(words["columns"]), "dataflow": words["dataflow"]}
        },
        "policy.tiling": "scale-sim",
    }
    operator = f"matmul m={m} n={n} k={k}"
    result = run(words.get("system", "scale-sim"), operator=operator, dtype="int8", settings=settings)
    product = next(one for one in result.operators if one.kind == "matmul")
    return {"cycles": product.time_s * 1e9}


def tiles(words: Words) -> dict[str, float]:
    """Tiles of a product under a mapping, and the cycles of the arrays on all of them: npu, mapping, m, k, n."""
    m, k, n = _shape(words)
    npu = load_npu(words["npu"])
    job = GemmJob("product", m, k, n, Operand("a", 16), Operand("b", 16, kept=True), Operand("c", 16))
    tiling = choose_tiling(job, npu, load_mapping(words["mapping"]), 1024.0)
    counts = [-(-size // tile) for size, tile in zip((m, k, n), (tiling.tile_m, tiling.tile_k, tiling.tile_n))]
    array = npu.array
    core = SystolicArray(array.rows, array.columns, arrays=array.count, rule=array.rule, dataflow=array.dataflow)
    total = int(np.prod(counts))
    done = core.run([(tiling.tile_m, tiling.tile_k, tiling.tile_n)] * total)["done"]
    # From the first tile's end to the last one's: without the first preload and the tail.
    between = (int(done[-1]) - int(done[0])) / max(1, total - 1) * total
    return {
        "tiles": total,
        "tile_m": tiling.tile_m,
        "tile_k": tiling.tile_k,
        "tile_n": tiling.tile_n,
        "steady_cycles": between,
        "blocks_k": tiling.tile_k / array.rows,
        "blocks_n": tiling.tile_n / array.columns,
    }


def vector(words: Words) -> dict[str, float]:
    """A row on one vector unit: npu, function, elements."""
    unit = vector_unit(load_npu(words["npu"]).vector)
    return {"cycles": unit.row_cycles(words["function"], int(words["elements"]))}


def mha_estimate(words: Words) -> dict[str, float]:
    """Algorithm 1 of NeuPIMs: heads, head_dim, context, row_elements, banks."""
    load = RequestLoad(
        MhaEstimate(), int(words["row_elements"]), int(words["banks"]), int(words["heads"]), int(words["head_dim"])
    )
    return {"cycles": load(int(words["context"]))}


def pim_tiles(words: Words) -> dict[str, float]:
    """Tiles of four heads of 128 on one channel, without refresh: part, controller. Clocks from tile to tile."""
    part = load_part(words["part"])
    table = build_table(part)
    policy = resolve_policy(load_controller(words["controller"], {"refresh": "none"}), table)
    where = interleave_of(parse_mapping("rorabgbacoch", part.organisation, 1), part.organisation, 1)
    device = NewtonAttention(part)
    ends = []
    for tokens in (20 * device.banks, 40 * device.banks):
        channel = MemoryChannel(
            "channel", table, policy, decode=where.mapping.decode_tables(), n_lines=where.n_lines,
            granule=where.granule_lines, channels=1, channel=0, ports=0, pim=True,
        )  # fmt: skip
        dispatcher, simulator = Dispatcher("dispatcher", 1000, 1), Simulator()
        simulator.add(dispatcher, rank=0, device=0)
        simulator.add(channel, rank=1, device=0)
        simulator.connect(dispatcher, channel, capacity=16)
        simulator.connect(channel, dispatcher, capacity=64)
        tasks = np.zeros(1, TASK)
        tasks["program"] = channel.add_program(device.score(KvShape(1, 4, 128, 128), tokens)[0][0].program)
        dispatcher.load(tasks, [], [])
        simulator.run()
        ends.append(simulator.now)
    return {"tile_ck": (ends[1] - ends[0]) / 20 / float(part.clock_ps)}


@lru_cache(maxsize=256)
def _tokens_per_s(system: str, model: str, batch: int, lengths: str, tiling: str, policy: str) -> float:
    level = BASELINES.get(system, "cycle")
    settings = {}
    if level == "cycle":
        settings = {**LIKE_AUTHORS, **(AUTHORS if tiling == "authors" else {})}
    result: Result = run(
        system, model=model, batch=batch, lengths=lengths, seed=3, level=level, settings=settings,
        policy=policy or None,
    )  # fmt: skip
    return result.tokens_per_s


def speed_over(words: Words) -> dict[str, float]:
    """Mean of tokens/s of `system` over those of `over`: models, batches, lengths, tiling (authors or own)."""
    ratios = [
        _tokens_per_s(words["system"], model, int(batch), lengths, words["tiling"], words.get("policy", ""))
        / _tokens_per_s(words["over"], model, int(batch), lengths, words["tiling"], words.get("over_policy", ""))
        for model in words["models"].split(",")
        for batch in words["batches"].split(",")
        for lengths in words["lengths"].split(",")
    ]
    return {"mean_ratio": float(np.mean(ratios)), "least_ratio": min(ratios), "most_ratio": max(ratios)}


EXPERIMENTS = {
    "array": array,
    "memory_stalls": memory_stalls,
    "tiles": tiles,
    "vector": vector,
    "mha_estimate": mha_estimate,
    "pim_tiles": pim_tiles,
    "speed_over": speed_over,
}
