"""Experiments on whole systems: a run, and a run beside the bound of a processor."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from bitline.arch.dram.part import load_part
from bitline.arch.pim.device import pim_device
from bitline.csrc.engine.simulator import Simulator
from bitline.csrc.pim.channel import PimChannel
from bitline.csrc.tasks.dispatcher import TASK, Dispatcher
from bitline.sim.run.result import Result
from bitline.sim.run.run import run

PRODUCTS = ("matmul", "attention")
ROWS = 64


@lru_cache(maxsize=64)
def _run(system: str, model: str, context: int, level: str) -> Result:
    return run(system, model=model, context=context, level=level)


def decode(words: Mapping[str, str]) -> dict[str, float]:
    """One decode token: system, model, context; `beside`: a processor whose bound the run is held against."""
    model, context = words["model"], int(words["context"])
    result = _run(words["system"], model, context, "cycle")
    found = system_metrics(result)
    if "beside" in words:
        bound = _run(words["beside"], model, context, "bound")
        found["speed_over_bound"] = bound.time_s / result.time_s
        found["energy_over_bound"] = bound.energy_j / result.energy_j
    return found


def system_metrics(result: Result) -> dict[str, float]:
    """What a run on a PIM system is asked for."""
    others = sum(one.time_s for one in result.operators if one.kind not in PRODUCTS)
    return {
        "time_us": result.time_s * 1e6,
        "bound_us": result.bound_time_s * 1e6,
        "energy_mj": result.energy_j * 1e3,
        "tokens_per_s": result.tokens_per_s,
        "row_hit_rate": result.row_hit_rate or 0.0,
        "share_of_other_work": others / result.time_s,
        "traffic_saved": result.traffic_bytes["weights_and_kv"] / result.traffic_bytes["off_chip"],
    }


def pim_rows(words: Mapping[str, str]) -> dict[str, float]:
    """Products over whole rows of one channel: part. Clocks from row to row, without refresh."""
    device = pim_device(load_part(words["part"]), words["part"])
    ends = []
    for groups in (ROWS, 2 * ROWS):
        channel = PimChannel("channel", device.table, device.accesses, refresh=False)
        dispatcher = Dispatcher("dispatcher", 1000, 1)
        simulator = Simulator()
        simulator.add(dispatcher, rank=0, device=0)
        simulator.add(channel, rank=1, device=0)
        simulator.connect(dispatcher, channel)
        simulator.connect(channel, dispatcher)
        step = device.matrix(device.part.organisation.row_bytes // 2, groups).steps[0]
        tasks = np.zeros(1, TASK)
        tasks["program"] = channel.add_program(step.program)
        dispatcher.load(tasks, [], [])
        simulator.run()
        ends.append(simulator.now)
    return {"row_ck": (ends[1] - ends[0]) / ROWS / float(device.part.clock_ps)}
