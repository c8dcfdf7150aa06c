"""Experiments on an NPU's parts: arrays, tiles, vector units, and a product on a whole NPU with its memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bitline.arch.npu import closed_form
from bitline.arch.npu.bound import vector_unit
from bitline.arch.npu.jobs import GemmJob
from bitline.arch.npu.mapping import load_mapping
from bitline.arch.npu.operators import jobs_of
from bitline.arch.npu.spec import NpuSpec, load_npu
from bitline.arch.npu.tiling import choose_tiling
from bitline.csrc.systolic.array import SystolicArray
from bitline.sim.run.batch_run import BatchRun
from bitline.sim.run.run import execute, plan
from bitline.sim.validate.rows import Reference
from bitline.traces.one_operator import operator_trace

Words = Mapping[str, str]

# Shapes of the closed forms: less than an array, edges on one and on all sides, whole folds, vectors, long operands.
SHAPES = ((1, 1, 1), (100, 50, 70), (32, 64, 32), (16, 16, 8), (17, 33, 9), (1, 128, 300), (300, 7, 1), (64, 1024, 96))
ARRAYS = ((16, 8), (8, 32), (32, 32))
DATAFLOWS = ("output", "weight", "input")
# Blocks in a pipe are square in ONNXim and NeuPIMs; activations, summands, results of one tile.
TILES = ((128, 128, 128), (256, 256, 256), (64, 256, 512), (200, 300, 500))


def array(words: Words) -> dict[str, float]:
    """A product as one tile on arrays without a memory: rows, columns, m, k, n.

    Further words: dataflow, rule, arrays, weight_double_buffer, tiles (so many of them, one after the other).
    """
    rows, columns, arrays = int(words["rows"]), int(words["columns"]), int(words.get("arrays", "1"))
    m, k, n = _product(words)
    tiles = int(words.get("tiles", "1"))
    core = SystolicArray(
        rows,
        columns,
        arrays=arrays,
        rule=words.get("rule", "scale-sim"),
        dataflow=words.get("dataflow", "weight"),
        weight_double_buffer=words.get("weight_double_buffer") == "yes",
    )
    cycles = int(core.run([(m, k, n)] * tiles)["done"][-1])
    # SCALE-Sim counts to its last cycle's number.
    share = tiles * m * k * n / ((cycles - 1) * core.peak_macs)
    return {"cycles": cycles, "last_cycle": cycles - 1, "utilisation_pct": 100 * share}


def product_tiles(words: Words) -> dict[str, float]:
    """How a mapping cuts a product for an NPU, and what its arrays take for the tiles: core, mapping, m, k, n.

    `array_cycles`: from the first tile's start to where one more would start, as if operands were always there.
    """
    spec = load_npu(words["core"])
    m, k, n = _product(words)
    (found,) = jobs_of(operator_trace(f"matmul m={m} k={k} n={n}").operators(), fuse=False)
    (job,) = found.jobs
    assert isinstance(job, GemmJob)
    tiling = choose_tiling(job, spec, load_mapping(words["mapping"]), bandwidth_gb_s=1024)
    tile = tiling.tile_m, tiling.tile_k, tiling.tile_n
    counts = [-(-size // part) for size, part in zip((m, k, n), tile)]
    tiles = counts[0] * counts[1] * counts[2]
    side = spec.array.rows
    return {
        "tile_m": tile[0],
        "tile_k": tile[1],
        "tile_n": tile[2],
        "blocks_m": tile[0] / side,
        "blocks_k": tile[1] / side,
        "blocks_n": tile[2] / side,
        "tiles": tiles,
        "array_cycles": _steady_cycles(spec, tile, tiles),
    }


def _steady_cycles(spec: NpuSpec, tile: tuple[int, int, int], tiles: int) -> int:
    core = SystolicArray(
        spec.array.rows,
        spec.array.columns,
        arrays=spec.array.count,
        rule=spec.array.rule,
        dataflow=spec.array.dataflow,
        weight_double_buffer=spec.array.weight_double_buffer,
    )
    starts = core.run([tile] * (tiles + 1))["start"]
    return int(starts[-1] - starts[0])


def vector_row(words: Words) -> dict[str, float]:
    """One row on one vector unit of an NPU: core, function, elements."""
    unit = vector_unit(load_npu(words["core"]).vector)
    return {"cycles": unit.row_cycles(words["function"], int(words["elements"]))}


def npu_product(words: Words) -> dict[str, float]:
    """A product on a whole NPU with its memory: system, m, k, n; rows, columns, dataflow of its array.

    Cycles are of the NPU, without the refresh at the end.
    """
    m, k, n = _product(words)
    settings: dict[str, Any] = {f"npu.override.array.{name}": int(words[name]) for name in ("rows", "columns")}
    settings["npu.override.array.dataflow"] = words["dataflow"]
    planned = plan(words["system"], operator=f"matmul m={m} k={k} n={n}", settings=settings)
    _result, run = execute(planned)
    assert isinstance(run, BatchRun)
    (stage,) = run.iterations[0].devices[0][0].stages
    found = stage.result
    cycles = (found.time_ps - found.barrier_ps) / run.npu.period_ps
    waits = found.core["load_stall"] + found.core["store_stall"]
    return {
        "cycles": cycles,
        "array_cycles": found.core["array_busy"],
        "waits": waits,
        "cycles_without_waits": cycles - waits,
    }


def _product(words: Words) -> tuple[int, int, int]:
    return int(words["m"]), int(words["k"]), int(words["n"])


def closed_form_references() -> Iterator[Reference]:
    """Every dataflow, with and without a second register for the held operand, and pipes of blocks."""
    for rows, columns in ARRAYS:
        for m, k, n in SHAPES:
            for dataflow in DATAFLOWS:
                shape = f"rows={rows} columns={columns} dataflow={dataflow} m={m} k={k} n={n}"
                name = f"{rows} x {columns} {dataflow} stationary, {m} x {k} x {n}"
                cycles = closed_form.scale_sim_cycles(rows, columns, dataflow, m, k, n)
                yield _exact(name, cycles, f"array {shape}")
                if dataflow == "output":
                    continue
                for arrays in (1, 8):
                    cycles = closed_form.overlapped_cycles(rows, columns, dataflow, m, k, n, arrays)
                    words = f"array {shape} rule=independent arrays={arrays} weight_double_buffer=yes"
                    yield _exact(f"{name}, two registers, {arrays} arrays", cycles, words)
    for m, k, n in TILES:
        shape = f"rows=128 columns=128 m={m} k={k} n={n}"
        cycles = closed_form.onnxim_cycles(128, 128, m, k, n)
        yield _exact(f"ONNXim's pipe, {m} x {k} x {n}", cycles, f"array {shape} rule=onnxim weight_double_buffer=yes")
        for tiles in (1, 10):
            cycles = closed_form.neupims_cycles(128, 128, 8, m, k, n, tiles)
            words = f"array {shape} rule=neupims arrays=8 weight_double_buffer=yes tiles={tiles}"
            yield _exact(f"NeuPIMs' pipe, {tiles} x {m} x {k} x {n}", cycles, words)


def _exact(name: str, cycles: int, inputs: str) -> Reference:
    return Reference(name, "cycles", "closed form", cycles, 0, inputs)
