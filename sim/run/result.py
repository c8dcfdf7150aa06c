"""What a run says: time, energy, traffic and the bottleneck, for the whole and for each operator."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pydantic

from bitline.base.errors import TraceError

SCHEMA = 1


@dataclass(frozen=True)
class OperatorResult:
    """One operator by name; alike layers and tokens are added up."""

    name: str
    kind: str
    unit: str
    level: str
    count: int
    time_s: float
    """Time during which the run waited for this operator: the rows sum to the run's time."""
    bound_time_s: float
    overlapped_s: float
    """Its own time that other operators hid."""
    energy_j: float
    bottleneck: str
    flops: float
    bytes: float
    commands: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Result:
    """One run. `energy_parts_j` sum to `energy_j`; `resolved` documents in `provenance` are enough to run it again."""

    system: str
    policy: str
    workload: dict[str, Any]
    level: str
    time_s: float
    bound_time_s: float
    tokens: int
    tokens_per_s: float
    time_per_token_s: float
    energy_j: float
    power_w: float
    energy_parts_j: dict[str, float]
    bottleneck: str
    traffic_bytes: dict[str, float]
    utilisation: dict[str, float]
    row_hit_rate: float | None
    counts: dict[str, int]
    fast_forward: dict[str, Any]
    operators: tuple[OperatorResult, ...]
    provenance: dict[str, Any]
    stages: tuple[dict[str, Any], ...] = ()
    """What ran between barriers, where the system has them: name, count, time_s, shares of units."""
    lanes: dict[str, Any] | None = None
    """Utilisation over the time of one layer, on request: bin_s, stages, lanes."""
    pipeline: tuple[dict[str, Any], ...] = ()
    """Of a model cut into a pipeline, the first iteration: stage, micro_batch, time_s, send_s to get there."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        # Not dataclasses.asdict: its copies of copies took longer than a sweep's whole work on a point.
        return {
            "schema": SCHEMA,
            **{name: dict(value) if isinstance(value, dict) else value for name, value in vars(self).items()},
            "stages": list(self.stages),
            "pipeline": list(self.pipeline),
            "operators": [vars(operator) | {"commands": dict(operator.commands)} for operator in self.operators],
        }

    @staticmethod
    def from_dict(data: Any, file: str | Path = "result") -> Result:
        """The result that `to_dict` wrote. Raises TraceError with the field that is wrong."""
        if not isinstance(data, dict) or data.get("schema") != SCHEMA:
            raise TraceError("is not a result of `bitline run`", file=str(file), field="schema", expected=f"{SCHEMA}")
        try:
            result: Result = _ADAPTER.validate_python({key: value for key, value in data.items() if key != "schema"})
        except pydantic.ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise TraceError(first["msg"], file=str(file), field=where) from None
        for name in ("time_s", "energy_j"):
            if not math.isfinite(getattr(result, name)):
                raise TraceError("is not a finite number", file=str(file), field=name)
        return result


_ADAPTER: pydantic.TypeAdapter[Result] = pydantic.TypeAdapter(Result)
