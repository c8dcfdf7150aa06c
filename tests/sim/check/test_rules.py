"""Every rule lets the tightest legal log pass and catches the same log with its last command one clock earlier."""

import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bitline.sim.check import Checker, CommandLog
from bitline.sim.check.checker import STANDARDS

HERE = Path(__file__).parent
FILES = sorted(path for path in (HERE / "scenarios").glob("*.txt") if path.name != "README.txt")


@dataclass
class Scenarios:
    name: str
    part: str = ""
    step: int = 1
    settings: dict = field(default_factory=dict)
    rules: list = field(default_factory=list)

    def checker(self):
        part = HERE / self.part if self.part.endswith(".yaml") else self.part
        return Checker(part, settings=self.settings)

    def device(self):
        return self.part.removesuffix(".yaml").removesuffix("-careful")


def read(path):
    scenarios, macros = Scenarios(path.stem), {}
    for line in path.read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        if " | " in line:
            rule, commands = line.split(" | ")
            scenarios.rules.append((rule, re.sub(r"\$(\w+)", lambda match: macros[match[1]], commands)))
        elif line.startswith("let "):
            name, commands = line[4:].split(" = ")
            macros[name] = commands
        elif line.startswith("set: "):
            pairs = (pair.split("=") for pair in line[5:].split())
            scenarios.settings = {name: int(value) for name, value in pairs}
        elif line.startswith("step: "):
            scenarios.step = int(line[6:])
        else:
            scenarios.part = line.removeprefix("part: ")
    return scenarios


ALL = [read(path) for path in FILES]
CASES = [
    pytest.param(scenarios, rule, commands, id=f"{scenarios.name}-{rule}-{number}")
    for scenarios in ALL
    for number, (rule, commands) in enumerate(scenarios.rules)
]


@pytest.mark.parametrize(("scenarios", "rule", "commands"), CASES)
def test_rule_holds_to_the_clock(scenarios, rule, commands, log_of):
    checker = scenarios.checker()
    assert checker.check(log_of(commands)).violations == {}
    early = checker.check(log_of(commands, earlier=scenarios.step))
    assert rule in early.violations
    assert early.violation.after == len(log_of(commands)) - 1 or "&" in commands


@pytest.mark.parametrize("scenarios", ALL, ids=lambda scenarios: scenarios.name)
def test_every_rule_of_a_standard_kills_a_mutant(scenarios):
    checker = scenarios.checker()
    report = checker.check(CommandLog.from_columns([], []))
    same_part = [other for other in ALL if other.device() == scenarios.device()]
    killed = {rule for other in same_part for rule, _ in other.rules}
    in_other_tests = {"t32AW: 32 activates", "tAAD: ACT2 follows ACT1"}
    assert report.slack.keys() - in_other_tests <= killed
    assert {rule for rule, _ in scenarios.rules} <= report.slack.keys()


def test_every_standard_has_scenarios():
    assert {scenarios.checker().rules.standard for scenarios in ALL} == {*STANDARDS}


def test_32_activates_fill_their_window():
    checker = Checker("dramsim3-gddr6", settings={"timing_ck.t32AW": 1000})
    commands = []
    for number in range(32):
        bank = number % 16
        if number >= 16:
            commands.append((30 * (number - 16) + 311, "PRE", bank))
        commands.append((30 * number, "ACT", bank))
    assert checker.check(_of_banks([*commands, (940, "PRE", 0), (1000, "ACT", 0)])).passed
    early = checker.check(_of_banks([*commands, (940, "PRE", 0), (999, "ACT", 0)]))
    assert early.violations == {"t32AW: 32 activates": 1}


def _of_banks(commands):
    cycles, names, banks = zip(*sorted(commands))
    return CommandLog.from_columns(cycles, names, channel=0, bank_group=0, bank=banks, row=1)


def test_act2_comes_within_taad(log_of):
    checker = Checker("lpddr5-6400")
    assert checker.check(log_of("0 ACT1; 8 ACT2")).passed
    late = checker.check(log_of("0 ACT1; 9 ACT2"))
    assert late.violations == {"tAAD: ACT2 follows ACT1": 1}
    assert (late.violation.required, late.violation.actual) == (8, 9)


def test_an_act1_without_act2_is_found(log_of):
    checker = Checker("lpddr5-6400")
    assert checker.check(log_of("0 ACT1; 8 REFpb b3")).violations == {}
    assert checker.check(log_of("0 ACT1; 9 REFpb b3")).violations == {"tAAD: an ACT1 gets its ACT2": 1}


def test_the_rules_of_another_standard_can_be_asked_for(log_of):
    text = "0 ACT g0; 8 ACT g1; 16 ACT g2; 24 ACT g3; 48 PRE"
    assert Checker("ddr4-3200").check(log_of("0 PRE b0; 1 PRE b1")).passed
    assert Checker("gddr6-14", rule_set="hbm2").check(log_of(text)).violations == {
        "tRAS: activate to precharge": 1,
    }
