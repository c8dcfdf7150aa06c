"""Where channels, banks and rows lie in a memory's addresses, for those who place data by them."""

from __future__ import annotations

from dataclasses import dataclass

from bitline.arch.dram.mapping import Mapping
from bitline.arch.dram.part import Organisation
from bitline.base.errors import SpecError


@dataclass(frozen=True)
class Interleave:
    """Addresses of one memory under a mapping.

    `granule_lines`: lines of a block that lies in one channel, every `channels`-th block; 0 where channels are hashed.
    """

    mapping: Mapping
    organisation: Organisation
    channels: int
    granule_lines: int

    @property
    def line_bytes(self) -> int:
        """Bytes of an access."""
        return self.organisation.access_bytes

    @property
    def n_lines(self) -> int:
        """Lines of the memory."""
        return self.organisation.channel_bytes * self.channels // self.line_bytes

    @property
    def period_bytes(self) -> int | None:
        """Bytes that hold a block of every channel: data that begins and ends there asks the same of all of them."""
        return self.granule_lines * self.channels * self.line_bytes if self.granule_lines else None

    @property
    def slab_bytes(self) -> int:
        """Bytes of one row index in every bank of every channel."""
        return self.organisation.row_bytes * self.organisation.n_banks * self.channels

    def row_address(self, channel: int, bank: int, row: int) -> int:
        """Byte address of the first access of a row. Banks count as in a command log: the rank outermost."""
        widths = {letter: len(bits) for letter, bits in self.mapping.sources.items()}
        line = self._bits("h", channel) | self._bits("r", row)
        for letter in ("b", "g", "k", "p"):
            line |= self._bits(letter, bank & ((1 << widths[letter]) - 1))
            bank >>= widths[letter]
        return line * self.line_bytes

    def column_pitch_bytes(self) -> int:
        """Bytes from an access of a row to the next one. Raises SpecError where that is not one number."""
        bits = [self._plain(lines) for lines in self.mapping.sources["c"]]
        if bits != list(range(bits[0], bits[0] + len(bits))) if bits else False:
            raise SpecError(
                f"mapping '{self.mapping.text}' cuts a row's columns in pieces",
                field="memory.mapping",
                expected="column bits side by side, for data that is placed by bank",
            )
        return (1 << bits[0] if bits else 1) * self.line_bytes

    def _bits(self, letter: str, value: int) -> int:
        return sum(1 << self._plain(lines) for i, lines in enumerate(self.mapping.sources[letter]) if value >> i & 1)

    def _plain(self, lines: frozenset[int]) -> int:
        if len(lines) > 1:
            raise SpecError(
                f"mapping '{self.mapping.text}' hashes",
                field="memory.mapping",
                expected="one without hashes, for data that is placed by bank",
            )
        return next(iter(lines))


def interleave_of(mapping: Mapping, organisation: Organisation, channels: int) -> Interleave:
    """How a mapping deals lines out over channels."""
    bits = mapping.sources["h"]
    plain = all(len(lines) == 1 for lines in bits)
    first = min((min(lines) for lines in bits), default=0)
    together = plain and [min(lines) for lines in bits] == list(range(first, first + len(bits)))
    return Interleave(mapping, organisation, channels, (1 << first if bits else 1) if together else 0)
