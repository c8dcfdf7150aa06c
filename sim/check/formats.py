"""The line formats of command logs: ours, Ramulator 2.1's, DRAMsim3's and that of NewtonSim inside NeuPIMs.

A format is a pattern for one line, the columns that its groups fill, and the names that it has for our commands.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from bitline.base.errors import TraceError
from bitline.sim.check.commands import ADDRESS, COMMANDS

HEADER = b"cycle,command," + ",".join(ADDRESS).encode()
_CYCLE = rb"(\d{1,18})"
_NAME = rb"([A-Za-z0-9_\-]{1,24})"
_NUMBER = rb"(\d{1,9})"
_NUMBER_OR_EMPTY = rb"(\d{0,9})"
_NUMBER_OR_ALL = rb"(-1|\d{1,9})"
_HEX_OR_ALL = rb"(-0x1|0x[0-9a-f]{1,7})"


@dataclass(frozen=True)
class LineFormat:
    """How one line of a log is read."""

    name: str
    pattern: re.Pattern[bytes]
    columns: tuple[str, ...]
    names: Mapping[bytes, str]
    expected: str
    hexadecimal: tuple[str, ...] = ()
    has_header: bool = False
    has_comments: bool = False


def _line(*parts: bytes, between: bytes = b",", after: bytes = b"") -> re.Pattern[bytes]:
    return re.compile(rb"^" + between.join(parts) + after + rb"\r?$", re.MULTILINE)


_OURS = {name.encode(): name for name in COMMANDS}

_RAMULATOR = {**_OURS, b"PREpb": "PRE", b"PREA": "PREab", b"ACT-1": "ACT1", b"ACT-2": "ACT2"}

_DRAMSIM3 = {
    b"activate": "ACT",
    b"precharge": "PRE",
    b"read": "RD",
    b"read_p": "RDA",
    b"write": "WR",
    b"write_p": "WRA",
    b"refresh": "REFab",
    b"refresh_bank": "REFpb",
}

_NEUPIMS = {
    b"ACTIVATE": "ACT",
    b"PRECHARGE": "PRE",
    b"READ": "RD",
    b"READ_PRECHARGE": "RDA",
    b"WRITE": "WR",
    b"WRITE_PRECHARGE": "WRA",
    b"REFRESH": "REFab",
    **{name.encode(): name for name in ("GWRITE", "P_HEADER", "G_ACT", "COMP", "READRES", "COMPS_READRES")},
    **{name.encode(): name for name in ("PIM_PRECHARGE", "PWRITE")},
}

BITLINE = LineFormat(
    "bitline",
    _line(_CYCLE, _NAME, *[_NUMBER_OR_EMPTY] * len(ADDRESS)),
    ("cycle", "command", *ADDRESS),
    _OURS,
    "cycle,command,channel,pseudo_channel,rank,bank_group,bank,row,column with whole numbers or empty cells",
    has_header=True,
)

DRAMSIM3 = LineFormat(
    "dramsim3",
    _line(*(_CYCLE, rb"([a-z_]{1,24})", *[_NUMBER_OR_ALL] * 4, _HEX_OR_ALL, _HEX_OR_ALL), between=rb" +", after=rb" *"),
    ("cycle", "command", "channel", "rank", "bank_group", "bank", "row", "column"),
    _DRAMSIM3,
    "cycle command channel rank bankgroup bank 0xROW 0xCOLUMN",
    hexadecimal=("row", "column"),
    has_comments=True,
)

NEUPIMS = LineFormat(
    "neupims",
    _line(
        *(rb"CMD " + _CYCLE, rb"([A-Z_]{1,24})", rb"ra" + _NUMBER_OR_ALL, rb"bg" + _NUMBER_OR_ALL),
        *(rb"ba" + _NUMBER_OR_ALL, rb"row" + _NUMBER_OR_ALL, rb"nc" + _NUMBER),
        between=rb" ",
    ),
    ("cycle", "command", "rank", "bank_group", "bank", "row", "column"),
    _NEUPIMS,
    "CMD cycle COMMAND raN bgN baN rowN ncN",
    has_comments=True,
)

_RAMULATOR_LEVELS = {
    "Channel": "channel",
    "PseudoChannel": "pseudo_channel",
    "Sid": "rank",
    "Rank": "rank",
    "BankGroup": "bank_group",
    "Bank": "bank",
    "Row": "row",
    "Column": "column",
}


def ramulator_format(header: bytes, file: str, line: int) -> LineFormat:
    """The format that a header line of a Ramulator 2.1 command trace stands for: its levels differ by standard."""
    cells = header.decode("ascii", "replace").strip().split(",")
    levels = [cell for cell in cells[2:] if cell not in ("type", "source")]
    columns = [_RAMULATOR_LEVELS.get(cell) for cell in levels]
    wanted = {"channel", "bank_group", "bank", "row", "column"}
    if cells[1] != "command" or None in columns or len(set(columns)) < len(columns) or not wanted <= set(columns):
        raise TraceError(
            "is no header of a Ramulator 2.1 log",
            file=file,
            line=line,
            expected="clock,command,Channel,[PseudoChannel,][Sid,][Rank,]BankGroup,Bank,Row,Column,type,source",
        )
    parts = [_NUMBER_OR_ALL if cell in _RAMULATOR_LEVELS else rb"-?\d{1,9}" for cell in cells[2:]]
    return LineFormat(
        "ramulator",
        _line(_CYCLE, _NAME, *parts),
        ("cycle", "command", *(column for column in columns if column)),
        _RAMULATOR,
        ",".join(cells) + " with whole numbers (-1: all)",
        has_header=True,
    )


def recognise(line: bytes, file: str, number: int) -> LineFormat:
    """The format of a log, by its first line that is not a comment. Raises TraceError for none of the four."""
    text = line.strip()
    if text == HEADER:
        return BITLINE
    if text.startswith(b"clock,"):
        return ramulator_format(text, file, number)
    if text.startswith(b"CMD "):
        return NEUPIMS
    if re.match(rb"\d+\s+[A-Za-z]", text):
        return DRAMSIM3
    raise TraceError(
        "is no command log",
        file=file,
        line=number,
        expected=f"the header '{HEADER.decode()}', or a log of Ramulator 2.1, DRAMsim3 or NeuPIMs",
    )
