from collections import deque
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitline.arch.npu.body import ARRAY, LOAD, STORE, VECTOR
from bitline.arch.npu.jobs import AttentionJob, Epilogue, GemmJob, Operand, Rows, VectorJob, packed_bytes
from bitline.arch.npu.lower import Lowered, lower
from bitline.arch.npu.mapping import Mapping, load_mapping
from bitline.arch.npu.memory_map import MemoryMap
from bitline.arch.npu.nest import For, encode, rows_of
from bitline.arch.npu.spec import load_npu
from bitline.base.errors import CapacityError, SpecError
from bitline.csrc.systolic.core import NPU_BODY

from .conftest import LaneTimer, interpret, make_gemm

KINDS = ("scale-sim", "onnxim", "neupims", "traffic")


def big_memory(interleave_bytes: int = 2048) -> MemoryMap:
    return MemoryMap(capacity_bytes=1 << 40, interleave_bytes=interleave_bytes)


def unpadded_memory() -> MemoryMap:
    """Tiles are as long as their elements."""
    return big_memory(1)


def mapping_of(kind: str, **fields: object) -> Mapping:
    return Mapping.model_validate({"kind": kind, **fields})


class Queues:
    """The three in-order queues of a core, without time: what a program may rely on."""

    def __init__(self) -> None:
        self.fifos: list[deque[tuple[int, int]]] = [deque(), deque(), deque()]
        self.macs = self.load_bytes = self.store_bytes = self.stored = 0
        self.open = False
        self.finished: deque[bool] = deque()

    def run(self, nest: list) -> "Queues":
        for address, row in interpret(nest):
            kind = row["kind"]
            if kind == LOAD:
                assert address >= 0
                self.fifos[row["operand"]].append((address, int(row["rows"]) * int(row["row_bytes"])))
                self.load_bytes += int(row["rows"]) * int(row["row_bytes"])
            elif kind == STORE:
                assert self.finished.popleft()
                self.stored += 1
                self.store_bytes += int(row["rows"]) * int(row["row_bytes"])
            else:
                self._execute(row)
        assert not any(self.fifos), "an entry is left in a FIFO"
        assert not self.open
        assert not self.finished
        return self

    def _execute(self, row) -> None:
        for fifo in range(3):
            if row["operand"] >> fifo & 1:
                assert self.fifos[fifo], "an operand that nobody loads"
            if row["pop"] >> fifo & 1:
                assert row["operand"] >> fifo & 1
                self.fifos[fifo].popleft()
        assert bool(row["first"]) != self.open
        self.open = not row["last"]
        if row["last"]:
            self.finished.append(True)
        if row["kind"] == ARRAY:
            self.macs += int(row["rows"]) * int(row["row_bytes"]) * int(row["pitch"])


def run_all(lowered: Lowered) -> list[Queues]:
    return [Queues().run(nest) for nest in lowered.nests]


SIZES = st.integers(1, 300)
GEMMS = st.builds(
    lambda m, k, n, batch, bits: make_gemm(m, k, n, bits=bits, batch=batch),
    SIZES,
    SIZES,
    SIZES,
    st.integers(1, 4),
    st.sampled_from([8, 16]),
)
NPUS = st.sampled_from(["neupims-npu", "edge-npu", "scale-sim-default", "onnxim-small", "tpu-v4-like"])
LAYOUTS = st.sampled_from(["tiled", "row_major", "ideal_stream"])


@settings(max_examples=40, deadline=None)
@given(GEMMS, NPUS, st.sampled_from(KINDS), LAYOUTS, st.sampled_from([None, "mn", "nm"]))
def test_a_product_is_made_once_and_whole(job, npu, kind, layout, order):
    try:
        lowered = lower(job, load_npu(npu), mapping_of(kind, layout=layout, order=order), big_memory())
    except CapacityError:
        return
    queues = run_all(lowered)
    assert sum(queue.macs for queue in queues) == job.macs == lowered.counts.macs
    assert sum(queue.store_bytes for queue in queues) >= packed_bytes(job.batch * job.m * job.n, job.results.bits)
    loaded = sum(queue.load_bytes for queue in queues)
    assert loaded == lowered.counts.load_bytes
    assert loaded + lowered.counts.store_bytes >= job.unique_bytes


