"""Items 13, 14 and 16: memory use of long traces, times near the ends of integers, and pairs that have to agree."""

import random
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.reliability.finding import Finding, Scale
from bitline.arch.dram.memory import Memory
from bitline.arch.dram.part import PARTS, load_part
from bitline.base.errors import BitlineError
from bitline.csrc.engine import READ, REQUEST_BODY, IdealMemory, Loop, Program, Requester, Simulator

PEAK = """
import resource, sys
from pathlib import Path
sys.argv = ["bitline", "dram", sys.argv[1], "--spec", "ddr4-3200", "--json"]
from bitline.sim.cli.main import _status
status = _status()
# getrusage would also tell of the process that started this one; VmHWM is of this program alone.
lines = Path("/proc/self/status").read_text().splitlines() if Path("/proc/self/status").exists() else []
peaks = [int(line.split()[1]) for line in lines if line.startswith("VmHWM:")]
print(peaks[0] if peaks else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)
sys.exit(status)
"""


def peak_kib(trace: Path) -> int:
    done = subprocess.run([sys.executable, "-c", PEAK, str(trace)], check=True, capture_output=True, text=True)
    return int(done.stderr.split()[-1])


def memory_growth(scale: Scale, seed: int) -> Finding:
    short = 3_000 if scale.name == "quick" else 30_000
    rng = np.random.default_rng(seed)
    peaks = []
    with tempfile.TemporaryDirectory() as name:
        trace = Path(name) / "trace"
        lines = "".join(f"LD {address:#x}\n" for address in (rng.integers(0, 1 << 27, short) * 64).tolist())
        for times in (1, 100):
            with trace.open("w") as stream:
                for _ in range(times):
                    stream.write(lines)
            peaks.append(peak_kib(trace))
    ratio = peaks[1] / peaks[0]
    return Finding(
        "memory",
        "a trace 100 times as long needs no more memory",
        "at most 1.1 times",
        f"{ratio:.3f} times ({peaks[0] / 1024:.0f} and {peaks[1] / 1024:.0f} MiB)",
        ratio <= 1.1 if scale.name != "quick" else None,
        f"{short:,} and {100 * short:,} requests. A trace of 10^9 was not run.",
    )


def near_the_ends() -> Finding:
    """A pause to just before, at and after 2^k ticks: the right answer or a refusal, nothing else."""
    tried, right, refused, wrong = 0, 0, 0, []
    for power in (31, 32, 53, 62, 63):
        for off in (-3, -1, 0, 1):
            tried += 1
            try:
                answer = idle_until((1 << power) + off)
            except (BitlineError, OverflowError):
                refused += 1
                continue
            right += answer
            if not answer:
                wrong.append(f"engine 2^{power}{off:+d}")
    return Finding(
        "overflow",
        "engine time near 2^31, 2^32, 2^53 and 2^63 ps is right or refused",
        "always",
        f"{right} right, {refused} refused, {len(wrong)} wrong of {tried}",
        not wrong,
        "; ".join(wrong[:6]),
    )


def idle_until(ps: int) -> bool:
    """Does a request after a pause of about `ps` come back exactly that much later than one without a pause?"""
    ends = []
    for pause in (0, ps):
        body = np.array([(0, READ, 64, 0, 0)], REQUEST_BODY)
        simulator = Simulator()
        requester = Requester("requester", 1_000_000, Program(body, [Loop(1, [0])]))
        memory = IdealMemory("memory", 1_000_000, latency=pause, bytes_per_cycle=64)
        simulator.add(requester, device=0)
        simulator.add(memory, device=1)
        simulator.connect(requester, memory)
        simulator.connect(memory, requester)
        ends.append(simulator.run())
    return ends[1] - ends[0] == ps


def late_requests() -> Finding:
    """A DRAM read that arrives at tick 2^k is answered as fast as one at the same place in the refresh interval."""
    tried, wrong = 0, []
    for power in (31, 32, 34):
        for off in (-1, 0, 1):
            memory = Memory("ddr4-3200")
            interval = memory.table.ticks("tREFI")
            at = (1 << power) + off
            early = at % interval + 10 * interval
            latencies = []
            for tick in (early, at):
                done: list[int] = []
                memory = Memory("ddr4-3200", callback=lambda _tag, when, done=done: done.append(when))
                memory.send(0, tick=tick)
                memory.drain()
                latencies.append(done[0] - tick)
            tried += 1
            if latencies[0] != latencies[1]:
                wrong.append(f"2^{power}{off:+d}: {latencies}")
    return Finding(
        "overflow",
        "a DRAM read at tick 2^31, 2^32 or 2^34 is answered as an early one",
        "always",
        f"{tried - len(wrong)} of {tried}",
        not wrong,
        "; ".join(wrong[:3]) or "2^53 and 2^63 are hundreds of years of refreshes: not run.",
    )


