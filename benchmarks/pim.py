"""PIM: commands a second with fast-forward off and on, and the wall time of whole tokens."""

import sys
from collections.abc import Iterator
from subprocess import run

import bitline
from benchmarks.figure import Figure, best_seconds
from bitline.arch.dram.part import load_part
from bitline.arch.pim.device import pim_device, rows_of_body
from bitline.csrc.engine import PythonComponent, Simulator, TransitionTable
from bitline.csrc.engine.program import Loop, Program
from bitline.csrc.pim.channel import PimChannel

START = 1
LARGE = {"model": "gpt3-175b", "context": 2048, "settings": {"memory.channels": 768}}


class Asker(PythonComponent):
    """Starts one program on a channel."""

    def __init__(self) -> None:
        super().__init__("asker", 1000)
        self.asked = False

    def advance(self) -> None:
        while self.receive() is not None:
            pass
        if not self.asked:
            self.asked = True
            self.send(0, START, 0, 0, 0)


def rows_of_weights(trips: int, *, fast_forward: bool) -> int:
    """Commands issued for a matrix-vector product that walks `trips` rows of all banks of one AiM channel."""
    device = pim_device(load_part("gddr6-aim"), "gddr6-aim")
    table = TransitionTable(1, 1, logging=False) if fast_forward else None
    channel = PimChannel("channel", device.table, device.accesses, fixed_rows=device.data_rows, transitions=table)
    channel.add_program(Program(rows_of_body([(0, 2, 0, 0, 64, -1, 0)]), [Loop(trips, [0], stride=1)]))
    simulator = Simulator()
    asker = simulator.add(Asker(), device=0)
    simulator.add(channel, device=1)
    simulator.connect(asker, channel)
    simulator.connect(channel, asker)
    simulator.run()
    channel.finish(simulator.now)
    return sum(channel.counts()[1].values())


def token(model: str, context: int, settings: dict[str, int] | None = None, *, fast_forward: bool = True) -> None:
    bitline.run("pim-gpt", model=model, context=context, settings=settings, fast_forward=fast_forward)


def whole_process() -> None:
    """The large token as a user asks for it: a process, its imports, the run, the printed result."""
    words = ["run", "pim-gpt", "--model", "gpt3-175b", "--context", "2048", "--set", "memory.channels=768", "--json"]
    command = [sys.executable, "-c", "from bitline.sim.cli.main import main; main()", *words]
    run(command, check=True, capture_output=True)


def measure(shrink: int = 1, repeats: int = 5) -> Iterator[Figure]:
    trips = 20_000 // shrink
    speeds = {}
    for name, fast_forward in (("off", False), ("on", True)):
        seconds = best_seconds(lambda on=fast_forward: rows_of_weights(trips, fast_forward=on), repeats).thread
        speeds[name] = rows_of_weights(trips, fast_forward=fast_forward) / seconds / 1e6
        yield Figure(f"PIM, fast-forward {name}", speeds[name], "M commands/s", note=f"one channel, {trips:,} rows")
    yield Figure("PIM, gain by fast-forward", speeds["on"] / speeds["off"], "times")
    on = best_seconds(lambda: token("gpt2-xl", 1024), repeats).wall
    off = best_seconds(lambda: token("gpt2-xl", 1024, fast_forward=False), repeats).wall
    yield Figure("token of gpt2-xl", on, "s", note="context 1024, 8 channels")
    yield Figure("token of gpt2-xl, fast-forward off", off, "s")
    large = best_seconds(lambda: token(**LARGE), repeats).wall
    yield Figure("token of gpt3-175b", large, "s", 1.0, at_most=True, note="context 2048, 768 channels, no imports")
    yield Figure("token of gpt3-175b, whole process", best_seconds(whole_process, min(repeats, 3)).wall, "s")
