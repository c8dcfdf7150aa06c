"""An NPU core against the reference: every answer, address and count, cycle by cycle."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitline.base.errors import DeadlockError, SpecError

LOAD, ARRAY, VECTOR, STORE = range(4)
ARRAYS = [
    {"rows": 4, "columns": 4},
    {"rows": 8, "columns": 4, "weight_double_buffer": True},
    {"rows": 4, "columns": 8, "dataflow": "output"},
    {"rows": 4, "columns": 4, "arrays": 3, "rule": "independent", "weight_double_buffer": True},
    {"rows": 8, "columns": 8, "rule": "onnxim"},
    {"rows": 4, "columns": 4, "arrays": 2, "rule": "neupims"},
]
CORES = st.fixed_dictionaries(
    {
        "array": st.sampled_from(ARRAYS),
        "fifos": st.tuples(*[st.integers(1, 3)] * 3),
        "accumulators": st.integers(1, 3),
        "port_bytes": st.sampled_from([0, 0, 16, 64]),
    }
)
MEMORIES = st.fixed_dictionaries(
    {
        "channels": st.integers(0, 3),
        "latency": st.lists(st.integers(0, 60), min_size=1, max_size=5).map(tuple),
        "bytes_per_cycle": st.sampled_from([8, 64, 1000]),
    }
)


class Nests:
    """Draws nests that pair up and cannot deadlock: what a row reads is loaded just before it.

    FIFOs 0 and 1 belong to ARRAY rows and 2 to VECTOR rows, but for entries that one VECTOR row alone reads.
    """

    def __init__(self, draw, fifos):
        self.draw, self.fifos = draw, fifos

    def some(self, low, high):
        return self.draw(st.integers(low, high))

    def maybe(self):
        return self.draw(st.booleans())

    def moved(self, kind, level, **fields):
        rows = self.some(1, 3)
        return {
            "kind": kind,
            "rows": rows,
            "row_bytes": self.some(1, 200),
            "pitch": 0 if rows == 1 else self.some(0, 500),
            "offset": 64 * self.some(0, 100),
            "strides": self.draw(st.lists(st.integers(-3, 1000), max_size=level)),
            **fields,
        }

    def tile(self, mask, pop=0, **flags):
        size = {"rows": self.some(1, 20), "row_bytes": self.some(1, 20), "pitch": self.some(1, 20)}
        return {
            "kind": ARRAY,
            "operand": mask,
            "pop": pop,
            "stall": self.draw(st.sampled_from([0, 0, 3])),
            **size,
            **flags,
        }

    def vector(self, mask, pop, **flags):
        return {
            "kind": VECTOR,
            "operand": mask,
            "pop": pop,
            "cycles": self.some(0, 20),
            "rows": 1,
            "row_bytes": 1,
            **flags,
        }

    def block(self, level, held=()):
        """Some results in a row, with nothing left in the FIFOs that it did not find there."""
        items, live = [], [int(fifo in held) for fifo in range(3)]
        for _result in range(self.some(1, 3)):
            shape = self.draw(st.sampled_from(["arrays", "arrays", "vector", "reduction", "loop"]))
            if shape == "loop" and level < 2:
                inner = [fifo for fifo in range(3) if live[fifo]]
                items.append(("loop", self.some(0, 3), 64 * self.some(-2, 9), self.block(level + 1, inner)))
            elif shape == "vector":
                items += self.own_vector(level, live, held)
            else:
                items += self.product(level, live, held, shape == "reduction")
        while any(live[fifo] and fifo not in held for fifo in (0, 1)):
            mask = sum(1 << fifo for fifo in (0, 1) if live[fifo] and fifo not in held)
            items += [self.tile(mask, mask, first=1, last=1), self.moved(STORE, level)]
            live[:2] = [live[fifo] - (mask >> fifo & 1) for fifo in (0, 1)]
        while live[2] and 2 not in held:
            items += [self.vector(4, 4, first=1, last=1), self.moved(STORE, level)]
            live[2] -= 1
        return items

    def reads(self, items, fifos, level, live, held):
        """(mask, pop) of a row that may read some FIFOs; loads what is not there."""
        mask = pop = 0
        for fifo in fifos:
            if not self.maybe():
                continue
            if not live[fifo]:
                live[fifo] = self.some(1, min(2, self.fifos[fifo]))
                items += [self.moved(LOAD, level, operand=fifo) for _ in range(live[fifo])]
            mask |= 1 << fifo
            if fifo not in held and self.maybe():
                pop |= 1 << fifo
                live[fifo] -= 1
        return mask, pop

    def own_vector(self, level, live, held):
        items = []
        for i in range(n := self.some(1, 2)):
            mask, pop = self.reads(items, [2], level, live, held)
            for fifo in (0, 1):
                if not live[fifo] and self.maybe():
                    items.append(self.moved(LOAD, level, operand=fifo))
                    mask, pop = mask | 1 << fifo, pop | 1 << fifo
            items.append(self.vector(mask, pop, first=int(i == 0), last=int(i == n - 1)))
        return [*items, self.moved(STORE, level)]

    def product(self, level, live, held, reduction):
        items = []
        items.append(self.tile(*self.reads(items, (0, 1), level, live, held), first=1))
        if reduction:
            mine = [fifo for fifo in (0, 1) if not live[fifo]]
            mask = sum(1 << fifo for fifo in mine)
            loads = [self.moved(LOAD, level + 1, operand=fifo) for fifo in mine]
            items.append(("loop", self.some(0, 4), self.some(0, 256), [*loads, self.tile(mask, mask)]))
        for _more in range(self.some(0, 3)):
            if self.maybe():
                items.append(self.vector(*self.reads(items, [2], level, live, held), fused=1))
            else:
                items.append(self.tile(*self.reads(items, (0, 1), level, live, held)))
        if self.maybe():
            items.append(self.vector(*self.reads(items, [2], level, live, held), fused=1, last=1))
        else:
            items.append(self.tile(*self.reads(items, (0, 1), level, live, held), last=1))
        return [*items, self.moved(STORE, level)]


@st.composite
def cases(draw, most=4):
    """(core, memory, programs, side tasks)."""
    core, memory = draw(CORES), draw(MEMORIES)
    programs, came = [], 1
    for task in range(draw(st.integers(1, most))):
        items = Nests(draw, core["fifos"]).block(0)
        programs.append((came, task, items, draw(st.integers(0, 1 << 40))))
        came += draw(st.sampled_from([0, 1, 40, 400]))
    side, came = [], 1
    for task in range(draw(st.integers(0, 5))):
        came += draw(st.integers(0, 150))
        side.append((came, task, draw(st.integers(0, 30))))
    return core, memory, programs, side


@given(case=cases())
def test_a_core_does_what_the_reference_does(reference, machine, case):
    core, memory, programs, side = case
    core, memory = reference.CoreSpec(**core), reference.MemorySpec(**memory)
    expected = reference.Reference(core, memory).run(programs, side)
    got = machine.Machine(core, memory, programs, side).run()
    assert got.answers == expected.answers
    assert got.side_answers == expected.side_answers
    assert got.transfers == expected.transfers
    assert got.core.counts() == expected.counts


@given(case=cases(most=3))
def test_what_is_loaded_is_popped_and_every_result_is_stored_once(reference, machine, case):
    core, memory, programs, side = case
    got = machine.Machine(reference.CoreSpec(**core), reference.MemorySpec(**memory), programs, side).run()
    rows = [row for _came, _task, items, _base in programs for row, _address in reference.flatten(items)]
    for asked in got.transfers:
        assert len(asked) == sum(row["kind"] in (LOAD, STORE) for row in rows)
        assert sum(write for _cycle, write, *_ in asked) == sum(row.get("first", 0) for row in rows)
    counts = got.core.counts()
    assert counts["tiles"] == sum(row["kind"] == ARRAY for row in rows)
    assert counts["vector_busy"] == sum(row["cycles"] for row in rows if row["kind"] == VECTOR)
    assert counts["side_busy"] == sum(cycles for _came, _task, cycles in side)
    assert [task for _cycle, task, _start in got.answers] == list(range(len(programs)))
    assert all(sent == taken for *_, sent, taken in got.simulator.messages())


@given(case=cases(most=3), cut=st.integers(0, 2000), waken=st.lists(st.integers(0, 2000), max_size=20))
def test_a_reset_core_is_as_new_and_wake_ups_for_nothing_do_nothing(reference, machine, case, cut, waken):
    core, memory, programs, side = case
    got = machine.Machine(reference.CoreSpec(**core), reference.MemorySpec(**memory), programs, side)
    expected = got.run().outcome()
    got.simulator.reset()
    got.simulator.run(until=1000 * cut)
    got.simulator.reset()
    for cycle in sorted(waken):
        got.simulator.run(until=1000 * cycle - 1)
        got.simulator.wake(got.core, 1000 * cycle)
    assert got.run().outcome() == expected


@given(
    array=st.sampled_from(ARRAYS),
    tiles=st.lists(st.tuples(*[st.integers(1, 40)] * 3), min_size=1, max_size=12),
    fifos=st.tuples(*[st.integers(1, 16)] * 3),
)
def test_with_operands_at_once_a_product_takes_what_its_tiles_take(reference, machine, array, tiles, fifos):
    """A load a cycle is the only other limit: with places enough it is that of the arrays alone."""
    items = []
    for i, (m, k, n) in enumerate(tiles):
        flags = {"first": int(i == 0), "last": int(i == len(tiles) - 1)}
        items += [_load(0), {"kind": ARRAY, "operand": 1, "pop": 1, "rows": m, "row_bytes": k, "pitch": n, **flags}]
    core = reference.CoreSpec(array, fifos=(16, *fifos[1:]), accumulators=1)
    got = machine.Machine(core, reference.MemorySpec(channels=0), [(1, 0, [*items, _store()], 0)]).run()
    # The program comes in cycle 1, and loads one tile in each cycle.
    spec = dict(array)
    alone = reference.SystolicArray(spec.pop("rows"), spec.pop("columns"), **spec)
    times = [alone.run([tile], ready=1 + i)[0] for i, tile in enumerate(tiles)]
    assert [cycle for cycle, *_ in got.answers] == [max(int(row["done"]) for row in times)]
    counts = got.core.counts()
    assert counts["macs"] == sum(m * k * n for m, k, n in tiles)
    assert counts["array_busy"] == sum(int(row["busy_cycles"]) for row in times)


def _load(fifo, **fields):
    return {"kind": LOAD, "operand": fifo, "rows": 1, "row_bytes": 64, "pitch": 0, **fields}


def _store(**fields):
    return {"kind": STORE, "rows": 1, "row_bytes": 64, "pitch": 0, **fields}


def _tile(mask=3, pop=3, **flags):
    return {"kind": ARRAY, "operand": mask, "pop": pop, "rows": 4, "row_bytes": 4, "pitch": 4, **flags}


def _vector(cycles, mask=0, pop=0, **flags):
    return {"kind": VECTOR, "operand": mask, "pop": pop, "cycles": cycles, "rows": 1, "row_bytes": 1, **flags}


WHOLE = {"first": 1, "last": 1}
PRODUCT = [_load(0), _load(1), _tile(**WHOLE), _store()]


@pytest.fixture
def run(reference, machine):
    """`run(programs, side, memory..., core...)`: a machine that has run."""

    def build(programs, side=(), *, latency=(20,), channels=1, **core):
        memory = reference.MemorySpec(channels, latency)
        core = reference.CoreSpec({"rows": 4, "columns": 4}, **core)
        return machine.Machine(core, memory, programs, side).run()

    return build


def test_an_address_is_base_offset_and_a_stride_for_each_loop(run):
    load = _load(1, offset=8, strides=(1000, 10))
    items = [("loop", 2, 100_000, [("loop", 3, 1, [load, _tile(2, 2, **WHOLE), _store(offset=4)])])]
    (asked,) = run([(1, 0, items, 1 << 33)]).transfers
    turns = [(i, j) for i in range(2) for j in range(3)]
    moved = [address - (1 << 33) for _cycle, write, *_, address in asked if not write]
    assert moved == [8 + 100_000 * i + j + 1000 * i + 10 * j for i, j in turns]
    assert [address - (1 << 33) for _, write, *_, address in asked if write] == [4 + 100_000 * i + j for i, j in turns]


def test_weights_come_ahead_of_the_programs_before_and_activations_wait(run):
    got = run([(1, 0, [_load(0, offset=1), *PRODUCT[1:]], 0), (1, 1, [_load(1), _load(0, offset=1), *PRODUCT[2:]], 64)])
    first_end = got.answers[0][0]
    at = {(write, address): cycle for cycle, write, *_, address in got.transfers[0]}
    # In the order of the rows and one a cycle, for as long as nothing has to wait.
    assert [at[False, address] for address in (1, 0, 64)] == [2, 3, 4]
    assert at[True, 0] < first_end
    assert at[False, 65] == first_end + 1  # a message takes a cycle


def test_the_queue_of_loads_is_in_order(run):
    """Weights behind activations that have to wait do not go past them."""
    got = run([(1, 0, PRODUCT, 0), (1, 1, PRODUCT, 64)])
    cycles = [cycle for cycle, write, *_, address in got.transfers[0] if not write and address == 64]
    assert cycles == [got.answers[0][0] + 1, got.answers[0][0] + 2]


def test_a_tile_after_a_fused_row_waits_for_its_result(run):
    """Scores, softmax, values: the second product takes what the vector unit made of the first."""
    middle = _vector(500, fused=1)
    items = [_load(0), _load(1), _tile(first=1), middle, _load(1), _tile(2, 2, last=1), _store()]
    without = [item for item in items if item is not middle]
    assert run([(1, 0, items, 0)]).answers[0][0] >= run([(1, 0, without, 0)]).answers[0][0] + 500


def test_tasks_of_the_vector_unit_alone_go_before_rows_of_programs(run):
    own = [_vector(100, **WHOLE), _store(), _vector(100, **WHOLE), _store()]
    got = run([(1, 0, own, 0)], [(50, 0, 30), (60, 1, 7)], channels=0)
    assert got.side_answers == [(131, 0, 101), (138, 1, 131)]
    assert got.answers == [(238, 0, 1)]


def test_a_program_that_loads_nothing_starts_with_its_first_row(run):
    assert run([(5, 3, [_vector(40, **WHOLE), _store()], 0)], channels=0).answers == [(45, 3, 5)]


def test_a_program_of_no_rows_is_over_at_once(run):
    assert run([(5, 3, [("loop", 0, 0, PRODUCT)], 0)]).answers == [(5, 3, 5)]


def test_more_programs_than_a_core_holds_wait_for_their_turn(run):
    """Also where all that it holds end in one cycle."""
    nothing = [("loop", 0, 0, PRODUCT)]
    assert [task for _cycle, task, _start in run([(1, i, nothing, 0) for i in range(100)]).answers] == list(range(100))
    got = run([(1, i, PRODUCT, 64 * i) for i in range(50)])
    assert [task for _cycle, task, _start in got.answers] == list(range(50))


@pytest.mark.parametrize(
    ("items", "says"),
    [
        ([_load(0), _tile(1, 0, **WHOLE), _store()], "loads 1 entries of FIFO 0 and pops 0"),
        ([_tile(4, 4, **WHOLE), _store()], "loads 0 entries of FIFO 2 and pops 1"),
        ([_tile(0, 0, **WHOLE)], "begins 1 results, finishes 1 and stores 0"),
        ([_tile(0, 0, first=1), _store()], "begins 1 results, finishes 0 and stores 1"),
        ([("loop", 2, 0, [_load(0)]), _tile(1, 1, **WHOLE), _store()], "loads 2 entries of FIFO 0 and pops 1"),
        ([_tile(8, 0, **WHOLE), _store()], "operand FIFO that is not there"),
        ([_load(3), _tile(0, 0, **WHOLE), _store()], "operand FIFO that is not there"),
        ([_load(-1), _tile(0, 0, **WHOLE), _store()], "operand FIFO that is not there"),
        # Flags of rows that do not compute count for nothing.
        ([_load(0), _tile(1, 0, **WHOLE), _store(pop=1)], "loads 1 entries of FIFO 0 and pops 0"),
        ([_load(0, first=1), _tile(1, 1, last=1), _store()], "begins 0 results, finishes 1 and stores 1"),
        ([_tile(0, 0, first=2, last=1), _store()], "begins 0 results, finishes 1 and stores 1"),
        ([_tile(0, 0, **WHOLE), _vector(1, fused=1, **WHOLE), _store(), _store()], "fused row that begins a result"),
        ([_vector(-1, **WHOLE), _store()], "row of -1 cycles"),
        ([{**_tile(0, 0, **WHOLE), "kind": 4}, _store()], "row of kind 4"),
    ],
)
def test_a_program_that_does_not_pair_up_is_refused(machine, reference, items, says):
    core, memory = reference.CoreSpec({"rows": 4, "columns": 4}), reference.MemorySpec()
    with pytest.raises(SpecError, match=says):
        machine.Machine(core, memory, [(1, 0, items, 0)])


@pytest.mark.parametrize(
    "items",
    [
        # The weights come behind a third tile of activations, for which there is no room before the first is popped.
        [*[_load(0)] * 3, _load(1), _tile(3, 3, first=1), _tile(1, 1), _tile(1, 1, last=1), _store()],
        # A third result is begun, and none was finished.
        [*[_tile(0, 0, first=1)] * 3, *[_tile(0, 0, last=1)] * 3, *[_store()] * 3],
        # A result goes on that was never begun.
        [_tile(0, 0, last=1), _store(), _tile(0, 0, first=1)],
    ],
)
def test_a_program_that_cannot_end_is_told_as_a_deadlock(run, items):
    with pytest.raises(DeadlockError, match="'core' waits for a message"):
        run([(1, 0, items, 0)])
