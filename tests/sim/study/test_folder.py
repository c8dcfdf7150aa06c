import contextlib
import hashlib
import sqlite3

import pytest

from bitline.base.errors import OutputError, SpecError
from bitline.sim.study import Store, grid_points, read_table, sweep
from bitline.sim.study.resolve import PointKeys
from bitline.sim.study.rounds import Watch


class Count(Watch):
    def __init__(self):
        self.points = None
        self.found, self.ended = [], []

    def start(self, points):
        self.points = points

    def kept(self, kept):
        self.found.append(kept.status)

    def end(self, outcome):
        self.ended.append(outcome.status)


def table(folder):
    return (folder / "table.csv").read_bytes()


def test_every_point_is_run_once_and_stands_in_the_table(here, toy, calls):
    study = toy.study_of(6)
    summary = sweep(study, here / "out", runner=toy.run)
    assert (summary.points, summary.ran, summary.done, summary.failed) == (24, 24, 24, 0)
    assert len(calls()) == len(set(calls())) == 24
    rows = read_table(here / "out" / "table.csv")
    assert [(r["model"], r["context"], r["memory.channels"]) for r in rows[:3]] == [
        ("gpt2", 1, 8),
        ("gpt2", 1, 16),
        ("gpt2", 2, 8),
    ]
    assert rows[1]["time_s"] == 1 / 16 / 3
    assert rows[1]["policy"] == "own"
    assert rows[1]["error"] is None


def test_a_finished_sweep_runs_nothing_again(here, toy, calls):
    first = sweep(toy.study_of(4), here / "out", runner=toy.run)
    before, watch = table(here / "out"), Count()
    again = sweep(toy.study_of(4), here / "out", runner=toy.run, watch=watch)
    assert (first.ran, again.ran, again.done) == (16, 0, 16)
    assert (watch.points, watch.found) == (16, ["done"] * 16)
    assert watch.ended == []
    assert len(calls()) == 16
    assert table(here / "out") == before


def test_a_larger_grid_runs_only_what_is_new(here, toy, calls):
    sweep(toy.study_of(3), here / "out", runner=toy.run)
    summary = sweep(toy.study_of(5), here / "out", runner=toy.run)
    assert (summary.ran, summary.done) == (8, 20)
    sweep(toy.study_of(5), here / "fresh", runner=toy.run)
    assert table(here / "out") == table(here / "fresh")


def test_a_changed_system_file_is_a_new_point(here, toy, calls):
    sweep(toy.study_of(2), here / "out", runner=toy.run)
    (here / "toy.yaml").write_text(toy.SYSTEM + "source: measured\n")
    assert sweep(toy.study_of(2), here / "out", runner=toy.run).ran == 8


def test_a_users_file_that_the_system_names_is_part_of_the_key(here, toy):
    point = next(grid_points(toy.study_of(1, settings={"memory.part": ["part.yaml"]})))
    keys = set()
    for text in ("rows: 1", "rows: 2", "rows: 1"):
        (here / "part.yaml").write_text(text)
        keys.add(PointKeys()(point))
    assert len(keys) == 2


def test_failed_points_are_kept_with_their_error_and_do_not_stop_the_others(here, toy, calls):
    watch = Count()
    summary = sweep(toy.study_of(9), here / "out", runner=toy.run, watch=watch)
    assert (summary.done, summary.failed) == (32, 4)
    assert summary.first_error == "context: 7 tokens are too many; expected any other number"
    assert watch.ended.count("failed") == 4
    failed = [row for row in read_table(here / "out" / "table.csv") if row["status"] == "failed"]
    assert {row["context"] for row in failed} == {toy.TOO_LONG}
    assert {row["error"] for row in failed} == {summary.first_error}
    assert {row["time_s"] for row in failed} == {None}


def test_failed_points_run_again_only_when_asked(here, toy, calls):
    study = toy.study_of(8)
    sweep(study, here / "out", runner=toy.run)
    kept = sweep(study, here / "out", runner=toy.run)
    assert (kept.ran, kept.failed) == (0, 4)
    watch = Count()
    mended = sweep(study, here / "out", runner=toy.result_of, retry_failed=True, watch=watch)
    assert (mended.ran, mended.failed, mended.done) == (4, 0, 32)
    assert (watch.points, watch.found, watch.ended) == (32, ["done"] * 28, ["done"] * 4)


def test_a_defect_of_the_simulator_fails_its_point(here, toy):
    def breaks(point):
        if point.context == 2:
            raise ZeroDivisionError("float division\nby zero")
        return toy.result_of(point)

    summary = sweep(toy.study_of(3), here / "out", runner=breaks)
    assert (summary.done, summary.failed) == (8, 4)
    assert summary.first_error == "internal error, ZeroDivisionError: float division by zero"


def test_a_result_that_is_no_number_fails_its_point(here, toy):
    import dataclasses

    def overflows(point):
        return dataclasses.replace(toy.result_of(point), energy_j=float("nan"))

    summary = sweep(toy.study_of(1), here / "out", runner=overflows)
    assert (summary.done, summary.failed) == (0, 4)
    assert "not JSON compliant" in summary.first_error


