"""Item 7: random programs give the same with and without fast-forward, cold and from a table that is already full."""

import random
from collections.abc import Iterator
from functools import cache

import numpy as np

from benchmarks.reliability.finding import Finding, Scale
from bitline.arch.dram.part import load_part
from bitline.arch.pim.device import PimDevice, pim_device, rows_of_body
from bitline.csrc.engine import (
    READ,
    REQUEST_BODY,
    WRITE,
    IdealMemory,
    Loop,
    Program,
    PythonComponent,
    Region,
    Requester,
    Simulator,
    TransitionTable,
)
from bitline.csrc.engine.probes import RowMemory
from bitline.csrc.pim.channel import PimChannel

CLOCKS_MHZ = ((1000, 1000), (1000, 500), (1200, 900), (933, 1600), (1333, 1000), (700, 2100), (1001, 1000))
INTERVALS = (47, 61, 211, 997)
FIXED_FROM = 6000
START = 1

#: Odd and prime refresh intervals, and clocks of fractions of a ps.
PIM_PARTS = (
    ("gddr6-aim", {}),
    ("gddr6-aim", {"timing_ck.tREFI": 997}),
    ("gddr6-aim", {"timing_ck.tREFI": 389}),
    ("gddr6-aim", {"timing_ck.tREFI": 1733, "tck_ps": 501.3}),
    ("gddr6-aim", {"timing_ck.tREFI": 751, "tck_ps": 333.25, "timing_ck.tCCDL": 3}),
    ("hbm-pim", {}),
    ("hbm-pim", {"timing_ck.tREFI": 997}),
    ("hbm-pim", {"timing_ck.tREFI": 451, "tck_ps": 987.5}),
)


