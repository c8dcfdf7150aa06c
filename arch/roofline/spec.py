"""Spec of a processor that is known by its peaks, and by how much of them its kernels reach."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from bitline.base.document import Document
from bitline.traces.operator import Kind

Peak = Annotated[float, Field(gt=0, le=1e9)]
Share = Annotated[float, Field(gt=0, le=1)]


class KernelEfficiency(Document):
    """What the kernels of one kind of operator reach: by default all, at no cost of their own."""

    compute: Share = Field(1.0, description="share of the peak FLOP/s")
    bandwidth: Share = Field(1.0, description="share of the memory bandwidth")
    overhead_us: Annotated[float, Field(ge=0, le=1e6)] = Field(
        0.0, description="time of a kernel that has nothing to do: its launch on the device, its ramp and its drain"
    )


class ProcessorSpec(Document):
    """Peaks of a processor with its memory."""

    peak_tflops: Peak = Field(description="dense peak in the number format of the run")
    bandwidth_gb_s: Peak
    memory_gb: Peak = Field(description="decimal GB")
    power_w: Peak = Field(description="board or package power while it works")
    efficiency: dict[Kind, KernelEfficiency] = Field(
        default_factory=dict, description="by kind of operator; a kind that is not named reaches the peaks"
    )
