"""HBM2 with a compute unit in each bank, driven by commands to all banks at once (Newton, NeuPIMs).

One function makes the standard of single- and of dual-buffer banks: what may overlap is rows of the table. A dual bank
has a second row buffer for its compute unit: G_ACT opens and PIM_PRECHARGE closes rows there while ACT, RD, WR, PRE
and GWRITE go on in the first. In a single bank both share one buffer, PRE closes what G_ACT opened, and what an access
must keep to an access of the same bank it must keep to a COMP.
"""

from __future__ import annotations

from bitline.arch.dram.standard import Command, Rule, Standard, rule
from bitline.arch.dram.standards import _common as common

_READS, _WRITES = "RD RDA", "WR WRA PWRITE"
_COMPUTES = "COMP READRES COMPS_READRES"
_RESULTS = "READRES COMPS_READRES"
_PACE = "max(tBL, tCCDS)"
_WRITE_DONE = "tCWL + tBL + tWR"


def newton_standard(name: str, source: str, *, dual: bool) -> Standard:
    """The standard of HBM2 banks that compute, with one row buffer a bank or with two."""
    close = "PIM_PRECHARGE" if dual else "PRE"
    return Standard(
        name=name,
        source=source,
        levels=("channel", "rank", "bank_group", "bank"),
        commands=_commands(dual),
        rules=(
            *common.bank_rules(),
            *common.column_rules("rank"),
            *common.rank_switch_rules(),
            *common.activate_rules("rank"),
            *common.all_bank_rules("rank"),
            *_vector_rules(),
            *_group_activate_rules(close),
            *_compute_rules(close),
            *_row_write_rules(close),
            *(_two_buffers() if dual else _one_buffer()),
        ),
        refresh_scope="rank",
        derived={**common.RANKED, "tTREE": "6"},
        optional=("tFAWG", "tRTPC"),
    )


def _commands(dual: bool) -> tuple[Command, ...]:
    buffer = "pim" if dual else "memory"
    precharge_all, refresh = common.scoped("rank")
    return (
        *(common.ACT, common.PRE, common.RD, common.WR, common.RDA, common.WRA, precharge_all),
        Command("REFab", scope="rank", row=refresh.row, buffer="both" if dual else "memory"),
        Command("GWRITE", row="need", bus="column"),
        Command("P_HEADER", scope="channel"),
        Command("G_ACT", scope="bank_group", row="open", buffer=buffer),
        Command("COMP", scope="channel", row="need", bus="column", buffer=buffer),
        Command("READRES", scope="channel", row="need", bus="column", buffer=buffer),
        Command("COMPS_READRES", scope="channel", row="need", bus="column", buffer=buffer),
        *((Command("PIM_PRECHARGE", row="close", buffer="pim"),) if dual else ()),
        Command("PWRITE", row="need", bus="column", data="write", buffer=buffer),
    )


def _vector_rules() -> tuple[Rule, ...]:
    """GWRITE reads a row of one bank into the channel's vector buffer: that bank, and all that use it, wait."""
    return (
        rule("bank", "ACT", "GWRITE", "tRCDRD"),
        rule("bank", "GWRITE", "RD RDA WR WRA PRE", "tGWRITE"),
        rule("rank", "GWRITE", "PREab", "tGWRITE"),
        rule("channel", "GWRITE", f"GWRITE {_COMPUTES}", "tGWRITE"),
        rule("rank", _READS, "GWRITE", _PACE),
        rule("bank_group", _READS, "GWRITE", "max(tBL, tCCDL)"),
        rule("rank", _WRITES, "GWRITE", "tCWL + tBL + tWTRS"),
        rule("bank_group", _WRITES, "GWRITE", "tCWL + tBL + tWTRL"),
        rule("rank", "GWRITE", _READS, _PACE),
        rule("bank_group", "GWRITE", _READS, "max(tBL, tCCDL)"),
        rule("rank", "GWRITE", _WRITES, "tRTW"),
        rule("channel", _COMPUTES, "GWRITE", _PACE),
    )


def _group_activate_rules(close: str) -> tuple[Rule, ...]:
    """G_ACT opens one row in the four banks of a group: four activates as far as the power window goes."""
    return (
        rule("rank", "G_ACT", "G_ACT ACT", "tFAW"),
        rule("bank_group", "G_ACT", "G_ACT", "tRC"),
        rule("rank", "ACT", "G_ACT", "tRRDS"),
        rule("bank_group", "ACT", "G_ACT", "tRRDL"),
        rule("rank", "ACT", "G_ACT", "tFAWG"),
        rule("channel", "G_ACT", _COMPUTES, "tRCDRD"),
        rule("bank_group", "G_ACT", "PWRITE", "tRCDWR"),
        rule("bank_group", "G_ACT", close, "tRAS"),
        rule("bank_group", close, "G_ACT", "tRP"),
        rule("rank", close, "REFab", "tRP"),
        rule("rank", "REFab", "G_ACT", "tRFC"),
    )


