"""The validation page: today's rows, and how far off they are."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from bitline.sim.validate.rows import Row

_HEAD = """# Validation

Made by `bitline validate --markdown docs/validation.md`; never edited by hand. Numbers that differ by a rule, and why,
stand in [deviations](deviations.md).

"""


def validation_page(rows: Sequence[Row]) -> str:
    """Markdown: a summary by origin, then every row."""
    lines = ["| origin | rows | within tolerance | median error % | worst error % |", "|---|---|---|---|---|"]
    for origin in dict.fromkeys(row.reference.origin for row in rows):
        chosen = [row for row in rows if row.reference.origin == origin]
        errors = [abs(row.error_pct) for row in chosen]
        passed = sum(row.passed for row in chosen)
        lines.append(f"| {origin} | {len(chosen)} | {passed} | {statistics.median(errors):.3f} | {max(errors):.3f} |")
    lines += ["", "| name | metric | origin | reference | simulated | error % | allowed % | pass |", "|" + "---|" * 8]
    for row in rows:
        said = row.reference
        lines.append(
            f"| {said.name} | {said.metric} | {said.origin} | {said.reference:.10g} | {row.simulated:.10g} | "
            f"{row.error_pct:+.3f} | {said.tolerance_pct:g} | {'yes' if row.passed else '**no**'} |"
        )
    return _HEAD + "\n".join(lines) + "\n"
