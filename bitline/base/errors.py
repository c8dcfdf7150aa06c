"""The errors a user can meet. Each prints as one line: where, what is wrong, what was expected."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path

MAX_LINE_CHARS = 300
MAX_PATH_CHARS = 120


class BitlineError(Exception):
    """Something in the input is wrong. `exit_status` is what the command line ends with."""

    exit_status = 2

    def __init__(
        self,
        problem: str,
        *,
        file: str | Path | None = None,
        line: int | None = None,
        field: str | None = None,
        expected: str | None = None,
    ) -> None:
        self.problem = problem
        self.file = None if file is None else str(file)
        self.line = line
        self.field = field
        self.expected = expected
        super().__init__(problem)

    def __str__(self) -> str:
        where = self.file or ""
        if len(where) > MAX_PATH_CHARS:
            where = "..." + where[3 - MAX_PATH_CHARS :]
        if where and self.line is not None:
            where += f":{self.line}"
        parts = [where] if where else []
        if self.field:
            parts.append(self.field)
        parts.append(self.problem)
        text = ": ".join(parts)
        if self.expected:
            text += f"; expected {self.expected}"
        text = " ".join(text.split())
        return text if len(text) <= MAX_LINE_CHARS else text[: MAX_LINE_CHARS - 3] + "..."


class SpecError(BitlineError):
    """A document (spec, system, policy, study) says something that cannot be."""


class TraceError(BitlineError):
    """A trace (operators, memory requests, commands) is damaged or says something that cannot be."""


class CapacityError(BitlineError):
    """Something does not fit: a model in a memory, a context in its reserved rows, a number in its range."""


class OutputError(BitlineError):
    """A file or folder that was asked for cannot be written."""


class MissingExtraError(BitlineError):
    """An optional library is needed and not installed."""

    def __init__(self, library: str, extra: str, purpose: str) -> None:
        super().__init__(f"{purpose} needs {library}", expected=f"pip install 'bitline[{extra}]'")


class InternalError(BitlineError):
    """An invariant of the simulator is broken: a defect of ours, not of the input."""

    exit_status = 3


class DeadlockError(InternalError):
    """Work is left and nobody will ever wake: the message says who waits for whom."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A short hint: the nearest known name, or the first few of them."""
    known = list(known)
    close = difflib.get_close_matches(str(name), known, n=1, cutoff=0.55)
    if close:
        return f"did you mean '{close[0]}'?"
    shown = ", ".join(known[:12])
    return f"known: {shown}{', ...' if len(known) > 12 else ''}"
