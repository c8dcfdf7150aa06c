"""The results that a user names: files, folders of runs, points of sweeps."""

from __future__ import annotations

import re
from pathlib import Path

from bitline.arch.systems.system import SYSTEMS
from bitline.base.errors import TraceError
from bitline.sim.run.result import Result
from bitline.sim.run.result_file import RESULT_NAME, read_result

_POINT = re.compile(r"(.+):([0-9]{1,12})")


def found_result(name: str) -> Result | None:
    """The result that a name stands for; None where it names none, and may be a system. Raises TraceError."""
    from bitline.sim.cli.study_summary import is_study_folder
    from bitline.sim.study import open_study

    path = Path(name)
    point = _POINT.fullmatch(name)
    if point is not None and is_study_folder(Path(point[1])):
        if int(point[2]) < 1:
            raise TraceError("has no point 0", file=point[1], expected="points from 1 on")
        return open_study(point[1]).result(int(point[2]))
    if point is not None and Path(point[1]).is_dir():
        raise TraceError("is not the folder of a sweep", file=point[1], expected="STUDY:POINT")
    if path.suffix.lower() == ".json":
        return read_result(path)
    if not name or not path.is_dir():
        return None
    if is_study_folder(path) and not (path / RESULT_NAME).is_file():
        raise TraceError("is a sweep of many points", file=path, expected=f"one of them, such as {name}:1")
    if name in SYSTEMS.names() and not (path / RESULT_NAME).is_file():
        return None  # a folder that happens to be called as a system is
    return read_result(path)
