"""The bound level over columns of design points.

Points that differ in numbers alone (smooth.py) form a group. Its documents are read and checked once, as those of one
of its points; its operators are looked at once, with arrays in place of the numbers. What has no such path is run
point by point, each distinct point once: systems with an NPU, and values that no document takes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from bitline.arch.systems.system import System, load_system
from bitline.base.errors import BitlineError, SpecError
from bitline.sim.run.batch_plan import BatchWorkload
from bitline.sim.run.bound_metrics import BoundMetrics
from bitline.sim.run.run import plan
from bitline.sim.study.bound_columns.metrics import NUMBERS, MetricColumns
from bitline.sim.study.bound_columns.pim import put_pim
from bitline.sim.study.bound_columns.point_columns import Array, PointColumns
from bitline.sim.study.bound_columns.processors import put_batches, put_passes
from bitline.sim.study.bound_columns.smooth import accepted, smooth_field
from bitline.sim.study.point import Point
from bitline.sim.study.point_run import one_line, simulate

AT_ONCE = 1 << 15
"""Rows whose arrays stay in the caches of a processor."""
BATCHED = ("lengths", "tensor", "pipeline")
MEMORY = "processor.memory_gb"


def bound_of_points(points: Iterable[Point]) -> MetricColumns:
    """The bound level of some points, whatever level they ask for. Raises SpecError as `bound_columns` does."""
    return bound_columns(PointColumns.of(points))


def bound_columns(points: PointColumns) -> MetricColumns:
    """The metrics of every point, equal to those of one-point runs with `level="bound"`.

    A point that cannot be run fails with the reason of its run. Raises SpecError for a setting that no point could
    have.
    """
    found = MetricColumns(points.rows)
    for rows in points.groups(["system"], np.arange(points.rows)):
        _one_system(points, rows, found)
    return found


def _one_system(points: PointColumns, rows: Array, found: MetricColumns) -> None:
    name = points.value("system", int(rows[0]))
    try:
        system = load_system(name)
    except SpecError:
        # Its settings may make it whole; if not, its points say why.
        _one_by_one(points, rows, found)
        return
    smooth, fine = _smooth(points, rows, system)
    structure = [one for one in points.names if one not in smooth and one != "level"]
    if not fine.all():
        _one_by_one(points, rows[~fine], found)
    if system.npu is not None:
        _one_by_one(points, rows[fine], found)
        return
    for group in points.groups(structure, rows[fine]):
        _one_group(points, group, smooth, found)


def _smooth(points: PointColumns, rows: Array, system: System) -> tuple[list[str], Array]:
    """Settings that points of a group may differ in, and on which rows their values are accepted."""
    batched = any(points.codes(name)[1] > 1 or points.value(name, 0) for name in BATCHED if name in points.names)
    names, fine = [], np.ones(len(rows), bool)
    for path in points.settings:
        field, column = smooth_field(system, path), points.numbers(path)
        # A batch takes what fits in the memory, so that size changes more than numbers.
        if field is None or column is None or (batched and path == MEMORY):
            continue
        names.append(path)
        fine &= accepted(field, column[rows])
    return names, fine


def _one_group(points: PointColumns, rows: Array, smooth: Sequence[str], found: MetricColumns) -> None:
    """Points that differ in smooth settings alone."""
    arguments = points.point(int(rows[0]), "bound").arguments()
    arguments.pop("level")
    try:
        planned = plan(**arguments)
        put = put_pim if planned.system.asic is not None else put_passes
        if isinstance(planned.workload, BatchWorkload):
            put = put_batches
        columns = {path: points.numbers(path) for path in smooth}
        put(planned, {path: column for path, column in columns.items() if column is not None}, _chunks(rows), found)
        found.in_columns += len(rows)
    except BitlineError as error:
        if isinstance(error, SpecError) and error.file == "--set":
            raise
        found.fail(rows, _said(error))


def _said(error: BitlineError) -> Callable[[int], str]:
    text = one_line(str(error))
    return lambda row: text


def _chunks(rows: Array) -> Iterator[Array]:
    return (rows[start : start + AT_ONCE] for start in range(0, len(rows), AT_ONCE))


def _one_by_one(points: PointColumns, rows: Array, found: MetricColumns) -> None:
    """Run each distinct point."""
    found.one_by_one += len(rows)
    for group in points.groups([name for name in points.names if name != "level"], rows):
        found.runs += 1
        try:
            result = simulate(points.point(int(group[0]), "bound"))
        except BitlineError as error:
            if isinstance(error, SpecError) and error.file == "--set":
                raise
            found.fail(group, _said(error))
            continue
        numbers: dict[str, Any] = {name: getattr(result, name) for name in NUMBERS}
        found.put(group, BoundMetrics(**numbers, bottleneck=0, limits=(result.bottleneck,)))
