"""Memory controllers as data: queues, scheduling, page and refresh policy, and how requests are offered."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from bitline.arch.dram.part import PartSpec
from bitline.arch.dram.table import TimingTable, to_ticks
from bitline.base.document import Document, Library
from bitline.base.errors import SpecError

CONTROLLERS = Library("memory controller", Path(__file__).parent / "controllers")

Places = Annotated[int, Field(ge=1, le=4096)]


class PooledPolicy(Document):
    """One pool of reads and one of writes for the channel (csrc/dram/pooled.pyx)."""

    reads: Places = Field(32, description="places for reads")
    writes: Places = Field(32, description="places for writes")
    write_high: Annotated[float, Field(ge=0, le=1)] = Field(
        0.8, description="share of buffered writes that starts a drain"
    )
    write_low: Annotated[float, Field(ge=0, le=1)] = Field(0.2, description="share of buffered writes that ends it")
    order: Literal["ready", "row_hit", "arrival"] = Field(
        "row_hit", description="ready: any ready command by age; row_hit: accesses first; arrival: strictly by age"
    )
    keep_hits: Literal["none", "older", "all"] = Field(
        "all", description="which requests for the open row hold back a precharge"
    )
    hit_cap: Annotated[int, Field(ge=0, le=1 << 20)] = Field(
        0, description="accesses of a row after which others may close it; 0: no cap"
    )
    page: Literal["open", "closed", "timeout"] = "open"
    timeout_ns: Annotated[float, Field(gt=0, le=1e6)] = Field(100, description="idle time after which a row is closed")

    @model_validator(mode="after")
    def _watermarks(self) -> PooledPolicy:
        if self.write_low >= self.write_high:
            raise ValueError("write_low has to be below write_high")
        return self


class BankedPolicy(Document):
    """A command queue for each bank behind a transaction queue (csrc/dram/banked.pyx)."""

    transactions: Places = Field(32, description="places for reads, and as many for writes, before the bank queues")
    commands: Places = Field(8, description="places of a bank queue")
    hit_cap: Annotated[int, Field(ge=1, le=1 << 20)] = Field(
        4, description="accesses of a row after which its bank's oldest request may close it"
    )
    drain_above: Annotated[int, Field(ge=0, le=4096)] = Field(
        8, description="buffered writes that are drained when every bank queue is empty"
    )
    page: Literal["open", "closed"] = "open"


class NewtonPolicy(BankedPolicy):
    """Bank queues beside an in-order queue of PIM requests, which go first (csrc/pim/newton.pyx)."""

    commands: Places = Field(128, description="places of a bank queue")
    pim_transactions: Places = Field(32, description="places for PIM requests before the PIM command queue")
    pim_commands: Places = Field(128, description="places of the PIM command queue")
    pim_ahead: Places = Field(2, description="PIM commands that are enough to let reads move to their queues first")
    least_slack_ck: Annotated[int, Field(ge=0, le=1 << 20)] = Field(
        10, description="clocks to spare before a refresh below which memory commands wait for PIM work under way"
    )
    pim: Literal["interleaved", "blocked"] = Field(
        "interleaved",
        description="interleaved: memory commands in the slots that PIM leaves, which needs a second row buffer; "
        "blocked: PIM only when no memory command waits, and no memory command until a tile's last result",
    )
    composite: bool = Field(True, description="the columns of a request and its result read are one command")
    whole_tiles: bool = Field(
        True, description="a tile starts when all of its requests are queued, so that no refresh cuts it in two"
    )
    answer: Literal["results", "issue"] = Field(
        "results",
        description="a composite is answered when its results are there, or as if they were read at its issue",
    )


class ControllerSpec(Document):
    """A memory controller. Exactly one of `pooled`, `banked` and `newton` is given."""

    schema_: Literal[1] = Field(alias="schema")
    source: str
    mapping: str = Field(description="default address mapping")
    refresh: Literal["all_bank", "per_bank", "none"] = "all_bank"
    arrival: Literal["before_tick", "after_tick"] = Field(
        "before_tick", description="a request is stamped with the tick before, or of, its first look"
    )
    merge: Literal["access", "address"] = Field(
        "access", description="what two requests have to share to be served together: the access, or the byte address"
    )
    end: Literal["accepted", "answered", "drained"] = Field("drained", description="what ends a run")
    pooled: PooledPolicy | None = None
    banked: BankedPolicy | None = None
    newton: NewtonPolicy | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> ControllerSpec:
        if sum(kind is not None for kind in (self.pooled, self.banked, self.newton)) != 1:
            raise ValueError("give exactly one of pooled, banked and newton")
        if self.pooled is None and self.refresh == "per_bank":
            raise ValueError("refresh per_bank needs pooled queues")
        return self


def load_controller(name: str, settings: dict[str, Any] | None = None) -> ControllerSpec:
    """The controller of that name or file. Raises SpecError."""
    return CONTROLLERS.load(name, ControllerSpec, settings)


def resolve_policy(controller: ControllerSpec, table: TimingTable) -> dict[str, Any]:
    """The numbers that the core takes, in ticks of the part."""
    part = table.part
    shared = {
        "stamp": int(controller.arrival == "after_tick"),
        "whole_addresses": int(controller.merge == "address"),
        "refresh": _refresh_kind(controller, part),
    }
    if controller.newton is not None:
        return {**shared, **_resolve_newton(controller.newton, part)}
    if controller.banked is not None:
        if part.rules_of.split_activate:
            problem = f"banked queues cannot drive the split activation of {part.standard}"
            raise SpecError(problem, expected="pooled queues")
        return {**shared, **_resolve_banked(controller.banked, part)}
    assert controller.pooled is not None
    return {**shared, **_resolve_pooled(controller, controller.pooled, part)}


def _refresh_kind(controller: ControllerSpec, part: PartSpec) -> int:
    if controller.refresh == "per_bank" and not {"tREFIpb", "tRFCpb"} <= set(part.timing):
        raise SpecError(f"{part.standard} has no per-bank refresh", field="refresh", expected="all_bank or none")
    return ("none", "all_bank", "per_bank").index(controller.refresh)


def _resolve_banked(policy: BankedPolicy, part: PartSpec) -> dict[str, Any]:
    return {
        "queues": "banked",
        "transactions": policy.transactions,
        "commands": policy.commands,
        "hit_cap": policy.hit_cap,
        "drain_above": policy.drain_above,
        "dual_issue": int(part.rules_of.two_command_buses),
        "closed_page": int(policy.page == "closed"),
        # Ranks (pseudo channels on HBM) are refreshed in turn, each once in tREFI.
        "refresh_interval": to_ticks(part, part.timing["tREFI"]) // _refresh_units(part),
    }


def _resolve_newton(policy: NewtonPolicy, part: PartSpec) -> dict[str, Any]:
    commands = {command.name: command for command in part.rules_of.commands}
    if "P_HEADER" not in commands:
        raise SpecError(
            f"{part.standard} has no banks that compute tile by tile", expected="hbm2_neupims or hbm2_newton"
        )
    if policy.pim == "interleaved" and commands["G_ACT"].buffer != "pim":
        problem = f"{part.standard} has one row buffer a bank: computing and accesses have to take turns"
        raise SpecError(problem, field="newton.pim", expected="blocked, or a part with a second row buffer")
    if policy.page == "closed":
        raise SpecError("PIM channels leave rows open", field="newton.page", expected="open")

    def ticks(*names: str) -> int:
        return sum(to_ticks(part, part.timing[name]) for name in names)

    pace = max(ticks("tBL"), ticks("tCCDS"))
    pim = {
        "transactions": policy.pim_transactions,
        "commands": policy.pim_commands,
        "ahead": policy.pim_ahead,
        "least_slack": to_ticks(part, policy.least_slack_ck),
        "blocked": int(policy.pim == "blocked"),
        "composite": int(policy.composite),
        "whole_tiles": int(policy.whole_tiles),
        "answer_at_issue": int(policy.answer == "issue"),
        "precharge_guess": ticks("tRTP"),
        "groups_together": part.organisation.ranks,
        "window": ticks("tFAW"),
        "to_column": ticks("tRCDRD"),
        "row_cycle": ticks("tRP", "tRCDRD"),
        "pace": pace,
        "result_pace": max(ticks("tBL"), ticks("tCCDL")),
        "tree": int(part.timing["tTREE"]),
        "precharge": ticks("tRP"),
        "to_write": ticks("tRCDWR"),
        "vector_write": ticks("tGWRITE"),
        "close_late": ticks("tRTP"),
    }
    return {**_resolve_banked(policy, part), "queues": "newton", "pim": pim}


def _refresh_units(part: PartSpec) -> int:
    organisation = part.organisation
    if part.rules_of.refresh_scope == "rank":
        return organisation.ranks
    return organisation.pseudo_channels if part.rules_of.refresh_scope == "pseudo_channel" else 1


def _resolve_pooled(controller: ControllerSpec, policy: PooledPolicy, part: PartSpec) -> dict[str, Any]:
    per_bank = controller.refresh == "per_bank"
    # HBM3 refreshes the same bank of every pseudo channel together (JESD238, REFpb).
    pairs = part.organisation.pseudo_channels if per_bank and part.standard == "hbm3" else 1
    return {
        "queues": "pooled",
        "read_capacity": policy.reads,
        "write_capacity": policy.writes,
        "write_high": policy.write_high,
        "write_low": policy.write_low,
        "order": ("ready", "row_hit", "arrival").index(policy.order),
        "keep_hits": ("none", "older", "all").index(policy.keep_hits),
        "hit_cap": policy.hit_cap,
        "page": ("open", "closed", "timeout").index(policy.page),
        "timeout_ticks": math.ceil(policy.timeout_ns * 1000 / part.tick_ps),
        "refresh_interval": to_ticks(part, part.timing["tREFIpb" if per_bank else "tREFI"]),
        "refresh_pairs": pairs,
        "refresh_set_gap": to_ticks(part, part.timing.get("tRFCpb", 0)),
    }