def test_a_file_that_a_named_file_starts_from_is_part_of_the_key(here, toy):
    (here / "parts").mkdir()
    (here / "parts" / "mine.yaml").write_text("base: base.yaml")
    point = next(grid_points(toy.study_of(1, settings={"memory.part": ["parts/mine.yaml"]})))
    keys = set()
    for text in ("rows: 1", "rows: 2", "rows: 1"):
        (here / "parts" / "base.yaml").write_text(text)
        keys.add(PointKeys()(point))
    assert len(keys) == 2


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"policy.sofmax": ["whole"]}, "--set: sofmax: unknown field; expected did you mean 'softmax'?"),
        ({"memory.chanels": [8]}, "--set: memory.chanels: unknown field; expected did you mean 'channels'?"),
        ({"memory.channels.x": [8]}, "--set: memory.channels.x: 'memory.channels' has no fields"),
        ({"memory.channels": [8, "many"]}, '--set: memory.channels: input should be a valid integer, got "many"'),
    ],
)
def test_a_setting_that_no_point_can_have_is_found_before_anything_runs(here, toy, calls, settings, says):
    with pytest.raises(SpecError) as error:
        sweep(toy.study_of(3, settings=settings), here / "out", runner=toy.run)
    assert str(error.value) == says
    assert calls() == []
    assert not (here / "out").exists()


def test_a_setting_that_only_the_run_can_refuse_ends_the_sweep(here, toy):
    def refuses(point):
        raise SpecError("unknown timing", file="--set", field="memory.channels")

    with pytest.raises(SpecError, match=r"--set: memory.channels: unknown timing"):
        sweep(toy.study_of(3), here / "out", runner=refuses)


def test_an_unknown_model_is_found_before_anything_runs(here, toy, calls):
    with pytest.raises(SpecError, match="unknown model 'gpt2-xxl'; expected did you mean 'gpt2-xl'"):
        sweep(toy.study_of(3, models=["gpt2", "gpt2-xxl"]), here / "out", runner=toy.run)
    assert calls() == []
    assert not (here / "out").exists()


def test_the_whole_result_of_a_point_is_kept(here, toy):
    study, keys = toy.study_of(1), PointKeys()
    sweep(study, here / "out", runner=toy.run)
    store = Store(here / "out", create=False)
    for point in grid_points(study):
        assert store.result(keys(point)) == toy.result_of(point).to_dict() | {"operators": []}
    store.close()


def writes_of(monkeypatch, fault):
    """Let `fault(statement)` say before and after each statement that changes the store whether it fails."""
    write = Store.write

    def watched(store, statement, values=()):
        fault("before", statement)
        write(store, statement, values)
        fault("after", statement)

    monkeypatch.setattr(Store, "write", watched)


@pytest.mark.parametrize(("moment", "reason"), [("before", "database or disk is full"), ("after", "disk I/O error")])
def test_a_write_that_fails_loses_nothing_and_repeats_nothing(here, toy, calls, moment, reason):
    """The n-th write fails, for every n: with nothing of it done, or with all of it done."""
    study = toy.study_of(1, models=["gpt2"])
    sweep(study, here / "whole", runner=toy.run)
    failing, failed = 0, True
    while failed:
        failing += 1
        folder, seen = here / f"out{failing}", []

        def fault(when, statement, failing=failing, seen=seen):
            seen.extend([statement] if when == moment else [])
            if when == moment and len(seen) == failing:
                raise sqlite3.OperationalError(reason)

        (here / "calls.log").unlink(missing_ok=True)
        with pytest.MonkeyPatch.context() as patch:
            writes_of(patch, fault)
            try:
                sweep(study, folder, runner=toy.run)
            except OutputError as error:
                says = str(error)
            else:
                # Past the last write, or at the end, where claims are given up: nothing is lost with those.
                says, failed = None, len(seen) >= failing
        assert says is None or f"study.sqlite: cannot be written ({reason})" in says
        # Only the point whose write failed may have run twice, and only if it was not on disk.
        kept = kept_calls(folder)
        before = calls()
        sweep(study, folder, runner=toy.run)
        assert kept.isdisjoint(calls()[len(before) :])
        assert len(calls()) <= 2 + 1
        assert table(folder) == table(here / "whole")
    assert failing > 20


def kept_calls(folder):
    with contextlib.closing(Store(folder, create=True)) as store:
        rows = [kept.row for _, kept in store.all()]
    return {f"{row['model']} {row['context']} {row['settings']['memory.channels']}" for row in rows}


def test_a_folder_that_cannot_be_made_is_one_error(here, toy):
    (here / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be created"):
        sweep(toy.study_of(1), here / "file" / "out", runner=toy.run)


def test_two_workers_write_the_same_bytes_as_none(finish, here, calls):
    digests = set()
    for jobs in (1, 2):
        assert finish(f"out{jobs}", jobs, 8).status == 0
        digests.add(hashlib.sha256(table(here / f"out{jobs}")).hexdigest())
    assert len(digests) == 1
    assert len(calls()) == 2 * 32


def test_a_worker_that_dies_costs_its_point_alone(finish, here):
    ended = finish("out", 2, 5, TOY_BREAKS_WORKER="3")
    assert (ended.status, ended.err) == (0, "")
    rows = read_table(here / "out" / "table.csv")
    errors = {row["context"]: row["error"] for row in rows if row["status"] == "failed"}
    assert len(rows) == 20
    assert errors == {3: "the worker process died (killed, or out of memory)"}
