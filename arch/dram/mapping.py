"""Address mappings: which bit of a line's number selects what, written as text, and the tables that decode them.

Three forms, each with optional hashes behind it (`;b0^r3;g1^r4`: bank bit 0 is exclusive-ored with row bit 3):
- an order of fields from the most significant down: `rochrababgco` (two letters a field: ro, ch, pc, ra, ba, bg, co);
- a name: RoBaRaCoCh, ChRaBaRoCo or MOP4CLXOR, as Ramulator 2.1 cuts them;
- a bit string from the most significant bit down, one letter a bit: r row, k rank (or stack id), p pseudo channel,
  b bank, g bank group, c column (in accesses), h channel: `rrrrrrrrrrrrrrrrbbggccccccc`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from bitline.arch.dram.part import Organisation
from bitline.base.errors import SpecError

FIELDS = {"h": "channel", "p": "pseudo_channel", "k": "rank", "g": "bank_group", "b": "bank", "r": "row", "c": "column"}
_CODES = {"ch": "h", "pc": "p", "ra": "k", "bg": "g", "ba": "b", "ro": "r", "co": "c"}
_NAMED = {"robaracoch": "robabgrapccoch", "chrabaroco": "pcrabgbarococh"}
_SHIFT = {"r": 0, "c": 24}
_BANK_SHIFT, _CHANNEL_SHIFT = 40, 52


@dataclass(frozen=True)
class Mapping:
    """A resolved mapping. `sources[letter][i]`: line bits whose exclusive or is bit i of that field."""

    text: str
    sources: dict[str, tuple[frozenset[int], ...]]
    line_bits: int

    def decode_tables(self) -> np.ndarray:
        """uint64 [8, 256]: the packed place (csrc/dram/memory.pyx) that each byte of a line number contributes."""
        by_line_bit = [0] * 64
        shift = {**_SHIFT, "h": _CHANNEL_SHIFT}
        position = _BANK_SHIFT
        for letter in ("b", "g", "k", "p"):
            shift[letter] = position
            position += len(self.sources[letter])
        for letter, bits in self.sources.items():
            for i, lines in enumerate(bits):
                for line_bit in lines:
                    by_line_bit[line_bit] ^= 1 << (shift[letter] + i)
        tables = np.zeros((8, 256), np.uint64)
        for byte in range(8):
            for value in range(256):
                place = 0
                for bit in range(8):
                    if value >> bit & 1:
                        place ^= by_line_bit[8 * byte + bit]
                tables[byte, value] = place
        return tables

    def row_period_bits(self) -> int | None:
        """The lowest line bit from which on a step changes only the row, by a constant; None if there is none."""
        rows = self.sources["r"]
        hashed = {bit for letter, bits in self.sources.items() if letter != "r" for lines in bits for bit in lines}
        for start in range(len(rows) + 1):
            period = self.line_bits - len(rows) + start
            plain = all(rows[i] == frozenset({self.line_bits - len(rows) + i}) for i in range(start, len(rows)))
            if plain and not any(bit >= period for bit in hashed):
                return period
        return None


def parse_mapping(text: str, organisation: Organisation, channels: int) -> Mapping:
    """Resolve a mapping for an organisation and a number of channels. Raises SpecError."""
    widths = field_bits(organisation, channels)
    head, *hashes = [part.strip() for part in text.split(";")]
    if head.lower() == "mop4clxor":
        letters, hashes = _mop4clxor(widths)
    elif re.fullmatch(r"[rkpbgch]+", head) and set(head) <= set(FIELDS):
        letters = list(reversed(head))
    else:
        letters = [letter for code in reversed(_codes(head, text)) for letter in _CODES[code] * widths[_CODES[code]]]
    counts = {letter: letters.count(letter) for letter in FIELDS}
    for letter, width in widths.items():
        if counts[letter] != width:
            raise SpecError(
                f"mapping '{text}' gives {counts[letter]} bits to the {FIELDS[letter]}",
                field="mapping",
                expected=f"{width} of {sum(widths.values())} address bits",
            )
    places: dict[str, list[frozenset[int]]] = {letter: [] for letter in FIELDS}
    for line_bit, letter in enumerate(letters):
        places[letter].append(frozenset({line_bit}))
    for term in hashes:
        _apply_hash(term, places, text)
    if _rank(bit for bits in places.values() for bit in bits) < len(letters):
        raise SpecError(f"the hashes of mapping '{text}' send two addresses to one place", field="mapping")
    return Mapping(text, {letter: tuple(bits) for letter, bits in places.items()}, len(letters))


def field_bits(organisation: Organisation, channels: int) -> dict[str, int]:
    """Address bits of each field, by letter."""
    if channels & (channels - 1):
        raise SpecError(f"{channels} channels cannot be cut out of an address", expected="a power of two")
    sizes = {
        "h": channels,
        "p": organisation.pseudo_channels,
        "k": organisation.ranks,
        "g": organisation.bank_groups,
        "b": organisation.banks,
        "r": organisation.rows,
        "c": organisation.accesses_per_row,
    }
    return {letter: size.bit_length() - 1 for letter, size in sizes.items()}


def _codes(head: str, text: str) -> list[str]:
    order = _NAMED.get(head.lower(), head.lower())
    codes = re.findall("..", order)
    if not codes or len(order) % 2 or any(code not in _CODES for code in codes) or len(set(codes)) != len(codes):
        raise SpecError(
            f"'{text}' is not an address mapping",
            field="mapping",
            expected="an order of ro, ch, pc, ra, ba, bg, co (each once), RoBaRaCoCh, MOP4CLXOR, or a bit string",
        )
    return codes


def _apply_hash(term: str, places: dict[str, list[frozenset[int]]], text: str) -> None:
    match = re.fullmatch(r"([rkpbgch])(\d{1,2})\^=?([rkpbgch])(\d{1,2})", term)
    if match is None or int(match[2]) >= len(places[match[1]]) or int(match[4]) >= len(places[match[3]]):
        raise SpecError(f"hash '{term}' of mapping '{text}' names no two bits", expected="such as b0^r3")
    target, source = places[match[1]], places[match[3]][int(match[4])]
    target[int(match[2])] = target[int(match[2])] ^ source


def _rank(equations: Iterable[frozenset[int]]) -> int:
    """Rank over GF(2): full where every place has exactly one address."""
    basis: dict[int, int] = {}
    for lines in equations:
        word = sum(1 << line for line in lines)
        while word and word.bit_length() in basis:
            word ^= basis[word.bit_length()]
        if word:
            basis[word.bit_length()] = word
    return len(basis)


def _mop4clxor(widths: dict[str, int]) -> tuple[list[str], list[str]]:
    """Four accesses of a row, then the next bank; bank fields and row hashed with successive column bits."""
    if widths["c"] < 2:
        raise SpecError("MOP4CLXOR needs at least four accesses a row", field="mapping")
    letters = ["h"] * widths["h"] + ["c"] * 2
    hashes = []
    column_bit = 0
    for letter in ("p", "k", "g", "b"):
        letters += [letter] * widths[letter]
        for i in range(widths[letter]):
            if column_bit < widths["c"]:
                hashes.append(f"{letter}{i}^c{column_bit}")
            column_bit += 1
    letters += ["c"] * (widths["c"] - 2) + ["r"] * widths["r"]
    hashes += [f"r{i}^c{column_bit + i}" for i in range(widths["c"] - column_bit)]
    return letters, hashes
