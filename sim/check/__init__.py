"""The independent timing checker: holds command logs of DRAM and PIM against rules that it states by itself.

It shares no code and no table with the simulator's cores. From the simulator it takes two things, both data: the part
files (numbers) and the log. Which rules hold between commands stands in the `rules_*` modules here.

    report = Checker("ddr4-3200").check(read_commands("commands.csv"))
    print(report.text())
"""

from bitline.sim.check.checker import Checker, run_check
from bitline.sim.check.commands import ADDRESS, COMMANDS, CommandLog
from bitline.sim.check.read import read_commands
from bitline.sim.check.report import Report, Slack, Violation

__all__ = [
    "ADDRESS",
    "COMMANDS",
    "Checker",
    "CommandLog",
    "Report",
    "Slack",
    "Violation",
    "read_commands",
    "run_check",
]