def nest(rng: random.Random, rows: int, strides: tuple[int, ...], budget: int, depth: int = 0) -> list[int | Loop]:
    """Rows of a body, loops of them, loops in loops; about `budget` rows are executed."""
    items: list[int | Loop] = []
    for _ in range(rng.randint(1, 3)):
        if depth < 3 and budget > 1 and rng.random() < 0.6:
            trips = rng.randint(0, budget)
            inner = nest(rng, rows, strides, budget // max(1, trips), depth + 1)
            items.append(Loop(trips, inner, stride=rng.choice(strides), marked=rng.random() < 0.8))
        else:
            items.append(rng.randrange(rows))
    return items


# --- a requester and a memory ---


def engine_case(rng: random.Random) -> tuple[Program, dict[str, object]]:
    body = np.zeros(rng.randint(1, 4), REQUEST_BODY)
    for row in body:
        row["offset"], row["kind"] = rng.randrange(80), rng.choice((READ, WRITE))
        row["bytes"], row["pause"] = rng.choice((32, 64, 96)), rng.choice((0, 0, 0, 1, 5, 30))
    program = Program(body, nest(rng, len(body), (0, 0, 1, 3, 16, 64, 100), 400), base=rng.randrange(1000))
    if rng.random() < 0.5:
        memory = {"latency": rng.randrange(50), "bytes_per_cycle": rng.choice((8, 24, 64)), "queue": rng.randint(1, 9)}
    else:
        memory = {
            "columns": rng.choice((1, 7, 16)),
            "banks": rng.choice((1, 4)),
            "interval": rng.choice(INTERVALS),
            "hashed": rng.random() < 0.25,
        }
    ports = [{"latency": rng.randint(1, 4), "capacity": rng.randint(1, 6), "width": rng.randint(1, 2)} for _ in "ab"]
    return program, {
        "memory": memory,
        "mhz": rng.choice(CLOCKS_MHZ),
        "ports": ports,
        "outstanding": rng.randint(1, 9),
    }


def engine_run(case: tuple[Program, dict], *, fast: bool, table: object = None) -> tuple[list[object], Region | None]:
    program, words = case
    kind = IdealMemory if "latency" in words["memory"] else RowMemory
    simulator = Simulator()
    requester = Requester("requester", words["mhz"][0], program, max_outstanding=words["outstanding"], logging=True)
    memory = kind("memory", words["mhz"][1], **words["memory"])
    simulator.add(requester, device=0)
    simulator.add(memory, device=1)
    simulator.connect(requester, memory, **words["ports"][0])
    simulator.connect(memory, requester, **words["ports"][1])
    region = simulator.fast_forward([requester, memory], table) if fast else None
    seen = [simulator.run(), requester.counts(), memory.counts(), simulator.messages()]
    return [*seen, requester.log_rows().tobytes()], region


def engine(scale: Scale, seed: int) -> Finding:
    differing, replayed = [], 0
    for i in range(scale.programs):
        case = engine_case(random.Random(f"engine {seed} {i}"))
        off, _ = engine_run(case, fast=False)
        cold, region = engine_run(case, fast=True)
        warm, _ = engine_run(case, fast=True, table=region.table)
        replayed += region.statistics()["replayed"] > 0
        if not off == cold == warm:
            differing.append(str(i))
    return _same("requester and memory", scale.programs, differing, replayed)


# --- a PIM channel ---


class Host(PythonComponent):
    """Sends (ps, program, base) as START messages; notes every answer."""

    def __init__(self, asked: list[tuple[int, int, int]]) -> None:
        super().__init__("host", 1_000_000)  # edges 1 ps apart
        self.todo = [(ps, (START, task, program, base)) for task, (ps, program, base) in enumerate(asked)]
        self.answers: list[tuple[int, ...]] = []

    def advance(self) -> None:
        while (message := self.receive()) is not None:
            self.answers.append((self.cycle, *message[1:]))
        while self.todo:
            ps, message = self.todo[0]
            if ps > self.cycle:
                self.wake_at(ps)
                return
            if not self.has_room():
                return
            self.send(0, *message)
            self.todo.pop(0)

    def waits(self) -> tuple[str, int]:
        return ("room", 0) if self.todo else super().waits()


@cache
def device_of(number: int) -> PimDevice:
    name, changes = PIM_PARTS[number]
    return pim_device(load_part(name, changes), name)


def pim_run(device: PimDevice, programs: list, asked: list, *, fast: bool) -> tuple[list[object], dict]:
    table = TransitionTable(1, 1, logging=True) if fast else None
    channel = PimChannel(
        "channel", device.table, device.accesses, fixed_rows=FIXED_FROM, transitions=table, logging=True
    )
    for program in programs:
        channel.add_program(program)
    host = Host(asked)
    simulator = Simulator()
    simulator.add(host, device=0)
    simulator.add(channel, device=1)
    simulator.connect(host, channel, capacity=64)
    simulator.connect(channel, host, capacity=64)
    simulator.run()
    channel.finish(simulator.now)
    statistics = channel.region.statistics() if fast else {}
    return [host.answers, channel.counts(), channel.commands().tobytes()], statistics


def pim_case(rng: random.Random) -> tuple[int, list[Program], list[tuple[int, int, int]]]:
    number = rng.randrange(len(PIM_PARTS))
    accesses = len(device_of(number).accesses)
    programs = []
    for _ in range(rng.randint(1, 2)):
        rows = []
        for _ in range(rng.randint(1, 6)):
            fixed = rng.random() < 0.1
            offset = FIXED_FROM + rng.randrange(3) if fixed else rng.randint(-2, 6)
            pause = rng.choice((-1, -1, -1, 0, 7, 60))
            place = (rng.randrange(accesses), rng.randrange(16), rng.randrange(31))
            rows.append((offset, *place, rng.randrange(13), pause, int(fixed)))
        programs.append(Program(rows_of_body(rows), nest(rng, len(rows), (-2, -1, 0, 1, 2, 4), 60)))
    asked, ps = [], 0
    for _ in range(rng.randint(1, 5)):
        ps += rng.choice((0, 0, 1, 12_345, 1_000_003, 7_654_321))
        asked.append((ps, rng.randrange(len(programs)), rng.choice((300, 301, 777, 4000))))
    return number, programs, asked


def pim(scale: Scale, seed: int) -> Finding:
    differing, replayed = [], 0
    for i in range(scale.programs):
        number, programs, asked = pim_case(random.Random(f"pim {seed} {i}"))
        off, _ = pim_run(device_of(number), programs, asked, fast=False)
        on, statistics = pim_run(device_of(number), programs, asked, fast=True)
        replayed += statistics["replayed"] > 0
        if on != off:
            differing.append(str(i))
    return _same("PIM channel", scale.programs, differing, replayed)


def _same(what: str, programs: int, differing: list[str], replayed: int) -> Finding:
    return Finding(
        "fast-forward",
        f"{what}: time, counts, messages and log are the same bytes on and off",
        "2,000 programs of both kinds (night: 10^5)",
        f"{programs - len(differing):,} of {programs:,} random programs equal",
        not differing,
        f"It fired in {replayed:,}. {('Differing: ' + ', '.join(differing[:10])) if differing else ''}".strip(),
    )


# --- does it fire? ---


def periodic_engine(rng: random.Random) -> tuple[Program, dict[str, object]]:
    body = np.zeros(rng.randint(1, 4), REQUEST_BODY)
    for row in body:
        row["offset"], row["kind"] = rng.randrange(64), rng.choice((READ, WRITE))
        row["bytes"], row["pause"] = rng.choice((32, 64)), rng.choice((0, 0, 3, 9))
    program = Program(body, [Loop(3000, list(range(len(body))), stride=rng.choice((0, 1, 16, 64)))])
    if rng.random() < 0.5:
        memory = {"latency": rng.randrange(60), "bytes_per_cycle": rng.choice((16, 24, 64))}
    else:
        memory = {"interval": rng.choice((199, 499, 997)), "columns": rng.choice((8, 16))}
    mhz = rng.choice(((1000, 1000), (1000, 500), (1200, 900)))
    return program, {"memory": memory, "mhz": mhz, "ports": [{}, {}], "outstanding": rng.randint(1, 8)}


def periodic_pim(rng: random.Random) -> tuple[int, list[Program], list[tuple[int, int, int]]]:
    number, stride = rng.randrange(len(PIM_PARTS)), rng.choice((1, 1, 2, 3))
    body = []
    for _ in range(rng.randint(1, 4)):
        place = (rng.randrange(len(device_of(number).accesses)), rng.randrange(16), rng.randrange(8))
        body.append((rng.randrange(stride), *place, rng.randint(1, 16), rng.choice((-1, -1, -1, 0, 7, 60)), 0))
    loop = Loop(rng.randint(300, 900), list(range(len(body))), stride=stride)
    return number, [Program(rows_of_body(body), [loop])], [(0, 0, 300)]


def firing(scale: Scale, seed: int) -> Finding:
    programs = max(4, scale.programs // 10)
    fired, most = 0, 0
    for i in range(programs):
        rng = random.Random(f"periodic {seed} {i}")
        _seen, region = engine_run(periodic_engine(rng), fast=True)
        number, nests, asked = periodic_pim(rng)
        _seen, statistics = pim_run(device_of(number), nests, asked, fast=True)
        for found in (region.statistics(), statistics):
            fired += found["replayed"] > 0
            most += found["replayed"] > found["simulated"]
    share = fired / (2 * programs)
    return Finding(
        "fast-forward",
        "it fires in periodic programs",
        "over 90%",
        f"{100 * share:.1f}% of {2 * programs}",
        share > 0.9,
        f"More than half of all iterations were replayed in {100 * most / (2 * programs):.1f}%.",
    )


def check(scale: Scale, seed: int) -> Iterator[Finding]:
    yield engine(scale, seed)
    yield pim(scale, seed)
    yield firing(scale, seed)
