"""What a command log is: one row a command, in time order, as a NumPy structured array."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bitline.base.errors import TraceError, did_you_mean

#: Every command that some standard knows. A row of a log holds the index into this tuple.
COMMANDS = (
    *("ACT", "ACT1", "ACT2", "ACT4", "ACT16", "ACT_AB", "G_ACT"),
    *("PRE", "PRE4", "PREab", "PRE_AB", "PIM_PRECHARGE"),
    *("RD", "RDA", "WR", "WRA", "RD_AB", "WR_AB", "CAS_RD", "CAS_WR"),
    *("REFab", "REFpb"),
    *("MAC16", "AF16", "EWMUL16", "RDCP", "WRCP", "WRGB", "RDMAC16", "RDAF16", "WRMAC16", "WRA16", "TMOD"),
    *("GWRITE", "P_HEADER", "COMP", "READRES", "COMPS_READRES", "PWRITE"),
)
CODE = {name: code for code, name in enumerate(COMMANDS)}

#: The address cells of a row, outermost first. -1 stands for an empty cell.
ADDRESS = ("channel", "pseudo_channel", "rank", "bank_group", "bank", "row", "column")

ROW = np.dtype(
    [("cycle", np.int64), ("command", np.int16), *((name, np.int32) for name in ADDRESS), ("line", np.int64)]
)


@dataclass(frozen=True)
class CommandLog:
    """The commands of a log and the name of the format that they were read from.

    `rows` has the dtype `ROW`; `cycle` counts ticks of the command clock and never decreases. `COMPS_READRES` of
    NeuPIMs carries its number of COMPs in `column`.
    """

    rows: NDArray[np.void]
    format: str
    path: str = "<memory>"

    def __len__(self) -> int:
        return len(self.rows)

    @staticmethod
    def from_columns(cycle: ArrayLike, command: Sequence[str], **address: ArrayLike) -> CommandLog:
        """A log from arrays in memory. Address cells that are not given stay empty."""
        rows = np.zeros(len(command), ROW)
        rows["cycle"] = cycle
        for name in ADDRESS:
            rows[name] = address.pop(name, -1)
        if address:
            unknown = next(iter(address))
            raise TraceError("unknown column", field=unknown, expected=did_you_mean(unknown, ADDRESS))
        for index, name in enumerate(command):
            if name not in CODE:
                raise TraceError(f"unknown command '{name}'", line=index + 1, expected=did_you_mean(name, COMMANDS))
        rows["command"] = [CODE[name] for name in command]
        rows["line"] = np.arange(1, len(rows) + 1)
        log = CommandLog(rows, "bitline")
        log.require_time_order()
        return log

    def require_time_order(self) -> None:
        """Raise TraceError at the first command that is earlier than the one before it."""
        cycle = self.rows["cycle"]
        if len(cycle) and cycle[0] < 0:
            raise TraceError("a cycle is negative", file=self.path, line=int(self.rows["line"][0]))
        back = np.flatnonzero(cycle[1:] < cycle[:-1])
        if len(back):
            at = int(back[0]) + 1
            raise TraceError(
                f"cycle {cycle[at]} comes after cycle {cycle[at - 1]}",
                file=self.path,
                line=int(self.rows["line"][at]),
                expected="cycles that do not decrease",
            )

    def describe(self, index: int) -> str:
        """`ACT channel 0 rank 1 bank group 3 bank 0 row 1543 at 7 (line 4)`."""
        row = self.rows[index]
        cells = [f"{name.replace('_', ' ')} {row[name]}" for name in ADDRESS if row[name] >= 0]
        return " ".join([COMMANDS[row["command"]], *cells, f"at {row['cycle']} (line {row['line']})"])
