"""What a check found: the first violation, how often each rule was broken, and how near the log came to each rule."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from bitline.sim.check.commands import CommandLog
from bitline.sim.check.evidence import Evidence, Indices

_FAR = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Violation:
    """A broken rule. `before` and `after` are row indices of the log; None where the rule has no such command.

    Distances are in ticks. For a refresh that is late or missing they count from the start of the log.
    """

    rule: str
    time: int
    before: int | None
    after: int | None
    required: int | None
    actual: int | None
    text: str


@dataclass(frozen=True)
class Slack:
    """How near the log came to a rule: the least slack, how many pairs the rule judged, how many had slack 0."""

    minimum: int | None
    exercised: int
    reached: int


@dataclass(frozen=True)
class Report:
    """The result of a check. `violation` is the first one in time, or None."""

    part: str
    standard: str
    n_commands: int
    violation: Violation | None
    violations: dict[str, int]
    slack: dict[str, Slack]
    #: For each command the least slack over all rules; `tightest` is that rule's place in `slack`.
    command_slack: Indices = field(repr=False, compare=False)
    tightest: Indices = field(repr=False, compare=False)

    @property
    def passed(self) -> bool:
        """Whether no rule was broken."""
        return self.violation is None

    def text(self) -> str:
        """One line: what was checked, or which rule was broken first, where, and by how much."""
        if self.violation is None:
            exercised = [slack for slack in self.slack.values() if slack.exercised]
            reached = sum(slack.reached > 0 for slack in exercised)
            return (
                f"pass: {self.n_commands} commands obey {self.part} ({self.standard}); "
                f"{len(exercised)} timing rules exercised, {reached} of them reached exactly"
            )
        total = sum(self.violations.values())
        return (
            f"violation of '{self.violation.rule}' at {self.violation.time}: {self.violation.text}; "
            f"{total} violations of {len(self.violations)} rules in {self.n_commands} commands of {self.part}"
        )


class Tally:
    """Collects evidence and adds it up."""

    def __init__(self, log: CommandLog, timing_rules: Iterable[str]) -> None:
        self._log = log
        self._names = list(dict.fromkeys(timing_rules))
        self._exercised = dict.fromkeys(self._names, 0)
        self._reached = dict.fromkeys(self._names, 0)
        self._minimum: dict[str, int] = {}
        self._violations: dict[str, int] = {}
        self._first: tuple[int, int, Violation] | None = None
        self._command_slack = np.full(len(log), _FAR, np.int64)
        self._tightest = np.full(len(log), -1, np.int64)

    def add(self, evidence: Evidence) -> None:
        """Count one rule's pairs."""
        slack = evidence.slack
        if not len(slack):
            return
        rule = evidence.rule
        if rule in self._exercised:
            self._exercised[rule] += len(slack)
            self._reached[rule] += int((slack == 0).sum())
            self._minimum[rule] = min(self._minimum.get(rule, _FAR), int(slack.min()))
            self._tighten(evidence)
        broken = np.flatnonzero(slack < 0)
        if len(broken):
            self._violations[rule] = self._violations.get(rule, 0) + len(broken)
            self._keep_first(evidence, broken)

    def _tighten(self, evidence: Evidence) -> None:
        real = evidence.after >= 0
        after, slack = evidence.after[real], evidence.slack[real]
        previous = self._command_slack[after]
        np.minimum.at(self._command_slack, after, slack)
        self._tightest[after[slack < previous]] = self._names.index(evidence.rule)

    def _keep_first(self, evidence: Evidence, broken: Indices) -> None:
        after = np.where(evidence.after[broken] < 0, len(self._log), evidence.after[broken])
        at = int(broken[np.lexsort((after, evidence.time[broken]))[0]])
        key = (int(evidence.time[at]), int(evidence.after[at]) if evidence.after[at] >= 0 else len(self._log))
        if self._first is None or key < self._first[:2]:
            self._first = (*key, self._violation(evidence, at))

    def _violation(self, evidence: Evidence, at: int) -> Violation:
        before = None if evidence.before[at] < 0 else int(evidence.before[at])
        after = None if evidence.after[at] < 0 else int(evidence.after[at])
        required = None if evidence.required is None else int(evidence.required[at])
        actual = None if evidence.actual is None else int(evidence.actual[at])
        words = [self._log.describe(after) if after is not None else "a refresh is missing"]
        if before is not None:
            words.append(f"after {self._log.describe(before)}")
        if required is not None and evidence.rule.startswith("tREFI"):
            words.append(f"due at {required}")
        elif required is not None:
            words.append(f"distance {actual}, rule {required}")
        return Violation(evidence.rule, int(evidence.time[at]), before, after, required, actual, ", ".join(words))

    def report(self, part: str, standard: str) -> Report:
        """The sum."""
        slack = {
            name: Slack(self._minimum.get(name), self._exercised[name], self._reached[name]) for name in self._names
        }
        return Report(
            part,
            standard,
            len(self._log),
            None if self._first is None else self._first[2],
            self._violations,
            slack,
            self._command_slack,
            self._tightest,
        )
