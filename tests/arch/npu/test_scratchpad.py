"""Bank conflicts against an access-by-access count."""

import itertools
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitline.arch.npu.operand_streams import Arrays, Tile, padded, tile_stall
from bitline.arch.npu.scratchpad import Banks, Stream, extra_cycles, padded_pitch
from bitline.base.errors import CapacityError, SpecError

BANKS = st.builds(Banks, st.integers(1, 12), st.sampled_from([1, 2, 4, 6, 8, 16, 32]), st.integers(1, 2))


def cycle_by_cycle(banks, streams):
    """Serve step after step, in each cycle as many words of each bank as it has ports."""
    extra = 0
    for step in range(max((s.start + s.steps for s in streams), default=0)):
        wanted = set()
        for s in streams:
            if s.start <= step < s.start + s.steps:
                for item in range(s.count):
                    address = s.first + item * s.stride + (step - s.start) * s.pitch
                    wanted |= {(s.operand, byte // banks.word_bytes) for byte in range(address, address + s.item_bytes)}
        waiting = Counter(word % banks.banks for _, word in wanted)
        cycles = 0
        while waiting:
            waiting = Counter({b: n - banks.ports for b, n in waiting.items() if n > banks.ports})
            cycles += 1
        extra += max(0, cycles - 1)
    return extra


@st.composite
def streams(draw):
    """Up to three operands, each of up to three streams."""
    found = []
    for operand in "abc"[: draw(st.integers(1, 3))]:
        pitch = draw(st.integers(-300, 300))
        for _ in range(draw(st.integers(1, 3))):
            steps, size = draw(st.integers(0, 40)), draw(st.integers(1, 70))
            first = draw(st.integers(0, 400)) + 13_000
            count, stride = draw(st.integers(1, 5)), draw(st.integers(-200, 200))
            found.append(Stream(operand, first, size, pitch, steps, draw(st.integers(0, 20)), count, stride))
    return found


@given(BANKS, streams())
def test_extra_cycles_are_those_of_every_access(banks, streams):
    assert extra_cycles(banks, streams) == cycle_by_cycle(banks, streams)


@given(BANKS, st.integers(1, 40), st.integers(-300, 300), st.integers(1, 60))
def test_a_long_stream_is_a_short_one_repeated(banks, size, pitch, steps):
    first = 100_000 * 300
    long = steps * banks.span_bytes
    one = extra_cycles(banks, [Stream("a", first, size, pitch, banks.span_bytes)])
    assert extra_cycles(banks, [Stream("a", first, size, pitch, long)]) == steps * one


@st.composite
def tiles(draw):
    """A small tile, with any pitches, on any arrays."""
    m, k, n = (draw(st.integers(1, 14)) for _ in range(3))
    size = draw(st.sampled_from([1, 2, 4]))
    dataflow = draw(st.sampled_from(["output", "weight", "input"]))
    arrays = Arrays(
        draw(st.integers(1, 6)),
        draw(st.integers(1, 6)),
        draw(st.integers(1, 3)),
        dataflow,
        dataflow != "output" and draw(st.booleans()),
    )
    a_pitch, b_pitch = k * size + draw(st.integers(0, 70)), n * size + draw(st.integers(0, 70))
    a, b, fill = (draw(st.integers(0, 300)) for _ in range(3))
    return arrays, Tile(m, k, n, size, a, a_pitch, b, b_pitch, fill, draw(st.integers(0, 20)))


def whole_tile(banks, arrays, tile):
    """A tile's conflicts element by element: which element of which matrix each array takes in which step."""
    size, total, clock = tile.element_bytes, 0, 0

    def a(i, j):
        return "a", tile.activations + i * tile.activation_pitch + j * size

    def b(i, j):
        return "b", tile.weights + i * tile.weight_pitch + j * size

    m, k, n = tile.m, tile.k, tile.n
    down, across, length = {"output": (m, n, k), "weight": (k, n, m), "input": (k, m, n)}[arrays.dataflow]
    folds = list(itertools.product(range(0, across, arrays.columns), range(0, down, arrays.rows)))
    rounds = [folds[i : i + arrays.arrays] for i in range(0, len(folds), arrays.arrays)]

    def streamed(fold, t):
        rows = range(fold[1], min(fold[1] + arrays.rows, down))
        columns = range(fold[0], min(fold[0] + arrays.columns, across))
        if not 0 <= t < length:
            return []
        if arrays.dataflow == "output":
            return [a(r, t) for r in rows] + [b(t, c) for c in columns]
        return [a(t, r) for r in rows] if arrays.dataflow == "weight" else [b(r, t) for r in rows]

    def loaded(fold, t):
        row = fold[1] + arrays.rows - 1 - t
        columns = range(fold[0], min(fold[0] + arrays.columns, across))
        if arrays.dataflow == "output" or not fold[1] <= row < down:
            return []
        return [b(row, c) if arrays.dataflow == "weight" else a(c, row) for c in columns]

    separate = arrays.dataflow != "output" and not arrays.weight_double_buffer
    for number, here in enumerate(rounds):
        following = here if separate else rounds[(number + 1) % len(rounds)]
        late = arrays.rows if separate else 0
        busy = [
            t
            for t in range(late + max(length, arrays.rows))
            if any(streamed(f, t - late) for f in here) or any(loaded(f, t) for f in following)
        ]
        for t in range(max(busy) + 1):
            wanted = set()
            for operand, address in itertools.chain(
                *(streamed(fold, t - late) for fold in here), *(loaded(fold, t) for fold in following)
            ):
                wanted |= {(operand, (address + byte) // banks.word_bytes) for byte in range(size)}
            written = tile.fill + clock * tile.fill_bytes
            wanted |= {("f", byte // banks.word_bytes) for byte in range(written, written + tile.fill_bytes)}
            bank = Counter(word % banks.banks for _, word in wanted)
            total += max(1, -(-max(bank.values(), default=0) // banks.ports)) - 1
            clock += 1
    return total


@given(BANKS, tiles())
def test_a_tile_loses_the_cycles_of_its_elements(banks, arrays_and_tile):
    arrays, tile = arrays_and_tile
    assert tile_stall(banks, arrays, tile) == whole_tile(banks, arrays, tile)


@given(st.builds(Banks, st.integers(2, 6), st.sampled_from([4, 8])), tiles())
def test_padding_loses_no_more_than_whole_words_do(banks, arrays_and_tile):
    arrays, tile = arrays_and_tile

    def words(elements):
        return -(-elements * tile.element_bytes // banks.word_bytes) * banks.word_bytes

    aligned = replace(tile, activation_pitch=words(tile.k), weight_pitch=words(tile.n))
    better = padded(banks, arrays, aligned)
    assert tile_stall(banks, arrays, better) <= tile_stall(banks, arrays, aligned)
    assert better.activation_pitch - aligned.activation_pitch < banks.span_bytes


def test_a_column_of_a_matrix_as_wide_as_the_banks_lies_in_one_bank():
    banks = Banks(banks=16, word_bytes=4)

    def column(pitch):
        return extra_cycles(banks, [Stream("a", 0, 4, 4, 16, count=16, stride=pitch)])

    assert column(64) == 16 * 15
    assert column(68) == 0
    assert padded_pitch(banks, 64, column) == 68


def test_wide_rows_and_word_edges():
    banks = Banks(banks=8, word_bytes=32)
    assert extra_cycles(banks, [Stream("a", 0, 256, 256, 100)]) == 0
    assert extra_cycles(banks, [Stream("a", 16, 256, 256, 100)]) == 100
    assert extra_cycles(banks, [Stream("a", 0, 512, 512, 100)]) == 100
    assert extra_cycles(Banks(8, 32, ports=2), [Stream("a", 0, 512, 512, 100)]) == 0


def test_arrays_that_need_the_same_words_read_them_once():
    banks = Banks(banks=8, word_bytes=32)
    assert extra_cycles(banks, [Stream("a", 0, 256, 256, 10)] * 8) == 0
    assert extra_cycles(banks, [Stream("a", 0, 256, 256, 10), Stream("b", 0, 256, 256, 10)]) == 10


def test_what_cannot_be_is_refused():
    for fields in ((0, 32), (8, 0), (8, 32, 0), (1 << 16, 1 << 16)):
        with pytest.raises(SpecError):
            Banks(*fields)
    with pytest.raises(CapacityError):
        extra_cycles(Banks(8, 32), [Stream("a", 100, 4, -64, 3)])
    with pytest.raises(SpecError, match="pitches"):
        extra_cycles(Banks(8, 32), [Stream("a", 0, 4, 64, 3), Stream("a", 0, 4, 32, 3)])
    with pytest.raises(SpecError, match="dataflow"):
        tile_stall(Banks(8, 32), Arrays(4, 4, dataflow="row"), Tile(1, 1, 1, 1, 0, 1, 0, 1))
