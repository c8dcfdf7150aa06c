"""Whole tokens on the PIM systems: every command is checked, and fast-forward on and off give the same bytes."""

from collections.abc import Iterator

from benchmarks.reliability.finding import Finding, Scale
from benchmarks.reliability.streams import as_log
from bitline.sim.check import Checker
from bitline.sim.run.run import execute, plan

#: (system, model, context)
TOKENS = (("pim-gpt", "gpt2", 200), ("hbm-pim", "gpt2", 200), ("pim-gpt", "gpt3-1.3b", 64))


def check(scale: Scale, _seed: int) -> Iterator[Finding]:
    commands, broken, differing = 0, [], []
    tokens = TOKENS[:1] if scale.name == "quick" else TOKENS
    for system, model, context in tokens:
        planned = plan(system, model=model, context=context)
        seen = []
        for fast_forward in (False, True):
            result, machine = execute(planned, fast_forward=fast_forward, logging=True)
            assert machine is not None
            data = result.to_dict()
            del data["fast_forward"]
            seen.append((data, [channel.commands().tobytes() for channel in machine.machine.channels]))
        if seen[0] != seen[1]:
            differing.append(f"{system} {model}")
        assert planned.system.memory is not None
        checker = Checker(planned.system.memory.part)
        for alike, channel in zip(machine.classes, machine.machine.channels):
            log = as_log(machine.device.part, machine.device.table.commands, channel.commands(), alike.channel)
            report = checker.check(log, postponed=8)
            commands += len(log)
            if not report.passed:
                broken.append(f"{system} {model}: {report.text()}")
    names = ", ".join(f"{model} on {system}, context {context}" for system, model, context in tokens)
    yield Finding(
        "timing",
        "no command of a lowered token breaks a rule",
        "0 violations",
        f"{len(broken)} violations in {commands:,} commands",
        not broken,
        f"{names}. {'; '.join(broken[:2])}".strip(),
    )
    yield Finding(
        "fast-forward",
        "whole tokens: result and commands are the same bytes on and off",
        "one whole token",
        f"{len(tokens) - len(differing)} of {len(tokens)} tokens equal",
        not differing,
        "; ".join(differing),
    )
