"""The bound of a group of points on a PIM system: each program once, with columns in the spec of the ASIC."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from bitline.sim.run.pim_result import bound_metrics
from bitline.sim.run.pim_run import PimRun, check_sram, vectors_bytes
from bitline.sim.run.run import Plan
from bitline.sim.run.workload import Workload
from bitline.sim.schedule.policy import Policy
from bitline.sim.study.bound_columns.metrics import MetricColumns
from bitline.sim.study.bound_columns.point_columns import Array
from bitline.sim.study.bound_columns.smooth import with_columns
from bitline.sim.study.point_run import refusal

SRAM = "asic.sram_bytes"
ENDLESS = 1 << 62
MAX_KEPT = 256
"""Tokens whose work is kept from one chunk of rows to the next."""


def put_pim(planned: Plan, columns: Mapping[str, Array], chunks: Iterable[Array], found: MetricColumns) -> None:
    """Every token at its bound. `columns`: smooth settings of all points; `chunks`: rows of this group."""
    workload, policy, asic = planned.workload, planned.policy, planned.system.asic
    assert isinstance(workload, Workload)
    assert isinstance(policy, Policy)
    assert asic is not None
    # Whether the vectors fit is looked at row by row below.
    system = planned.system.model_copy(update={"asic": asic.model_copy(update={"sram_bytes": ENDLESS})})
    run = PimRun(planned.system_name, system, policy, workload, fast_forward=True, logging=False)
    first, sram_bytes = workload.trace(workload.contexts[0]), columns.get(SRAM)
    needed = max((size for _operator, size in vectors_bytes(first)), default=0)

    def reason(row: int) -> str:
        return refusal(check_sram, first, asic.sram_bytes if sram_bytes is None else sram_bytes[row].item())

    tokens = list(run.tokens()) if len(workload.contexts) <= MAX_KEPT else None
    for rows in chunks:
        columns_of_asic = with_columns(planned.system, {path: column[rows] for path, column in columns.items()}).asic
        assert columns_of_asic is not None
        run.forget()
        for trace, work in run.tokens() if tokens is None else tokens:
            run.add_bound(columns_of_asic, trace, work)
        found.put(rows, bound_metrics(run))
        fits = np.broadcast_to(asic.sram_bytes if sram_bytes is None else sram_bytes[rows], len(rows)) >= needed
        if not fits.all():
            found.fail(rows[~fits], reason)
