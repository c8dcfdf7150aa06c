"""Spec of an NPU: cores of systolic arrays, a vector unit, scratchpads, DMA, and the network to the memory."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from bitline.base.document import Document, Library
from bitline.base.units import Megahertz
from bitline.traces.dtypes import BITS, DType

CORES = Library("NPU", Path(__file__).parent / "cores")

Count = Annotated[int, Field(ge=1, le=1 << 16)]
Size = Annotated[int, Field(ge=1, le=1 << 40)]
Cycles = Annotated[int, Field(ge=0, le=1 << 20)]
Amount = Annotated[float, Field(ge=0, le=1e9)]

Rule = Literal["scale-sim", "onnxim", "neupims", "independent"]
Dataflow = Literal["output", "weight", "input"]


class ArraySpec(Document):
    """Systolic arrays of one core."""

    source: str
    rows: Count
    columns: Count
    count: Count = Field(1, description="arrays of a core")
    dataflow: Dataflow = Field(description="operand that stands still: output, weight or input")
    rule: Rule = Field(description="when blocks may start: see the array core")
    weight_double_buffer: bool = Field(False, description="the next weights are shifted in while the array computes")
    macs_per_pe: dict[DType, Annotated[int, Field(ge=1, le=64)]] = Field(
        description="products of a PE and cycle by number format; more than one are summed along k"
    )

    @model_validator(mode="after")
    def _possible(self) -> ArraySpec:
        if self.rule in ("onnxim", "neupims") and self.dataflow != "weight":
            raise ValueError(f"rule {self.rule} holds weights, got dataflow {self.dataflow}; expected dataflow weight")
        if self.rule in ("scale-sim", "onnxim") and self.count > 1:
            raise ValueError(f"rule {self.rule} knows one array, got count {self.count}; expected count 1")
        if self.rule == "neupims" and self.count > self.rows:
            raise ValueError(f"{self.count} arrays share {self.rows} rows; expected count at most rows")
        if self.dataflow == "output" and self.weight_double_buffer:
            raise ValueError("weight_double_buffer where no weights are held; expected dataflow weight or input")
        if not self.macs_per_pe:
            raise ValueError("macs_per_pe names no number format; expected at least one")
        return self


class ScratchpadSpec(Document):
    """On-chip memory of operands, cut into `buffers` equal parts that are filled in turn."""

    source: str
    bytes: Size
    buffers: Annotated[int, Field(ge=1, le=64)] = Field(2, description="tiles at a time: 2 loads one, computes one")
    sharing: Literal["parts", "pool"] = Field(
        "parts", description="parts: each tile has a part of its own; pool: as many tiles as fit, the results too"
    )
    banks: Count = 1
    word_bytes: Count = Field(description="width of a bank")

    @model_validator(mode="after")
    def _possible(self) -> ScratchpadSpec:
        if self.bytes < self.buffers * self.banks * self.word_bytes:
            least = self.buffers * self.banks * self.word_bytes
            raise ValueError(f"{self.bytes} bytes hold no word of every bank and buffer; expected at least {least}")
        return self


class AccumulatorSpec(Document):
    """On-chip memory of results."""

    source: str
    bytes: Size
    buffers: Annotated[int, Field(ge=1, le=64)] = Field(2, description="results at a time: 2 sums one, stores one")
    element_bytes: Literal[1, 2, 4, 8]


class VectorSpec(Document):
    """Vector units of one core."""

    source: str
    lanes: Annotated[int, Field(ge=1, le=1 << 20)] = Field(description="elements of a unit and cycle")
    units: Count = 1
    dispatch: Literal["serial", "always_now"] = Field(
        "serial", description="serial: an instruction waits for a free unit; always_now: it never waits"
    )
    add_cycles: Cycles = 1
    multiply_cycles: Cycles = 1
    multiply_add_cycles: Cycles = 1
    divide_cycles: Cycles = 1
    exp_cycles: Cycles = 1
    gelu_cycles: Cycles = 1
    add_tree_cycles: Cycles = 1
    scalar_add_cycles: Cycles = 1
    scalar_multiply_cycles: Cycles = 1
    scalar_sqrt_cycles: Cycles = 1


class DmaSpec(Document):
    """The engine that moves tiles between memory and scratchpad."""

    source: str
    request_bytes: Count = Field(description="a request to the memory")
    requests_per_cycle: Count = Field(description="requests that leave a core in a cycle, all channels together")
    outstanding_per_channel: Count = Field(description="requests of a core under way to one channel")


class NetworkSpec(Document):
    """Between cores and memory channels."""

    source: str
    topology: Literal["crossbar", "mesh"] = "crossbar"
    columns: Count = Field(1, description="of a mesh")
    rows: Count = Field(1, description="of a mesh")
    clock_mhz: Megahertz
    hop_cycles: Annotated[int, Field(ge=1, le=1 << 16)]
    port_bytes_per_cycle: Count = Field(description="of a core's port, each direction")

    @model_validator(mode="after")
    def _possible(self) -> NetworkSpec:
        if self.topology == "crossbar" and self.rows * self.columns > 1:
            raise ValueError("rows and columns of a crossbar; expected topology mesh, or 1 x 1")
        return self


class EnergySpec(Document):
    """Energy of the cores. The memory's stands in its part."""

    source: str
    mac_pj: Amount
    sram_pj_per_byte: Amount = Field(description="a byte read from or written to scratchpad or accumulator")
    vector_op_pj: Amount = Field(description="one operation on one element")
    network_pj_per_byte: Amount = Field(description="a byte over one hop")
    static_mw: Amount = Field(description="leakage and clock of all cores, all the time")