@settings(max_examples=40, deadline=None)
@given(GEMMS, st.sampled_from(["none", "activations", "weights"]), st.tuples(*[st.integers(1, 6)] * 3), LAYOUTS)
def test_manual_tiles_with_a_resident_operand(job, resident, pieces, layout):
    sizes = zip(("tile_m", "tile_k", "tile_n"), (job.m, job.k, job.n), pieces)
    fields = {name: -(-size // count) for name, size, count in sizes}
    spec = load_npu("tpu-v4-like")
    lowered = lower(job, spec, mapping_of("manual", resident=resident, layout=layout, **fields), big_memory())
    assert sum(queue.macs for queue in run_all(lowered)) == job.macs


def covered(rows, tensor: str, kind: int) -> dict[int, int]:
    """How often each byte of a tensor is moved."""
    found: dict[int, int] = {}
    for row in rows:
        if row.kind == kind and row.tensor == tensor:
            for line in range(row.rows):
                start = row.address + line * row.pitch
                for byte in range(start, start + row.row_bytes):
                    found[byte] = found.get(byte, 0) + 1
    return found


@settings(max_examples=40, deadline=None)
@given(st.tuples(*[st.integers(1, 30)] * 3), st.tuples(*[st.integers(3, 12)] * 3), st.integers(1, 3), st.booleans(),
       st.sampled_from(["tiled", "row_major"]), st.sampled_from(["none", "activations", "weights"]))  # fmt: skip
def test_tiles_cover_every_byte_of_a_tensor(shape, tile, batch, across, layout, resident):
    m, k, n = shape
    job = make_gemm(m, k, n, bits=8, batch=batch)
    job = replace(job, weights=replace(job.weights, across=across))
    fields = dict(zip(("tile_m", "tile_k", "tile_n"), tile))
    mapping = mapping_of("manual", layout=layout, resident=resident, **fields)
    lowered = lower(job, load_npu("edge-npu"), mapping, unpadded_memory())
    rows = [row for nest in lowered.nests for row in rows_of(nest)]
    loops_m, loops_n = -(-m // tile[0]), -(-n // tile[2])
    stored = covered(rows, "c", STORE)
    assert len(stored) == batch * m * n
    assert set(stored.values()) == {1}
    for tensor, size, often in (("a", m * k, loops_n), ("b", k * n, loops_m)):
        found = covered(rows, tensor, LOAD)
        kept = resident == {"a": "activations", "b": "weights"}[tensor]
        assert len(found) == batch * size
        assert set(found.values()) == {1 if kept else often}


@settings(max_examples=40, deadline=None)
@given(GEMMS, st.sampled_from(KINDS), LAYOUTS)
def test_the_program_walks_the_addresses_of_the_nest(job, kind, layout):
    lowered = lower(job, load_npu("scale-sim-default"), mapping_of(kind, layout=layout), big_memory())
    for nest in lowered.nests:
        told = [(row.address if row.kind in (LOAD, STORE) else None, row.kind) for row in rows_of(nest)]
        walked = [
            (address if row["kind"] in (LOAD, STORE) else None, int(row["kind"])) for address, row in interpret(nest)
        ]
        assert walked == told


def test_a_product_of_any_size_is_a_short_program():
    lowered = lower(
        make_gemm(1 << 16, 1 << 16, 1 << 16), load_npu("tpu-v4-like"), load_mapping("traffic"), big_memory()
    )
    assert lowered.counts.macs == 1 << 48
    assert all(len(program.body) <= 60 for program in lowered.programs)


def test_the_loop_over_k_is_a_loop():
    lowered = lower(make_gemm(256, 4096, 512), load_npu("neupims-npu"), load_mapping("neupims"), big_memory())
    (nest,) = lowered.nests
    body, items = encode(nest)
    assert body.dtype == NPU_BODY
    (over_n,) = items
    assert over_n.trips == 2
    (loop,) = (item for item in over_n.items if hasattr(item, "trips"))
    assert loop.trips == 14
    assert lowered.programs[0] is not None
    assert lowered.programs[0].executions.sum() == lowered.counts.rows


def test_a_stream_is_one_line_after_the_other():
    lowered = lower(make_gemm(256, 1024, 512), load_npu("neupims-npu"), load_mapping("neupims-stream"), big_memory())
    moves = [(row.address, row.moved_bytes) for row in rows_of(lowered.nests[0]) if row.kind in (LOAD, STORE)]
    end = 0
    for address, size in moves:
        assert address == end
        end = address + -(-size // 64) * 64


def test_tiles_in_one_piece_are_whole_lines_of_every_channel():
    mapping = mapping_of("manual", tile_m=64, tile_k=60, tile_n=64)
    lowered = lower(make_gemm(70, 130, 100), load_npu("edge-npu"), mapping, big_memory())
    rows = [row for row in rows_of(lowered.nests[0]) if row.tensor == "b"]
    assert all(row.address % 2048 == 0 == row.row_bytes % 2048 for row in rows)
    slots = sorted((row.address, row.row_bytes) for row in rows)
    assert all(low == high or low[0] + low[1] <= high[0] for low, high in pairwise(slots))


def test_edges_are_rows_of_their_own():
    mapping = mapping_of("manual", tile_m=64, tile_k=64, tile_n=64)
    lowered = lower(make_gemm(70, 130, 100), load_npu("edge-npu"), mapping, big_memory())
    tiles = {(row.rows, row.row_bytes, row.pitch) for row in rows_of(lowered.nests[0]) if row.kind == ARRAY}
    assert tiles == {(m, k, n) for m in (64, 6) for k in (64, 2) for n in (64, 36)}


def test_cores_share_the_tiles():
    spec = load_npu("tpu-v4-like")
    lowered = lower(make_gemm(2048, 2048, 2048), spec, load_mapping("onnxim"), big_memory())
    macs = [queue.macs for queue in run_all(lowered)]
    assert len(macs) == 4
    assert max(macs) == min(macs)


def test_more_cores_than_tiles_leave_some_idle():
    mapping = mapping_of("manual", tile_m=8, tile_k=8, tile_n=8)
    lowered = lower(make_gemm(8, 8, 8), load_npu("tpu-v4-like"), mapping, big_memory())
    assert [program is not None for program in lowered.programs].count(True) == 1


def test_bias_and_epilogue_work_on_the_accumulator(timer):
    epilogue = (Epilogue("gelu"), Epilogue("add", Operand("residual", 16)))
    job = make_gemm(200, 300, 400, bias=Operand("bias", 16, kept=True), epilogue=epilogue)
    lowered = lower(job, load_npu("neupims-npu"), load_mapping("traffic"), unpadded_memory(), timer)
    (queue,) = run_all(lowered)
    assert queue.macs == job.macs
    rows = list(rows_of(lowered.nests[0]))
    assert all(row.fused for row in rows if row.kind == VECTOR)
    assert sum(row.rows * row.row_bytes for row in rows if row.kind == VECTOR) == 2 * 200 * 400
    assert sum(row.moved_bytes for row in rows if row.tensor == "second1") == 200 * 400 * 2


def test_an_epilogue_over_whole_rows_has_whole_rows(timer):
    job = make_gemm(64, 128, 1000, epilogue=(Epilogue("softmax"),))
    lowered = lower(job, load_npu("neupims-npu"), load_mapping("traffic"), big_memory(), timer)
    assert {row.row_bytes for row in rows_of(lowered.nests[0]) if row.kind == VECTOR} == {1000}


def test_two_products_of_a_pe_and_cycle_halve_k():
    job = make_gemm(64, 128, 64, bits=8, macs_per_pe=2)
    lowered = lower(job, load_npu("edge-npu"), load_mapping("traffic"), big_memory())
    assert lowered.counts.macs * 2 == job.macs


def test_alike_layers_lie_alike():
    memory = big_memory()
    spec, mapping = load_npu("neupims-npu"), load_mapping("traffic")
    addresses = []
    for layer in range(2):
        job = make_gemm(64, 512, 512)
        job = replace(job, weights=replace(job.weights, name=f"layer{layer}.weight"))
        rows = [row for row in rows_of(lower(job, spec, mapping, memory).nests[0]) if row.tensor == "b"]
        addresses.append([row.address for row in rows])
    shift = addresses[1][0] - addresses[0][0]
    assert shift % (1 << 20) == 0
    assert [address + shift for address in addresses[0]] == addresses[1]


def test_a_tensor_that_does_not_fit_in_memory_says_what_is_missing():
    memory = MemoryMap(capacity_bytes=1 << 20)
    with pytest.raises(CapacityError, match=f"{2 * 1024 * 1024 - (1 << 20)} bytes .* are missing"):
        lower(make_gemm(1, 1024, 1024), load_npu("neupims-npu"), load_mapping("traffic"), memory)


def test_activations_lie_above_and_are_forgotten():
    memory = MemoryMap(capacity_bytes=16 << 20)
    weight, activation = memory.keep("weight", 3 << 20), memory.passes("x", 1000)
    assert weight == 0
    assert activation == 15 << 20
    assert memory.passes("y", 2 << 20) == 13 << 20
    assert memory.passes("x", 900) == activation
    memory.release()
    assert memory.passes("z", 10) == 15 << 20
    with pytest.raises(CapacityError):
        memory.keep("more", 13 << 20)


# --- passes of the vector unit ---


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 3000), st.integers(1, 4000), NPUS, st.integers(1, 3))
def test_a_pass_moves_every_row_once(rows, elements, npu, n_inputs):
    inputs = tuple(Rows(f"x{i}", 16, elements) for i in range(n_inputs))
    job = VectorJob("pass", "add", rows, elements, inputs, (Rows("y", 16, elements),))
    try:
        lowered = lower(job, load_npu(npu), load_mapping("traffic"), big_memory(), LaneTimer())
    except CapacityError:
        return
    queues = run_all(lowered)
    assert sum(queue.load_bytes for queue in queues) == n_inputs * rows * elements * 2
    assert sum(queue.store_bytes for queue in queues) == rows * elements * 2
    assert lowered.counts.vector_elements == rows * elements


def test_a_norm_loads_its_weight_once_a_core(timer):
    inputs = (Rows("x", 16, 4096), Rows("gamma", 16, 4096, kept=True, shared=True))
    job = VectorJob("norm", "rmsnorm", 256, 4096, inputs, (Rows("y", 16, 4096),))
    lowered = lower(job, load_npu("neupims-npu"), load_mapping("traffic"), big_memory(), timer)
    run_all(lowered)
    assert lowered.counts.load_bytes == (256 + 1) * 4096 * 2


def test_a_row_that_does_not_fit_is_refused_with_what_is_missing(timer):
    job = VectorJob("softmax", "softmax", 4, 1 << 20, (Rows("x", 16, 1 << 20),), (Rows("y", 16, 1 << 20),))
    with pytest.raises(CapacityError, match="bytes are missing"):
        lower(job, load_npu("onnxim-small"), load_mapping("traffic"), big_memory(), timer)


# --- attention in one nest ---


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 64), st.integers(1, 3000), st.sampled_from([64, 128]), st.integers(1, 6), NPUS)
def test_attention_meets_every_key_once(m, keys, dim, heads, npu):
    def cache(name: str, **fields: object) -> Operand:
        return Operand(name, 16, kept=True, layout="rows", matrices=heads, reserved_rows=4096, **fields)

    def activation(name: str) -> Operand:
        return Operand(name, 16, layout="rows", matrices=heads)

    job = AttentionJob("attention", m, keys, dim, dim, activation("q"), cache("k"), cache("v", across=True),
                       activation("y"), heads)  # fmt: skip
    try:
        lowered = lower(job, load_npu(npu), load_mapping("traffic"), big_memory(), LaneTimer())
    except CapacityError:
        return
    queues = run_all(lowered)
    assert sum(queue.macs for queue in queues) == job.macs
    rows = [row for nest in lowered.nests for row in rows_of(nest)]
    queries = sum(row.tensor == "query" for row in rows) // heads
    caches = 2 * heads * keys * dim * 2
    assert lowered.counts.load_bytes + lowered.counts.store_bytes == job.unique_bytes + (queries - 1) * caches
    if queries > 1:
        return
    reached = sorted((row.address, row.moved_bytes) for row in rows if row.tensor == "key")
    assert sum(size for _, size in reached) == heads * keys * dim * 2
    assert all(low + size <= high for (low, size), (high, _) in pairwise(reached))


def test_empty_products_and_missing_units_are_refused():
    spec, mapping = load_npu("neupims-npu"), load_mapping("traffic")
    with pytest.raises(SpecError):
        lower(make_gemm(8, 8, 8, epilogue=(Epilogue("gelu"),)), spec, mapping, big_memory())
    operands = Operand("a", 16), Operand("b", 16), Operand("c", 16)
    with pytest.raises(SpecError, match="at least 1 x 1 x 1"):
        lower(
            GemmJob("none", 0, 8, 8, *operands), spec, mapping_of("manual", tile_m=1, tile_k=1, tile_n=1), big_memory()
        )


def test_loops_of_one_turn_are_no_loops():
    lowered = lower(make_gemm(8, 8, 8), load_npu("neupims-npu"), load_mapping("traffic"), big_memory())
    assert not any(isinstance(item, For) for item in lowered.nests[0])
