"""What the evaluation of a rule yields: pairs of commands with the distance found and the distance asked for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Evidence:
    """Pairs of one rule, as row indices of the log. An index of -1 means: there is no such command.

    `slack` is how much later (for a limit: earlier) than allowed the command came; negative is a violation, which
    became one at `time`. Rules about states have no distances: `required` is None and slack is -1 for each violation.
    """

    rule: str
    before: Indices
    after: Indices
    time: Indices
    slack: Indices
    required: Indices | None = None
    actual: Indices | None = None

    @staticmethod
    def of_state(rule: str, found: list[tuple[int, int]], cycle: Indices) -> Evidence:
        """Violations of a rule about states: (command that set the state or -1, command that broke the rule)."""
        pairs = np.array(found, np.int64).reshape(-1, 2)
        return Evidence(rule, pairs[:, 0], pairs[:, 1], cycle[pairs[:, 1]], np.full(len(pairs), -1, np.int64))