class NpuSpec(Document):
    """An NPU without its memory."""

    schema_: Literal[1] = Field(1, alias="schema")
    description: str
    source: str
    clock_mhz: Megahertz
    cores: Annotated[int, Field(ge=1, le=1024)]
    array: ArraySpec
    accumulator_dtype: Literal["fp32", "fp16", "bf16", "int32"] = Field(description="what products are summed in")
    scratchpad: ScratchpadSpec
    accumulator: AccumulatorSpec
    vector: VectorSpec
    dma: DmaSpec
    network: NetworkSpec
    energy: EnergySpec

    @model_validator(mode="after")
    def _possible(self) -> NpuSpec:
        array, network = self.array, self.network
        least = self.accumulator.buffers * array.rows * array.columns * self.accumulator.element_bytes
        if array.dataflow == "output" and self.accumulator.bytes < least:
            raise ValueError(f"accumulator.bytes is less than a block of results; expected at least {least}")
        least = self.accumulator.buffers * array.columns * self.accumulator.element_bytes
        if self.accumulator.bytes < least:
            raise ValueError(f"accumulator.bytes is less than a row of results; expected at least {least}")
        least = self.scratchpad.buffers * array.rows * min(BITS[name] for name in array.macs_per_pe) // 8
        if self.scratchpad.bytes < least * (array.columns if array.dataflow != "output" else 1):
            raise ValueError("scratchpad.bytes holds no operand of one block in each buffer; expected more bytes")
        if network.topology == "mesh" and network.rows * network.columns < self.cores:
            raise ValueError(
                f"a mesh of {network.columns} x {network.rows} for {self.cores} cores; expected a place for each"
            )
        return self

    @property
    def period_ps(self) -> float:
        """A cycle of the cores."""
        return 1e6 / self.clock_mhz

    @property
    def tile_bytes(self) -> int:
        """Operands of one tile: a buffer of the scratchpad."""
        return self.scratchpad.bytes // self.scratchpad.buffers

    @property
    def result_elements(self) -> int:
        """Results of one tile: a buffer of the accumulator."""
        return self.accumulator.bytes // self.accumulator.buffers // self.accumulator.element_bytes

    def macs_per_cycle(self, dtype: DType) -> int:
        """Peak of all cores together."""
        return self.cores * self.array.count * self.array.rows * self.array.columns * self.array.macs_per_pe[dtype]

    def hops(self, core: int) -> int:
        """Routers from a core to the memory: of a mesh, down to the edge where the channels are."""
        return 1 if self.network.topology == "crossbar" else 1 + core // self.network.columns


def load_npu(name: str, settings: dict[str, Any] | None = None) -> NpuSpec:
    """The NPU of that name or file. Raises SpecError."""
    return CORES.load(name, NpuSpec, settings)
