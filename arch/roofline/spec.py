"""Spec of a processor that is known by its peaks alone."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from bitline.base.document import Document

Peak = Annotated[float, Field(gt=0, le=1e9)]


class ProcessorSpec(Document):
    """Peaks of a processor with its memory."""

    peak_tflops: Peak = Field(description="dense peak in the number format of the run")
    bandwidth_gb_s: Peak
    memory_gb: Peak = Field(description="decimal GB")
    power_w: Peak = Field(description="board or package power while it works")
