"""Items 8 and 9: the same again, whatever the hash seed, the number of workers, the order of keys; a damaged store."""

import contextlib
import hashlib
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import yaml

import bitline
from benchmarks.reliability.finding import Finding, Scale
from bitline.base.errors import BitlineError
from bitline.sim.study import STORE_NAME, TABLE_NAME, Store, make_study, sweep

HASH_SEEDS = ("0", "1", "2", "3", "4000000000")
COMMANDS = (
    ("run", "pim-gpt", "--model", "gpt2", "--context", "64", "--json"),
    ("run", "t4", "--model", "gpt2", "--level", "bound", "--json"),
    ("dram", "--spec", "ddr4-3200", "--pattern", "mix", "--requests", "5000", "--json"),
    ("trace", "mixtral-8x7b", "--json"),
)


def digest_of(words: tuple[str, ...], hash_seed: str) -> str:
    command = [sys.executable, "-c", "from bitline.sim.cli.main import main; main()", *words]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    done = subprocess.run(command, check=True, capture_output=True, env=environment)
    return hashlib.sha256(done.stdout).hexdigest()


def hash_seeds(scale: Scale) -> Finding:
    seeds = HASH_SEEDS[:2] if scale.name == "quick" else HASH_SEEDS
    same = sum(len({digest_of(words, seed) for seed in seeds}) == 1 for words in COMMANDS)
    return Finding(
        "determinism",
        "output of whole processes does not depend on PYTHONHASHSEED",
        "5 seeds, the same SHA-256",
        f"{same} of {len(COMMANDS)} command lines, {len(seeds)} seeds",
        same == len(COMMANDS),
        "gcc against clang and -O0 against -O3 were not run here.",
    )


def workers(folder: Path, scale: Scale) -> Finding:
    study = make_study(system="pim-gpt", models=["gpt2", "gpt2-medium"], contexts=[1, 16, 100])
    counts = (1, 2) if scale.name == "quick" else (1, 2, 16)
    tables = set()
    for jobs in counts:
        sweep(study, folder / f"jobs{jobs}", jobs=jobs)
        tables.add((folder / f"jobs{jobs}" / TABLE_NAME).read_bytes())
    return Finding(
        "determinism",
        "a sweep's table is the same bytes with any number of workers",
        "1 = 2 = 16",
        f"{len(tables)} different table of {' = '.join(map(str, counts))} workers"
        if len(tables) == 1
        else f"{len(tables)} different tables",
        len(tables) == 1,
    )


def shuffled(value: object, rng: random.Random) -> object:
    """The same document with the keys of every mapping in another order."""
    if isinstance(value, dict):
        items = [(key, shuffled(item, rng)) for key, item in value.items()]
        rng.shuffle(items)
        return dict(items)
    return value


def key_order(folder: Path, seed: int) -> Finding:
    arch = Path(bitline.__file__).parent / "arch"
    rng, tried, same = random.Random(seed), 0, 0
    for name in ("ddr4-3200", "hbm3-6400", "lpddr5-6400"):
        original = arch / "dram" / "parts" / f"{name}.yaml"
        data = yaml.safe_load(original.read_text())
        for _ in range(3):
            file = folder / f"{name}.yaml"
            file.write_text(yaml.safe_dump(shuffled(data, rng), sort_keys=False))
            from bitline.arch.dram.memory import Memory

            found = [Memory(str(part)).run_pattern("mix", 3_000) for part in (original, file)]
            tried += 1
            same += found[0] == found[1]
    return Finding(
        "determinism", "the order of keys in a YAML file changes nothing", "always", f"{same} of {tried}", same == tried
    )


def damaged_store(folder: Path, scale: Scale, seed: int) -> Finding:
    """Flip bytes of a sweep's store: a record is refused or as it was, never another one."""
    sweep(make_study(system="t4", models=["gpt2"], contexts=[1, 2, 3, 4]), folder / "kept")
    sound = (folder / "kept" / STORE_NAME).read_bytes()
    with contextlib.closing(Store(folder / "kept", create=False)) as store:
        keys = [key for key, _kept in store.all()]
        truth = {key: (store.find(key), store.result(key)) for key in keys}
    hurt = folder / "hurt"
    hurt.mkdir()
    rng, flips, wrong, gone = random.Random(seed), max(20, min(scale.programs, 1_000)), 0, 0
    for _ in range(flips):
        content = bytearray(sound)
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        (hurt / STORE_NAME).write_bytes(content[: rng.randrange(len(content))] if rng.random() < 0.1 else content)
        try:
            with contextlib.closing(Store(hurt, create=False)) as store:
                found = {key: (store.find(key), store.result(key)) for key in keys}
        except BitlineError:
            gone += 1
            continue
        gone += any(kept == (None, None) for kept in found.values())
        wrong += any(kept not in (truth[key], (None, None)) for key, kept in found.items())
    return Finding(
        "store",
        "a flipped bit or a cut in a sweep's store is never read as a result",
        "1,000 flips",
        f"{flips - wrong:,} of {flips:,} ({gone:,} refused or run again, the others hit unused bytes)",
        wrong == 0,
    )


def check(scale: Scale, seed: int) -> Iterator[Finding]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        yield hash_seeds(scale)
        yield workers(folder, scale)
        yield key_order(folder, seed)
        yield damaged_store(folder, scale, seed)
