"""The line parser against a parser of the same lines in plain Python."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitline.csrc.dram.trace_text import parse_lines

SIZE = 1 << 33
WORDS = {"ramulator": ("LD", "ST", "ld", "St"), "dramsim3": ("READ", "WRITE", "read", "R", "W", "RD", "WR")}
LETTERS = st.sampled_from(list("LDSTREAWIxX0123456789abcdefG-+ \t,#.\r\x00\xff"))


def parse(text, form, room=64, size=SIZE, last_cycle=0):
    columns = np.empty(room, np.int64), np.empty(room, np.int8), np.empty(room, np.int64)
    requests, used, lines, problem, bad_line = parse_lines(text, form, size, last_cycle, *columns)
    return (
        [tuple(map(int, row)) for row in zip(*(column[:requests] for column in columns))],
        used,
        lines,
        problem,
        bad_line,
    )


def number_of(word):
    digits = word[2:] if word[:2].lower() == "0x" else word
    allowed = "0123456789abcdefABCDEF" if word[:2].lower() == "0x" else "0123456789"
    if not digits or any(digit not in allowed for digit in digits):
        return None
    value = int(digits, 16 if word[:2].lower() == "0x" else 10)
    return value if value <= 1 << 62 else None


def line_of(text, form):
    """(address, kind, cycle) of a sound line, None for a wrong one, () for one that says nothing."""
    words = text.replace(",", " ").replace("\t", " ").replace("\r", " ").split(" ")
    words = [word for word in words if word]
    if not words or words[0].startswith("#"):
        return ()
    if form == "ramulator":
        if len(words) != 2:
            return None
        words = [words[1], words[0], "0"]
    if len(words) != 3:
        return None
    kinds = {"ld": 0, "st": 1, "read": 0, "write": 1, "r": 0, "w": 1, "rd": 0, "wr": 1}
    address, kind, cycle = number_of(words[0]), kinds.get(words[1].lower()), number_of(words[2])
    return None if None in (address, kind, cycle) or address >= SIZE else (address, kind, cycle)


@given(st.sampled_from(["ramulator", "dramsim3"]), st.lists(st.text(LETTERS, max_size=24), max_size=6))
def test_any_lines_are_read_as_the_plain_parser_reads_them(form, lines):
    expected, last = [], 0
    for line in lines:
        row = line_of(line, form)
        if row is None or (row and row[2] < last):
            break
        if row:
            expected.append(row)
            last = row[2]
    else:
        line = None
    text = "".join(line_ + "\n" for line_ in lines).encode("latin-1")
    rows, used, count, problem, bad_line = parse(text, form)
    assert rows == expected
    assert bool(problem) == (line is not None)
    if not problem:
        assert (used, count) == (len(text), len(lines))
    else:
        assert text.decode("latin-1").split("\n")[bad_line] == line


@given(
    st.sampled_from(["ramulator", "dramsim3"]),
    st.lists(st.tuples(st.integers(0, SIZE - 1), st.integers(0, 6), st.booleans()), max_size=20),
    st.integers(1, 7),
)
def test_sound_lines_are_read_whatever_the_room(form, rows, room):
    lines, expected = [], []
    for i, (address, word, hexadecimal) in enumerate(rows):
        name = WORDS[form][word % len(WORDS[form])]
        number = f"{address:#x}" if hexadecimal else str(address)
        lines.append(f"{name} {number}" if form == "ramulator" else f"{number} {name} {i}")
        expected.append((address, int(name.lower() in ("st", "write", "w", "wr")), 0 if form == "ramulator" else i))
    text = "".join(line + "\n" for line in lines).encode()
    found, total, last = [], 0, 0
    while True:
        part, used, count, problem, _ = parse(text, form, room, last_cycle=last)
        assert problem == ""
        found += part
        total += count
        text = text[used:]
        if len(part) < room:
            break
        last = part[-1][2]
    assert (found, total, text) == (expected, len(rows), b"")


def test_what_has_no_line_end_is_left():
    assert parse(b"LD 0x40\nLD 0x8", "ramulator")[:3] == ([(0x40, 0, 0)], 8, 1)
    assert parse(b"", "ramulator")[:3] == ([], 0, 0)


@pytest.mark.parametrize("number", [str(2**62), "0x4000000000000000"])
def test_the_largest_number(number):
    rows, *_ = parse(f"{0} READ {number}\n".encode(), "dramsim3")
    assert rows == [(0, 0, 2**62)]
    assert parse(f"0 READ {number}0\n".encode(), "dramsim3")[3] == "holds a number of more than 62 bits"
