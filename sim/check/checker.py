"""The checker: a part, the rules of its standard, and a log held against them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bitline.sim.check.bus import command_bus, data_bus
from bitline.sim.check.commands import CommandLog
from bitline.sim.check.evidence import Evidence
from bitline.sim.check.part import Part, load_part, unknown_standard
from bitline.sim.check.read import read_commands
from bitline.sim.check.refresh import refresh_rate
from bitline.sim.check.report import Report, Tally
from bitline.sim.check.rule import RuleSet
from bitline.sim.check.rules_aim import gddr6_aim
from bitline.sim.check.rules_ddr import ddr4, ddr5, lpddr4
from bitline.sim.check.rules_gddr6 import gddr6
from bitline.sim.check.rules_hbm import hbm2, hbm3
from bitline.sim.check.rules_hbm_pim import hbm2_pim
from bitline.sim.check.rules_lpddr5 import lpddr5
from bitline.sim.check.rules_neupims import PART as NEUPIMS
from bitline.sim.check.rules_neupims import hbm2_neupims, neupims, neupims_careful
from bitline.sim.check.rules_newton import hbm2_newton
from bitline.sim.check.spacing import evaluate
from bitline.sim.check.state import row_buffers
from bitline.sim.check.view import LogView

STANDARDS: dict[str, Callable[[Part], RuleSet]] = {
    "ddr4": ddr4,
    "ddr5": ddr5,
    "lpddr4": lpddr4,
    "lpddr5": lpddr5,
    "gddr6": gddr6,
    "gddr6_aim": gddr6_aim,
    "hbm2": hbm2,
    "hbm2_neupims": hbm2_neupims,
    "hbm2_newton": hbm2_newton,
    "hbm2_pim": hbm2_pim,
    "hbm3": hbm3,
    "neupims": neupims,
    "neupims-careful": neupims_careful,
}
#: Rule sets that come with the numbers of their one device.
BUILT_IN = {"neupims": NEUPIMS, "neupims-careful": NEUPIMS}


class Checker:
    """Judges command logs of one part by the rules of its standard.

    `part` is the name of a part, the path of its YAML file, or `neupims` or `neupims-careful`, whose numbers stand in
    `rules_neupims`. `rule_set` names another standard's rules for the same numbers. `settings` overrides fields of the
    part (`{"timing_ck.tRP": 20}`). Raises SpecError for a part that lacks a number that its rules need.
    """

    def __init__(
        self, part: str | Path, *, rule_set: str | None = None, settings: dict[str, Any] | None = None
    ) -> None:
        name = str(part)
        self.part = BUILT_IN[name] if name in BUILT_IN else load_part(name, settings)
        standard = rule_set or (name if name in BUILT_IN else self.part.standard)
        if standard not in STANDARDS:
            raise unknown_standard(standard, list(STANDARDS))
        self.rules = STANDARDS[standard](self.part)

    def check(self, log: CommandLog, *, refresh: bool = True, postponed: int = 1) -> Report:
        """Hold a log against all rules.

        `refresh`: judge the refresh rate too, with up to `postponed` refreshes put off. Raises TraceError for a command
        or an address that the part does not have.
        """
        log.require_time_order()
        view = LogView(log, self.part, self.rules)
        tally = Tally(log, self._timing_rules())
        for evidence in self._evidence(view, refresh, postponed):
            tally.add(evidence)
        return tally.report(self.part.name, self.rules.standard)

    def _timing_rules(self) -> Iterator[str]:
        for rule in self.rules.rules:
            yield rule.name
        yield from self.rules.distances
        for bus in self.rules.command_buses:
            yield f"{bus}: one command at a time"
        yield "data bus: bursts do not overlap"

    def _evidence(self, view: LogView, refresh: bool, postponed: int) -> Iterator[Evidence]:
        for rule in self.rules.rules:
            yield from evaluate(rule, view)
        for name, commands in self.rules.command_buses.items():
            yield command_bus(name, commands, view)
        yield data_bus(self.rules.data_bus, view)
        for check in (*self.rules.distances.values(), *self.rules.checks.values()):
            yield from check(view)
        yield from row_buffers(view)
        if refresh and self.rules.refresh is not None:
            yield from refresh_rate(self.rules.refresh, view, postponed)


def run_check(path: str | Path, spec: str, *, postponed: int = 1, refresh: bool = True) -> tuple[int, str]:
    """Check the log at `path` against the part `spec`: exit status (0 pass, 1 a rule is broken) and a line to print.

    Wrong input raises SpecError or TraceError.
    """
    checker = Checker(spec)
    report = checker.check(read_commands(path), refresh=refresh, postponed=postponed)
    return (0 if report.passed else 1), f"{path}: {report.text()}"