def _compute_rules(close: str) -> tuple[Rule, ...]:
    """COMP takes a column of the open row in every bank; READRES returns the sums of all banks over the pins."""
    return (
        rule("channel", "COMP READRES", "COMP READRES COMPS_READRES", _PACE),
        # The adder tree has to fill before the first result can be read: `tTREE` columns.
        rule("channel", "COMPS_READRES", "COMPS_READRES COMP READRES", _PACE, each=_PACE, least="tTREE"),
        rule("channel", _READS, _COMPUTES, _PACE),
        rule("channel", _READS, "READRES", "tBL + tRTRS"),
        rule("channel", "WR WRA", _COMPUTES, "tCWL + tBL + tWTRS"),
        rule("channel", "COMP", _READS, _PACE),
        rule("channel", "COMP", _WRITES, "tRTW"),
        rule("channel", _RESULTS, _READS, "tBL + tRTRS"),
        rule("channel", _RESULTS, _WRITES, "tRTW"),
        rule("channel", _RESULTS, "G_ACT", "tRTP + tRP"),
        rule("channel", _COMPUTES, close, "tRTP"),
        # A careful model counts from the composite's last column, not from its issue.
        rule("channel", "COMPS_READRES", close, f"tRTPC - {_PACE}", each=_PACE, least="1"),
    )


def _row_write_rules(close: str) -> tuple[Rule, ...]:
    """PWRITE appends to the row that is open for computing; on the pins it is a write."""
    return (
        rule("rank", "RD RDA", "PWRITE", "tRTW"),
        rule("rank", "PWRITE", "RD RDA", "tCWL + tBL + tWTRS"),
        rule("bank_group", "PWRITE", "RD RDA", "tCWL + tBL + tWTRL"),
        rule("rank", "PWRITE", "WR WRA PWRITE", "max(tBL, tCCDSWR)"),
        rule("bank_group", "PWRITE", "WR WRA PWRITE", "max(tBL, tCCDLWR)"),
        rule("rank", "WR WRA", "PWRITE", "max(tBL, tCCDSWR)"),
        rule("bank_group", "WR WRA", "PWRITE", "max(tBL, tCCDLWR)"),
        rule("rank", "PWRITE", "RD RDA", "tCWL + tBL + tRTRS - tCL", siblings=True),
        rule("rank", "PWRITE", "WR WRA PWRITE", "tWTWR", siblings=True),
        rule("rank", "WR WRA", "PWRITE", "tWTWR", siblings=True),
        rule("rank", "RD RDA", "PWRITE", "tCL + tBL + tRTRS - tCWL", siblings=True),
        rule("channel", "PWRITE", _COMPUTES, "tCWL + tBL + tWTRS"),
        rule("channel", "PWRITE", _COMPUTES, "tWTRL"),
        rule("bank", "PWRITE", close, _WRITE_DONE),
    )


def _two_buffers() -> tuple[Rule, ...]:
    """A refresh needs both buffers of its banks closed, and then holds back both."""
    return (rule("rank", "REFab", "PIM_PRECHARGE", "tRFC"),)


def _one_buffer() -> tuple[Rule, ...]:
    """Both kinds of command work on the one row buffer of a bank."""
    return (
        rule("bank_group", "G_ACT", "ACT", "tRC"),
        rule("bank_group", "ACT", "G_ACT", "tRC"),
        rule("rank", "G_ACT", "REFab", "tRC"),
        rule("bank_group", "G_ACT", "RD RDA GWRITE", "tRCDRD"),
        rule("bank_group", "G_ACT", "WR WRA", "tRCDWR"),
        rule("channel", "ACT", _COMPUTES, "tRCDRD"),
        rule("bank_group", "RDA", "G_ACT", "tRTPA + tRP"),
        rule("bank_group", "WRA", "G_ACT", f"{_WRITE_DONE} + tRP"),
        rule("rank", "PREab", "G_ACT", "tRP"),
        # Every bank group computes at once: the long spacings hold.
        rule("channel", _READS, _COMPUTES, "max(tBL, tCCDL)"),
        rule("channel", "WR WRA", _COMPUTES, "tCWL + tBL + tWTRL"),
    )