def scaled_clocks(scale: Scale, seed: int) -> Finding:
    tried, same = 0, 0
    for name in PARTS.names():
        for i in range(1 if scale.name == "quick" else 5):
            part = load_part(name)
            slow = load_part(name, {"tck_ps": part.tck_ps * 3} if part.tck_ps else {"clock_mhz": part.clock_mhz / 3})
            found = []
            for which in (part, slow):
                memory = Memory(which)
                addresses = rng_addresses(memory, seed + i)
                found.append(memory.run_blocks([addresses]))
            tried += 1
            same += found[0].cycles == found[1].cycles and bool(
                np.isclose(found[1].time_ns, 3 * found[0].time_ns, rtol=1e-12)
            )
    return Finding(
        "metamorphic",
        "clocks of three times the period take three times the time, the same cycles",
        "always",
        f"{same} of {tried} streams over every part",
        same == tried,
    )


def rng_addresses(memory: Memory, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    lines = rng.integers(0, memory.size_bytes // memory.line_bytes, 400)
    return lines * memory.line_bytes, rng.integers(0, 2, 400), np.cumsum(rng.integers(0, 9, 400))


#: Loads that another channel does not help, and why.
ANOMALIES = {("lpddr5-6400", "stream"): "of two channels that take 32 B in turn, steps of 64 B use one"}


def more_is_not_slower(scale: Scale) -> Finding:
    """Twice the channels, on a load that spreads over them."""
    slower, listed = [], []
    names = PARTS.names()[:2] if scale.name == "quick" else PARTS.names()
    for name in names:
        for pattern in ("stream", "random"):
            times = [Memory(name, channels=channels).run_pattern(pattern, 8_000).time_ns for channels in (1, 2, 4)]
            if times != sorted(times, reverse=True):
                listed += [f"{name} {pattern}: {why}" for key, why in ANOMALIES.items() if key == (name, pattern)]
                slower.append(f"{name} {pattern} {times}")
    return Finding(
        "metamorphic",
        "more channels are never slower",
        "always, or listed",
        f"{2 * len(names) - len(slower)} of {2 * len(names)} loads",
        len(slower) == len(listed),
        f"Listed: {'; '.join(listed) or 'none'}." if len(slower) == len(listed) else "; ".join(slower[:4]),
    )


def renamed_channels(scale: Scale, seed: int) -> Finding:
    tried, same = 0, 0
    for i in range(4 if scale.name == "quick" else 60):
        rng = random.Random(f"{seed} {i}")
        controller = rng.choice(("frfcfs", "dramsim3", "ramulator2"))
        other, results, logs = rng.randint(1, 3), [], []
        for renamed in (0, other):
            memory = Memory("hbm2-2000", controller, channels=4)
            addresses, writes, ticks = rng_addresses(memory, seed + i)
            low_bit = min(bit for (bit,) in memory.mapping.sources["h"])
            memory.core.log_commands()
            results.append(memory.run_blocks([(addresses ^ (renamed << low_bit) * memory.line_bytes, writes, ticks)]))
            logs.append([memory.core.take_log(channel ^ renamed).tobytes() for channel in range(4)])
        tried += 1
        same += results[0] == results[1] and logs[0] == logs[1]
    return Finding(
        "metamorphic", "renaming channels changes nothing else", "always", f"{same} of {tried} streams", same == tried
    )


def check(scale: Scale, seed: int) -> Iterator[Finding]:
    yield memory_growth(scale, seed)
    yield near_the_ends()
    yield late_requests()
    yield scaled_clocks(scale, seed)
    yield more_is_not_slower(scale)
    yield renamed_channels(scale, seed)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    met = peak < 1024 if scale.name == "default" else None
    yield Finding("memory", "all of these checks in one process", "below 1 GiB", f"{peak:.0f} MiB at most", met)
