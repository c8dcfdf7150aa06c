"""The metrics of a run at the bound level: of one design point, or of a column of them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from bitline.base.columns import Column


@dataclass(frozen=True)
class BoundMetrics:
    """What a run took. Each field is a number, or one number a design point."""

    time_s: Column
    bound_time_s: Column
    tokens_per_s: Column
    time_per_token_s: Column
    energy_j: Column
    power_w: Column
    bottleneck: Column
    """Index in `limits`."""
    limits: tuple[str, ...]

    @property
    def limit(self) -> str:
        """The bottleneck of one design point by name."""
        return self.limits[self.bottleneck]

    def of_result(self) -> dict[str, Any]:
        """The fields of a Result that one design point gives."""
        said = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "limits"}
        return {**said, "level": "bound", "bottleneck": self.limit}
