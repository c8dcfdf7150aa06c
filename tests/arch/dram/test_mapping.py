"""Address mappings: every string is a bijection between lines and places, or is refused with one clear sentence."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitline.arch.dram.mapping import FIELDS, field_bits, parse_mapping
from bitline.arch.dram.memory import Memory
from bitline.arch.dram.part import load_part
from bitline.base.errors import SpecError

CODES = {"ch": "h", "pc": "p", "ra": "k", "bg": "g", "ba": "b", "ro": "r", "co": "c"}
BANKS = "pkgb"


def decode(mapping, widths, line):
    """Field indices by the meaning of `sources`: each bit is an exclusive or of line bits."""
    return {
        letter: sum((sum(line >> bit & 1 for bit in bits) & 1) << i for i, bits in enumerate(mapping.sources[letter]))
        for letter in widths
    }


def decode_by_tables(mapping, widths, line):
    """Field indices by the tables that the core uses."""
    tables, place = mapping.decode_tables(), 0
    for byte in range(8):
        place ^= int(tables[byte, line >> 8 * byte & 255])
    bank = place >> 40 & 0xFFF
    fields = {"r": place & 0xFFFFFF, "c": place >> 24 & 0xFFFF, "h": place >> 52}
    for letter in reversed(BANKS):
        fields[letter] = bank & ((1 << widths[letter]) - 1)
        bank >>= widths[letter]
    return fields


def encode(mapping, widths, fields):
    """The line of a place, by solving the equations over GF(2)."""
    rows = []
    for letter in widths:
        for i, bits in enumerate(mapping.sources[letter]):
            rows.append((sum(1 << bit for bit in bits), fields[letter] >> i & 1))
    solved = {}
    for mask, value in rows:
        for pivot, (other, other_value) in solved.items():
            if mask >> pivot & 1:
                mask, value = mask ^ other, value ^ other_value
        pivot = mask.bit_length() - 1
        for seen, (other, other_value) in list(solved.items()):
            if other >> pivot & 1:
                solved[seen] = (other ^ mask, other_value ^ value)
        solved[pivot] = (mask, value)
    return sum(value << pivot for pivot, (_mask, value) in solved.items())


@st.composite
def mappings(draw):
    """A part, a number of channels, and a mapping string of any form, some with hashes."""
    part = load_part(
        draw(st.sampled_from(["ddr4-3200", "dramsim3-ddr4-3200", "hbm2e-3200", "lpddr5-6400", "gddr6-14"]))
    )
    channels = draw(st.sampled_from([1, 2, 16]))
    widths = field_bits(part.organisation, channels)
    form = draw(st.sampled_from(["order", "bits", "named"]))
    if form == "named":
        return part, channels, widths, draw(st.sampled_from(["RoBaRaCoCh", "ChRaBaRoCo", "MOP4CLXOR", "mop4clxor"]))
    if form == "order":
        head = "".join(draw(st.permutations(list(CODES))))
    else:
        head = "".join(draw(st.permutations([letter for letter, width in widths.items() for _ in range(width)])))
    hashes = ""
    for _ in range(draw(st.integers(0, 3))):
        target = draw(st.sampled_from([letter for letter in "hkgbp" if widths[letter]] or ["c"]))
        hashes += f";{target}{draw(st.integers(0, widths[target] - 1))}^r{draw(st.integers(0, widths['r'] - 1))}"
    return part, channels, widths, head + hashes


@given(mappings(), st.data())
def test_every_line_has_one_place_and_every_place_one_line(case, data):
    part, channels, widths, text = case
    mapping = parse_mapping(text, part.organisation, channels)
    line = data.draw(st.integers(0, (1 << mapping.line_bits) - 1))
    fields = decode(mapping, widths, line)
    assert all(0 <= index < 1 << widths[letter] for letter, index in fields.items())
    assert decode_by_tables(mapping, widths, line) == fields
    assert encode(mapping, widths, fields) == line


@given(mappings(), st.data())
def test_every_place_has_a_line(case, data):
    part, channels, widths, text = case
    mapping = parse_mapping(text, part.organisation, channels)
    fields = {letter: data.draw(st.integers(0, (1 << width) - 1)) for letter, width in widths.items()}
    assert decode(mapping, widths, encode(mapping, widths, fields)) == fields


@pytest.mark.parametrize("text", ["rorabacobgpcch", "RoBaRaCoCh", "MOP4CLXOR", "rorabacobgpcch;b0^r0;g1^r5"])
def test_the_core_decodes_as_the_tables_say(text, run_with_log, commands_of):
    memory = Memory("hbm2-2000", channels=2, mapping=text)
    widths = field_bits(memory.part.organisation, 2)
    random = np.random.default_rng(7)
    for line in random.integers(0, 1 << memory.mapping.line_bits, 40).tolist():
        memory = Memory("hbm2-2000", channels=2, mapping=text)
        _result, logs = run_with_log(memory, [line * memory.line_bytes])
        fields = decode(memory.mapping, widths, line)
        (read,) = (place for _tick, name, place in commands_of(logs[fields["h"]]) if name == "RD")
        assert {letter: read[FIELDS[letter]] for letter in widths} == fields


def test_all_lines_of_a_small_memory_fill_it_exactly():
    settings = {"organisation.rows": 16, "organisation.columns": 64}
    organisation = load_part("ddr4-3200", settings).organisation
    for text in ("rochrababgco", "MOP4CLXOR", "rorabacobgpcch;g0^r1;b1^r3"):
        mapping = parse_mapping(text, organisation, 2)
        tables = mapping.decode_tables()
        lines = np.arange(1 << mapping.line_bits)
        places = tables[0][lines & 255] ^ tables[1][lines >> 8 & 255]
        assert len(np.unique(places)) == len(lines) == 2 * organisation.channel_bytes // 64


def test_bit_strings_read_from_the_most_significant_bit():
    organisation = load_part("ddr4-3200").organisation
    mapping = parse_mapping("rrrrrrrrrrrrrrrrbbggccccccc", organisation, 1)
    assert mapping.sources["c"][0] == {0}
    assert mapping.sources["g"] == ({7}, {8})
    assert mapping.sources["r"][15] == {26}
    assert mapping.line_bits == 27


def test_named_orders_are_those_of_ramulator():
    organisation = load_part("ddr4-3200").organisation
    assert parse_mapping("RoBaRaCoCh", organisation, 1).sources["c"][0] == {0}
    assert parse_mapping("RoBaRaCoCh", organisation, 1).sources["r"][0] == {11}
    assert parse_mapping("ChRaBaRoCo", organisation, 1).sources["r"][0] == {7}


def test_a_hash_is_an_exclusive_or():
    organisation = load_part("ddr4-3200").organisation
    plain = parse_mapping("rochrababgco", organisation, 1)
    hashed = parse_mapping("rochrababgco;b0^r3", organisation, 1)
    assert hashed.sources["b"][0] == plain.sources["b"][0] ^ plain.sources["r"][3]
    assert hashed.sources["b"][1] == plain.sources["b"][1]


@given(mappings(), st.data())
def test_a_row_period_steps_nothing_but_the_row(case, data):
    part, channels, widths, text = case
    mapping = parse_mapping(text, part.organisation, channels)
    period = mapping.row_period_bits()
    if period is None or period >= mapping.line_bits:
        return
    line = data.draw(st.integers(0, (1 << mapping.line_bits) - 1))
    steps = [decode(mapping, widths, line + (1 << period) * i) for i in range(2)]
    if line + (1 << period) < 1 << mapping.line_bits:
        assert {letter for letter in widths if steps[0][letter] != steps[1][letter]} == {"r"}
        assert steps[1]["r"] - steps[0]["r"] == 1 << (period - (mapping.line_bits - widths["r"]))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("rochrababg", "gives 0 bits to the column; expected 7 of 27 address bits"),
        ("rrrrrrrrrrrrrrrbbggccccccc", "gives 15 bits to the row; expected 16 of 27 address bits"),
        ("rrrrrrrrrrrrrrrrrbbggccccccc", "gives 17 bits to the row; expected 16"),
        ("rrrrrrrrrrrrrrrrbbggccccccch", "gives 1 bits to the channel; expected 0"),
        ("rorochrababgco", "'rorochrababgco' is not an address mapping"),
        ("rochrababgcoxx", "is not an address mapping"),
        ("", "is not an address mapping"),
        ("RoBaRaCo Ch", "is not an address mapping"),
        ("rochrababgco;b0^r16", "hash 'b0^r16' of mapping"),
        ("rochrababgco;b2^r0", "names no two bits"),
        ("rochrababgco;nonsense", "names no two bits; expected such as b0^r3"),
        ("rochrababgco;b0^b0", "send two addresses to one place"),
    ],
)
def test_a_mapping_that_is_no_bijection_is_refused(text, says):
    with pytest.raises(SpecError) as caught:
        parse_mapping(text, load_part("ddr4-3200").organisation, 1)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("channels", [3, 6, 12])
def test_channels_that_are_no_power_of_two_are_refused(channels):
    with pytest.raises(SpecError, match="expected a power of two"):
        Memory("ddr4-3200", channels=channels)


def test_mop4clxor_needs_four_accesses_a_row():
    organisation = load_part("ddr4-3200", {"organisation.columns": 16}).organisation
    with pytest.raises(SpecError, match="four accesses"):
        parse_mapping("MOP4CLXOR", organisation, 1)
