"""Items 1, 2, 3 and 6: violations, mutants, tightness and conservation over one corpus of random streams."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from benchmarks.reliability.finding import Finding, Scale
from benchmarks.reliability.mutants import MUTATIONS, Accepted
from benchmarks.reliability.streams import pairs, run_logged, stream
from bitline.arch.dram.memory import Memory, MemoryResult
from bitline.sim.check import COMMANDS, Checker, CommandLog, Report

MOST_POSTPONED = 8


@dataclass
class Corpus:
    """What all streams have shown."""

    pairs: int = 0
    runs: int = 0
    commands: int = 0
    violations: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    made: Counter[str] = field(default_factory=Counter)
    caught: Counter[str] = field(default_factory=Counter)
    least: dict[tuple[str, str], int] = field(default_factory=dict)
    """Least slack of each (standard, rule) that was exercised."""
    rules: set[tuple[str, str]] = field(default_factory=set)
    killers: set[tuple[str, str]] = field(default_factory=set)


def check(scale: Scale, seed: int) -> Iterator[Finding]:
    found = Corpus()
    for number, (part, controller) in enumerate(pairs()):
        found.pairs += 1
        checker = Checker(part)
        for i in range(scale.streams):
            of_stream = seed * 1_000_003 + number * 1_009 + i
            memory = Memory(part, controller)
            result, logs = run_logged(memory, stream(memory, scale.requests, of_stream))
            found.runs += 1
            if broken := not_conserved(memory, result, scale.requests):
                found.lost.append(f"{part} {controller} seed {of_stream}: {broken}")
            for log in logs:
                judge(found, checker, log, f"{part} {controller} seed {of_stream}", of_stream, scale.mutants)
    yield from report(found)


def judge(found: Corpus, checker: Checker, log: CommandLog, name: str, seed: int, mutants: int) -> None:
    """Check one log, then its mutants, with as few refreshes put off as the log itself needs."""
    found.commands += len(log)
    for postponed in range(MOST_POSTPONED + 1):
        accepted = checker.check(log, postponed=postponed)
        if accepted.passed:
            break
    else:
        found.violations.append(f"{name}: {accepted.text()}")
        return
    standard = accepted.standard
    for rule, slack in accepted.slack.items():
        found.rules.add((standard, rule))
        if slack.minimum is not None:
            key = (standard, rule)
            found.least[key] = min(found.least.get(key, slack.minimum), slack.minimum)
    random = np.random.default_rng(seed)
    for kind, mutate in MUTATIONS.items():
        for mutant in mutate(Accepted(log, accepted, refresh_interval(checker, log)), random, mutants):
            found.made[kind] += 1
            broken = rules_broken(checker, mutant, postponed)
            found.caught[kind] += bool(broken)
            found.killers |= {(standard, rule) for rule in broken}


def refresh_interval(checker: Checker, log: CommandLog) -> int:
    """Ticks from refresh to refresh of a rank, or of a bank in a log of per-bank refreshes."""
    refresh = checker.rules.refresh
    if refresh is None:
        return 0
    per_bank = (log.rows["command"] == COMMANDS.index("REFpb")).any()
    return refresh.bank_interval if per_bank and refresh.bank_interval is not None else refresh.interval


def rules_broken(checker: Checker, mutant: CommandLog, postponed: int) -> set[str]:
    report: Report = checker.check(mutant, postponed=postponed)
    return set(report.violations)


def not_conserved(memory: Memory, result: MemoryResult, requests: int) -> str:
    """What does not add up in a run; empty when all does."""
    memory.drain()
    result = memory.result(memory.now, requests)
    counts = [memory.core.counts(channel)[0] for channel in range(memory.channels)]
    issued = sum(result.commands.get(name, 0) for name in ("RD", "RDA", "WR", "WRA"))
    shared = sum(count["forwarded"] + count["merged"] for count in counts)
    organisation = memory.part.organisation
    ranks = organisation.pseudo_channels * organisation.ranks * memory.channels
    terms = [value for name, value in result.energy_pj.items() if name != "total"]
    sums = {
        "requests": result.reads + result.writes == requests,
        "bytes": issued + shared == requests,
        "row starts": result.row_hits + result.row_misses + result.row_conflicts == issued,
        "energy": sum(terms) == result.energy_pj["total"] and min(terms) >= 0,
        "standby": sum(c["open_standby"] + c["closed_standby"] for c in counts) == result.ticks * ranks,
        "busy": 0 <= result.bus_utilisation <= 1,
    }
    return ", ".join(name for name, holds in sums.items() if not holds)


def report(found: Corpus) -> Iterator[Finding]:
    streams = f"{found.runs} random streams over {found.pairs} pairs of part and controller"
    yield Finding(
        "timing",
        "no command breaks a rule of its standard",
        "0 in 10^6 (night: 10^9) commands",
        f"{len(found.violations)} violations in {found.commands:,} commands",
        False if found.violations else (True if found.commands >= 10**6 else None),
        f"{streams}. 10^9 commands were not run. {'; '.join(found.violations[:3])}".strip(),
    )
    made, caught = sum(found.made.values()), sum(found.caught.values())
    kinds = ", ".join(f"{kind} {found.caught[kind]}/{found.made[kind]}" for kind in MUTATIONS)
    share = 100 * caught / made if made else 0.0
    yield Finding(
        "checker", "a changed log is caught", "99%", f"{share:.2f}% of {made:,} mutants", share >= 99, f"{kinds}."
    )
    exercised = {key for key in found.rules if key in found.least}
    reached = {key for key in exercised if found.least[key] == 0}
    yield Finding(
        "tightness",
        "rules are reached exactly (slack 0) by random streams",
        "every rule that can be",
        f"{len(reached)} of {len(exercised)} exercised ({len(found.rules)} in all)",
        None,
        "Rules that other rules or whole clocks cover are named in tests/arch/dram/test_streams.py.",
    )
    killers = found.killers & found.rules
    yield Finding(
        "checker",
        "rules kill a mutant of the random streams",
        "every rule, hand-made logs included",
        f"{len(killers)} of {len(exercised)} exercised",
        None,
        "Every rule of every standard kills a hand-made log: tests/sim/check/test_rules.py.",
    )
    yield Finding(
        "conservation",
        "requests, bytes, row starts, energy terms and standby time add up",
        "in every run",
        f"{found.runs - len(found.lost)} of {found.runs} runs",
        not found.lost,
        "; ".join(found.lost[:3]),
    )
