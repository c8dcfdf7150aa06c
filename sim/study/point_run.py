"""One point, run to an outcome: whatever goes wrong in it stays in it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from bitline.base.errors import BitlineError, InternalError, SpecError
from bitline.sim.run.result import Result
from bitline.sim.study.point import METRICS, Point
from bitline.sim.study.store import Outcome

Runner = Callable[[Point], Result]

MAX_ERROR_CHARS = 300


def simulate(point: Point) -> Result:
    """Run a point on the simulator."""
    import bitline

    result: Result = bitline.run(**point.arguments())
    return result


def run_point(runner: Runner, key: str, point: Point) -> Outcome:
    """The outcome of a point. Out get an interrupt, and a setting that no point could have (SpecError of `--set`)."""
    try:
        result = runner(point).to_dict()
        # What cannot be written as JSON is found here, as an error of this point.
        json.dumps(result, allow_nan=False)
    except BitlineError as error:
        if isinstance(error, SpecError) and error.file == "--set":
            raise
        return failed(key, point, str(error))
    except Exception as error:
        return failed(key, point, f"internal error, {type(error).__name__}: {error}")
    row = point.to_dict() | {"policy": result["policy"], "status": "done"} | {name: result[name] for name in METRICS}
    return Outcome(key, "done", row, result)


def failed(key: str, point: Point, error: str) -> Outcome:
    """The outcome of a point that came to nothing, with the reason in one line."""
    return Outcome(key, "failed", point.to_dict() | {"status": "failed", "error": one_line(error)})


def one_line(error: str) -> str:
    """A reason as the table of a study says it."""
    return " ".join(error.split())[:MAX_ERROR_CHARS]


def refusal(check: Callable[..., None], *arguments: Any) -> str:
    """What a check says that refuses its arguments, as the table of a study says it."""
    try:
        check(*arguments)
    except BitlineError as error:
        return one_line(str(error))
    raise InternalError(f"{check.__name__} refused what it accepts")
