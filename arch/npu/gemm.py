"""Matrix products as loop nests: tiles of the results outside, k inside, a range of them for each core.

The results of a producer are taken to lie as its consumer wants them: stores write tiles in the order in which they are
made, and moving elements between layouts costs nothing beyond those bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from bitline.arch.npu.body import ACTIVATIONS, ARRAY, OTHERS, VECTOR, WEIGHTS, Row, load, store
from bitline.arch.npu.jobs import GemmJob, Operand, VectorTimer
from bitline.arch.npu.memory_map import MemoryMap
from bitline.arch.npu.nest import For, times
from bitline.arch.npu.places import Cut, Place, place, slot_bytes
from bitline.arch.npu.tiling import Tiling, ceil_div
from bitline.base.errors import SpecError

Nest = list[Row | For]


def gemm_nests(job: GemmJob, tiling: Tiling, memory: MemoryMap, timer: VectorTimer | None, cores: int) -> list[Nest]:
    """A nest a core; empty for a core without a tile. Raises CapacityError where the tensors do not fit in memory."""
    if job.epilogue and timer is None:
        raise SpecError(f"'{job.name}' has an epilogue and nobody says how long it takes", expected="a vector unit")
    if min(job.m, job.k, job.n, job.batch) < 1:
        raise SpecError(f"'{job.name}' of {job.m} x {job.k} x {job.n}", expected="at least 1 x 1 x 1")
    product = _Product(job, tiling, memory, timer)
    bounds = [core * product.units // cores for core in range(cores + 1)]
    return [product.nest(low, high) for low, high in pairwise(bounds)]


@dataclass(frozen=True)
class _Unit:
    """A tile of the results: indices in the loops."""

    batch: int
    outer: int
    inner: int


class _Product:
    """One product in tiles. `outer` and `inner` are the loops over m and n, in the tiling's order."""

    def __init__(self, job: GemmJob, tiling: Tiling, memory: MemoryMap, timer: VectorTimer | None) -> None:
        self.job, self.tiling, self.timer = job, tiling, timer
        self.m, self.k, self.n = Cut(job.m, tiling.tile_m), Cut(job.k, tiling.tile_k), Cut(job.n, tiling.tile_n)
        self.m_outside = tiling.order == "mn"
        self.outer, self.inner = (self.m, self.n) if self.m_outside else (self.n, self.m)
        self.units = job.batch * self.outer.count * self.inner.count
        self.whole_a, self.whole_b = tiling.resident == "activations", tiling.resident == "weights"
        whole_k = Cut(job.k, job.k)
        self.weights = place(job.weights, self.n, whole_k if self.whole_b else self.k, memory)
        least = 0
        if not (self.whole_a or self.whole_b) and job.activations.layout == "tiled" == job.weights.layout:
            # Activations as far apart as weights: both move alike in the loop over k, so that it stays a loop.
            least = slot_bytes(job.weights.bits, self.n.tile * self.k.tile, memory)
        self.activations = place(job.activations, self.m, whole_k if self.whole_a else self.k, memory, least)
        self.results = self._as_results(job.results, memory)
        self.bias = place(job.bias, self.n, Cut(1, 1), memory) if job.bias else None
        self.seconds = [self._as_results(step.operand, memory) if step.operand else None for step in job.epilogue]
        self.strides = self._strides()

    def _as_results(self, operand: Operand, memory: MemoryMap) -> Place:
        return place(operand, self.m, self.n, memory)

    def _strides(self) -> dict[str, dict[str, int]]:
        """By loop (batch, outer, inner, k), what a turn adds to the addresses of each operand."""
        found: dict[str, dict[str, int]] = {"batch": {}, "m": {}, "n": {}, "k": {}}
        a, b, c = self.activations, self.weights, self.results
        found["m"] = {"a": a.outer_stride, "c": c.outer_stride}
        found["n"] = {"b": b.outer_stride, "c": c.inner_stride}
        found["k"] = {"a": a.inner_stride, "b": b.inner_stride}
        found["batch"] = {"a": a.batch_stride, "b": b.batch_stride, "c": c.batch_stride}
        if self.bias:
            found["n"]["bias"] = self.bias.outer_stride
        for number, second in enumerate(self.seconds):
            if second:
                found["m"][f"second{number}"] = second.outer_stride
                found["n"][f"second{number}"] = second.inner_stride
                found["batch"][f"second{number}"] = second.batch_stride
        found["outer"], found["inner"] = (found["m"], found["n"]) if self.m_outside else (found["n"], found["m"])
        return found

    # --- loops over tiles of the results ---

    def nest(self, low: int, high: int) -> Nest:
        """Tiles from `low` up to `high`, counted in the order of the loops."""
        of_batch = self.outer.count * self.inner.count

        def batches(first: int, start: int, end: int) -> Nest:
            return self._outer_tiles(first, start, end)

        return _ranges(low, high, of_batch, self.job.batch, self.strides["batch"], batches)

    def _outer_tiles(self, batch: int, low: int, high: int) -> Nest:
        def tiles(outer: int, start: int, end: int) -> Nest:
            return self._group(batch, outer, start, end)

        return _ranges(low, high, self.inner.count, self.outer.alike, self.strides["outer"], tiles)

    def _group(self, batch: int, outer: int, low: int, high: int) -> Nest:
        """Tiles of one outer index; its resident operand is loaded before and left after them."""
        items: Nest = []
        m, n = (self.m.of(outer), 0) if self.m_outside else (0, self.n.of(outer))
        if self.whole_a:
            items.append(load("a", ACTIVATIONS, self.activations.at(batch, outer, 0), *self._span_a(m, self.job.k)))
        if self.whole_b:
            items.append(load("b", WEIGHTS, self.weights.at(batch, outer, 0), *self._span_b(n, self.job.k)))
        full = min(high, self.inner.alike) - low
        # The last tile differs where a resident operand leaves with it.
        alike = full - 1 if (self.whole_a or self.whole_b) and full == high - low else full
        items += times(alike, self._unit(_Unit(batch, outer, low), last=False), self.strides["inner"])
        for inner in range(low + max(0, alike), high):
            items += self._unit(_Unit(batch, outer, inner), last=inner == high - 1)
        return items

    # --- one tile of the results ---

    def _unit(self, unit: _Unit, *, last: bool) -> Nest:
        m_index, n_index = (unit.outer, unit.inner) if self.m_outside else (unit.inner, unit.outer)
        m, n = self.m.of(m_index), self.n.of(n_index)
        items: Nest = []
        if self.bias:
            rows, row_bytes, pitch = self.bias.span(n, 1)
            items.append(load("bias", OTHERS, self.bias.at(0, n_index, 0), rows, row_bytes, pitch))

        def k_tile(index: int) -> list[Row]:
            return self._k_tile(unit.batch, m_index, n_index, index, m, n, leaves=last and index == self.k.count - 1)

        middle = self.k.count - 2
        items += k_tile(0)
        items += times(max(0, middle), k_tile(1) if middle > 0 else [], self.strides["k"])
        if self.k.count > 1:
            items += k_tile(self.k.count - 1)
        items += self._epilogue(unit.batch, m_index, n_index, m, n)
        items.append(store("c", self.results.at(unit.batch, m_index, n_index), *self.results.span(m, n)))
        return items

    def _k_tile(self, batch: int, m_index: int, n_index: int, index: int, m: int, n: int, *, leaves: bool) -> list[Row]:
        k = self.k.of(index)
        first, last = index == 0, index == self.k.count - 1
        rows: list[Row] = []
        reads = 1 << ACTIVATIONS | 1 << WEIGHTS
        pop = 0
        if not self.whole_a:
            rows.append(load("a", ACTIVATIONS, self.activations.at(batch, m_index, index), *self._span_a(m, k)))
            pop |= 1 << ACTIVATIONS
        if not self.whole_b:
            rows.append(load("b", WEIGHTS, self.weights.at(batch, n_index, index), *self._span_b(n, k)))
            pop |= 1 << WEIGHTS
        if leaves:
            pop = reads
        if first and self.bias:
            reads, pop = reads | 1 << OTHERS, pop | 1 << OTHERS
        depth = ceil_div(k, self.job.macs_per_pe)
        finished = last and not self.job.epilogue
        rows.append(Row(ARRAY, 0, reads, pop, first=int(first), last=int(finished), rows=m, row_bytes=depth, pitch=n))
        return rows

    def _epilogue(self, batch: int, m_index: int, n_index: int, m: int, n: int) -> list[Row]:
        rows: list[Row] = []
        for number, (step, second) in enumerate(zip(self.job.epilogue, self.seconds)):
            assert self.timer is not None
            mask = 0
            if second:
                rows.append(load(f"second{number}", OTHERS, second.at(batch, m_index, n_index), *second.span(m, n)))
                mask = 1 << OTHERS
            last = number == len(self.job.epilogue) - 1
            cycles = self.timer.cycles(step.function, m, n)
            rows.append(Row(VECTOR, 0, mask, mask, last=int(last), rows=m, row_bytes=n, cycles=cycles, fused=1))
        return rows

    def _span_a(self, m: int, k: int) -> tuple[int, int, int]:
        return self.activations.span(m, k)

    def _span_b(self, n: int, k: int) -> tuple[int, int, int]:
        return self.weights.span(n, k)


def _ranges(
    low: int, high: int, each: int, alike: int, strides: dict[str, int], body: Callable[[int, int, int], Nest]
) -> Nest:
    """Units `low` to `high` of indices with `each` units: a begun index, whole ones as a loop, a part of one.

    `alike`: indices from there on differ from the others.
    """
    items: Nest = []
    index, start = divmod(low, each)
    last, rest = divmod(high, each)
    if low >= high:
        return items
    if start:
        items += body(index, start, each if last > index else rest)
        index += 1
    whole = min(last, alike)
    if whole > index:
        items += times(whole - index, body(index, 0, each), strides)
        index = whole
    if index < last:
        items += body(index, 0, each)
        index += 1
    if rest and index == last:
        items += body(index, 0, rest)
    return items
