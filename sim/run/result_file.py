"""Results that were written: the result.json of a run."""

from __future__ import annotations

from pathlib import Path

from bitline.base.errors import TraceError
from bitline.sim.run.result import Result
from bitline.traces.strict_json import read_json

RESULT_NAME = "result.json"
MAX_RESULT_BYTES = 256 << 20


def read_result(path: str | Path) -> Result:
    """The result of a file, or of the folder of a run. Raises TraceError."""
    file = Path(path)
    if file.is_dir():
        file = file / RESULT_NAME
        if not file.is_file():
            raise TraceError(f"holds no {RESULT_NAME}", file=path, expected="the folder of `bitline run --out`")
    return Result.from_dict(read_json(file, MAX_RESULT_BYTES, TraceError), file)
