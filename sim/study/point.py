"""A design point, and the names of what a row of a study's table holds."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, TypeAlias

from bitline.base.document import scalar

Level = Literal["cycle", "bound"]
Phase = Literal["prefill", "decode", "generate"]
Row: TypeAlias = dict[str, Any]

GENERATE: Phase = "generate"

SETTING_PATH = re.compile(r"[A-Za-z_][\w-]*(\.[\w-]+)*")

METRICS = (
    "time_s",
    "bound_time_s",
    "tokens_per_s",
    "time_per_token_s",
    "energy_j",
    "power_w",
    "row_hit_rate",
    "bottleneck",
)


@dataclass(frozen=True)
class Point:
    """One design point: the arguments of one run."""

    system: str
    policy: str | None
    model: str
    phase: Phase
    batch: int
    context: int | None
    prompt: int | None
    tokens: int | None
    level: Level
    settings: dict[str, Any] = field(default_factory=dict)
    lengths: str | None = None
    seed: int | None = None
    tensor: int | None = None
    pipeline: int | None = None
    dtype: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain data. What only some runs know is left out where it is not given."""
        return {name: value for name, value in asdict(self).items() if value is not None or name not in _ONLY_SOME_RUNS}

    def arguments(self) -> dict[str, Any]:
        """The arguments of `bitline.run` by name, without those that are not given."""
        said = {name: value for name, value in asdict(self).items() if value is not None}
        if not self.settings:
            del said["settings"]
        return said

    def command(self) -> str:
        """The command line that runs this point alone."""
        words = ["bitline", "run", self.system]
        for name in ("model", "phase", "batch", "context", "prompt", "tokens", *_ONLY_SOME_RUNS, "policy"):
            value = getattr(self, name)
            if value is not None:
                words += [f"--{name}", str(value)]
        for path, value in sorted(self.settings.items()):
            words += ["--set", f"{path}={_as_written(value)}"]
        return shlex.join([*words, "--level", self.level])

    def columns(self) -> Row:
        """The point as columns of a row: its fields, and its settings by path."""
        row = self.to_dict()
        return row | dict(row.pop("settings"))


_ONLY_SOME_RUNS = ("lengths", "seed", "tensor", "pipeline", "dtype")
PARAMETERS = tuple(known.name for known in fields(Point) if known.name != "settings")


def _as_written(value: Any) -> str:
    """A value as `--set` reads it: text as it stands where it is read as text."""
    if isinstance(value, str) and re.fullmatch(r"[\w./+-]+( [\w./+-]+)*", value):
        try:
            if isinstance(scalar(value), str):
                return value
        except ValueError:
            pass  # nan and inf, which are text in quotes only
    return json.dumps(value, ensure_ascii=False)
