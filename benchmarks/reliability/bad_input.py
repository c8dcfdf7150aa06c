"""Item 11: wrong files of every kind through the command line: status 2, one line, nothing written, no waiting."""

import contextlib
import gzip
import io
import json
import os
import random
import re
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
import zstandard

import bitline
from benchmarks.reliability.finding import Finding, Scale
from benchmarks.reliability.mutate import mutator
from bitline.arch.dram.memory import Memory
from bitline.sim.cli.main import _status
from bitline.sim.run.command_log import CommandLog

MOST_SECONDS = 2.0
MOST_CHARACTERS = 400
PACKAGE = Path(bitline.__file__).parent


@dataclass(frozen=True)
class Kind:
    """A kind of document: its name on disk, a sound version, how to parse it (None: bytes only), what reads it."""

    name: str
    file: str
    sound: bytes
    read: Callable[[bytes], Any] | None
    words: tuple[str, ...]
    may_fall_short: bool = False


def kinds() -> list[Kind]:
    out = ("--commands", "out.csv")
    load = ("--pattern", "mix", "--requests", "50", *out)
    system, policy = (
        (PACKAGE / path).read_bytes() for path in ("arch/systems/pim-gpt.yaml", "sim/schedule/policies/pim-gpt.yaml")
    )
    part = (PACKAGE / "arch/dram/parts/ddr4-3200.yaml").read_bytes()
    pim_part = (PACKAGE / "arch/dram/parts/gddr6-aim.yaml").read_bytes()
    controller = (PACKAGE / "arch/dram/controllers/frfcfs.yaml").read_bytes()
    ramulator = b"".join(b"%s 0x%x\n" % (b"ST" if i % 3 == 0 else b"LD", i * 4160) for i in range(200))
    dramsim3 = b"".join(b"0x%x %s %d\n" % (i * 4160, b"WRITE" if i % 3 == 0 else b"READ", 7 * i) for i in range(200))
    study = yaml.safe_dump({"schema": 1, "system": "t4", "models": ["gpt2"], "contexts": [1, 2]}).encode()
    config = json.dumps(
        {"model_type": "gpt2", "n_layer": 2, "n_embd": 64, "n_head": 4, "n_positions": 2048, "vocab_size": 1000}
    ).encode()
    references = (
        b"name,metric,origin,reference,tolerance_pct,inputs\n"
        b"a,latency_ticks,by hand,49,0,unloaded_read part=ddr4-3200\n"
        b"b,cycles,by hand,100,1,dram part=ddr4-3200 pattern=mix requests=100\n"
    )
    bound = ("--model", "gpt2", "--context", "8", "--level", "bound", "--json")
    return [
        Kind("DRAM part", "p.yaml", part, yaml.safe_load, ("dram", "--spec", "p.yaml", *load)),
        Kind("PIM part", "p.yaml", pim_part, yaml.safe_load, ("dram", "--spec", "p.yaml", *load)),
        Kind(
            "controller",
            "c.yaml",
            controller,
            yaml.safe_load,
            ("dram", "--spec", "ddr4-3200", "--controller", "c.yaml", *load),
        ),
        Kind("system", "s.yaml", system, yaml.safe_load, ("run", "s.yaml", *bound)),
        Kind("policy", "q.yaml", policy, yaml.safe_load, ("run", "pim-gpt", "--policy", "q.yaml", *bound)),
        Kind("study", "y.yaml", study, yaml.safe_load, ("sweep", "y.yaml", "--dry-run")),
        Kind("model", "m.json", config, json.loads, ("trace", "hf:m.json", "-o", "out.json")),
        *(
            Kind(f"trace, {name}", "t", text, None, ("dram", "t", "--spec", "ddr4-3200", *out))
            for name, text in (
                ("Ramulator", ramulator),
                ("DRAMsim3", dramsim3),
                ("gzip", gzip.compress(ramulator, mtime=0)),
                ("zstd", zstandard.compress(dramsim3)),
            )
        ),
        Kind("command log", "l", sound_log(), None, ("check", "l", "--spec", "ddr4-3200"), True),
        Kind("reference rows", "r.csv", references, None, ("validate", "--reference", "r.csv"), True),
    ]


def sound_log() -> bytes:
    stream = io.BytesIO()
    memory = Memory("ddr4-3200")
    log = CommandLog(memory, stream)
    memory.run_pattern("mix", 60, take_log=log.take)
    return stream.getvalue()


class TooLongError(Exception):
    """A command did not come back in time."""


def call(words: tuple[str, ...]) -> tuple[int, str]:
    """(exit status, standard error) of a command line in this process."""

    def stop(_number: int, _frame: object) -> None:
        raise TooLongError

    before = sys.argv
    sys.argv = ["bitline", *words]
    said = io.StringIO()
    old = signal.signal(signal.SIGALRM, stop)
    signal.alarm(20)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(said):
            status = _status()
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, old)
        sys.argv = before
    return status, said.getvalue()


def wrong_about(kind: Kind, status: int, said: str, seconds: float, left: list[str]) -> str:
    """What the answer to a wrong file does not keep; empty when all is well."""
    if status == 0 or (status == 1 and kind.may_fall_short):
        return "" if seconds < MOST_SECONDS * 5 else f"took {seconds:.1f} s"
    if status != 2:
        return f"status {status}: {said.strip()[:200]}"
    if seconds > MOST_SECONDS:
        return f"took {seconds:.1f} s to refuse"
    if said.count("\n") != 1 or len(said) > MOST_CHARACTERS or "Traceback" in said:
        return f"said {len(said)} characters in {said.count(chr(10))} lines: {said[:120]!r}"
    if left != [kind.file]:
        return f"left {left}"
    if not re.search(r"[:']", said):
        return f"names neither file nor field: {said!r}"
    return ""


def check(scale: Scale, seed: int) -> Iterator[Finding]:
    tried: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    wrong: list[str] = []
    here = Path.cwd()
    every = kinds()
    makers = [mutator(kind.sound, kind.read) for kind in every]
    with tempfile.TemporaryDirectory() as name:
        os.chdir(name)
        try:
            for kind in every:
                Path(kind.file).write_bytes(kind.sound)
                assert call(kind.words) in ((0, ""), (1, "")), (kind.name, call(kind.words))
            for i in range(scale.documents):
                kind = every[i % len(every)]
                content = makers[i % len(every)](random.Random(f"{seed} {i}"))
                for old in Path().iterdir():
                    old.unlink()
                Path(kind.file).write_bytes(content)
                began = time.perf_counter()
                try:
                    status, said = call(kind.words)
                except TooLongError:
                    status, said = -1, "did not end in 20 s"
                seconds = time.perf_counter() - began
                tried[kind.name] += 1
                refused[kind.name] += status == 2
                problem = wrong_about(kind, status, said, seconds, sorted(entry.name for entry in Path().iterdir()))
                if problem:
                    wrong.append(f"{kind.name}, document {i}: {problem}")
        finally:
            os.chdir(here)
    total = sum(tried.values())
    names = ", ".join(f"{kind} {refused[kind]}/{tried[kind]}" for kind in tried)
    yield Finding(
        "bad input",
        "a wrong file gives status 2, one line, no traceback, no output file, within 2 s",
        "10^4 files (night: 10^6)",
        f"{total - len(wrong):,} of {total:,} files, {sum(refused.values()):,} of them refused",
        not wrong,
        f"Refused of tried: {names}; the others were still valid. {' / '.join(wrong[:8])}".strip(),
    )
