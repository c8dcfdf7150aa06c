"""The bound of a group of points on a processor: each operator once, with columns in the processor's spec."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from bitline.sim.run.batch_plan import BatchWorkload
from bitline.sim.run.bound_run import BoundRun, check_memory, needed_gb
from bitline.sim.run.gpu_batch import GpuBatchRun
from bitline.sim.run.run import Plan
from bitline.sim.run.workload import Workload
from bitline.sim.study.bound_columns.metrics import MetricColumns
from bitline.sim.study.bound_columns.point_columns import Array
from bitline.sim.study.bound_columns.smooth import with_columns
from bitline.sim.study.point_run import refusal

MEMORY = "processor.memory_gb"


def put_passes(planned: Plan, columns: Mapping[str, Array], chunks: Iterable[Array], found: MetricColumns) -> None:
    """Requests one pass after the other. `columns`: smooth settings of all points; `chunks`: rows of this group."""
    workload, processor = planned.workload, planned.system.processor
    assert isinstance(workload, Workload)
    assert processor is not None
    needed, memory_gb = needed_gb(workload), columns.get(MEMORY)

    def reason(row: int) -> str:
        return refusal(check_memory, workload, processor.memory_gb if memory_gb is None else memory_gb[row].item())

    for rows in chunks:
        system = with_columns(planned.system, {path: column[rows] for path, column in columns.items()})
        run = BoundRun(planned.system_name, system, workload)
        run.add_up()
        found.put(rows, run.metrics())
        fits = np.broadcast_to(processor.memory_gb if memory_gb is None else memory_gb[rows], len(rows)) >= needed
        if not fits.all():
            found.fail(rows[~fits], reason)


def put_batches(planned: Plan, columns: Mapping[str, Array], chunks: Iterable[Array], found: MetricColumns) -> None:
    """Requests in a batch, on processors that may share a model."""
    assert isinstance(planned.workload, BatchWorkload)
    for rows in chunks:
        system = with_columns(planned.system, {path: column[rows] for path, column in columns.items()})
        run = GpuBatchRun(planned.system_name, system, planned.workload)
        run.run()
        found.put(rows, run.metrics())
