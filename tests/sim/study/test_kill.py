"""A sweep that is killed, interrupted or runs out of disk: nothing is lost, nothing runs twice."""

import contextlib
import os
import random
import resource
import shutil
import signal
import subprocess

import pytest

from bitline.sim.study import Store, sweep
from bitline.sim.study.store import STORE_NAME


@pytest.fixture
def resumes(here, toy, calls):
    """Finish a sweep that was broken off; check that what was kept did not run again and that the table is whole."""

    def check(contexts, folder="out"):
        kept = kept_rows(here / folder)
        before = calls()
        sweep(toy.study_of(contexts), here / folder, runner=toy.run)
        again = calls()[len(before) :]
        assert set(again).isdisjoint(kept)
        assert len(again) + len(kept) == contexts * 4
        reference = here / f"whole{contexts}"
        if not reference.exists():
            sweep(toy.study_of(contexts), reference, runner=toy.run)
        assert (here / folder / "table.csv").read_bytes() == (reference / "table.csv").read_bytes()
        return len(kept)

    return check


def kept_rows(folder):
    """Points in the store, as calls.log writes them."""
    if not (folder / STORE_NAME).exists() or not (folder / STORE_NAME).stat().st_size:
        return set()
    store = Store(folder, create=True)
    rows = [row for _, (_, row) in store.all()]
    store.close()
    return {f"{row['model']} {row['context']} {row['settings']['memory.channels']}" for row in rows}


@pytest.mark.parametrize("step", [0, 30, 60, 150, 300, 450])
def test_a_kill_while_the_store_is_written_loses_nothing(finish, resumes, step):
    assert finish("out", 1, 2, "--die", step).status == -signal.SIGKILL
    resumes(2)


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_kill_in_the_middle_keeps_what_was_finished(start, resumes, jobs):
    process = start("out", jobs, 9, TOY_TALKS="1")
    for _ in range(12):
        process.stdout.readline()
    process.kill()
    process.communicate()  # until its workers are gone, too
    # With one process the store is a point behind the calls; workers are two points each ahead.
    assert resumes(9) >= 12 - 1 - 2 * jobs


def test_workers_end_with_a_killed_parent(start):
    process = start("out", 2, 50, TOY_TALKS="1", TOY_WAITS="3")
    process.stdout.readline()
    process.kill()
    # The pipe ends when the last of those that hold it is gone.
    process.communicate(timeout=60)


@pytest.mark.parametrize("jobs", [1, 2])
def test_ctrl_c_ends_cleanly_and_keeps_what_was_finished(start, here, resumes, jobs):
    process = start("out", jobs, 9, TOY_TALKS="1", TOY_WAITS="5")
    assert "5\n" in process.stdout
    os.killpg(process.pid, signal.SIGINT)  # to the group, as a terminal does
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "")
    kept = len((here / "out" / "table.csv").read_text().splitlines()) - 1
    assert 0 < kept == resumes(9)


def test_a_full_disk_is_one_error_and_loses_nothing(here, start, toy, resumes):
    """The store may not grow beyond a limit: SQLite's own writes fail, at another place for each limit."""
    for limit in (100, 3000, 8192, 12288, 20480):
        folder = f"out{limit}"
        process = start_limited(start, folder, limit)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 2
        assert err.count("\n") == 1
        assert "cannot be" in err
        resumes(9, folder)


@pytest.fixture
def small_disk(here):
    """A file system of 256 KiB."""
    folder = here / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a file system may not be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_that_runs_full_is_one_error_and_loses_nothing(small_disk, here, start, toy, calls):
    process = start(small_disk / "out", 1, 80)
    _, err = process.communicate(timeout=120)
    assert (process.returncode, err.count("\n")) == (2, 1)
    assert "study.sqlite: cannot be written (database or disk is full)" in err
    kept = kept_rows(small_disk / "out")
    assert len(calls()) - 1 == len(kept) > 10
    shutil.copytree(small_disk / "out", here / "larger")
    before = calls()
    sweep(toy.study_of(80), here / "larger", runner=toy.run)
    assert kept.isdisjoint(calls()[len(before) :])
    sweep(toy.study_of(80), here / "whole", runner=toy.run)
    assert (here / "larger" / "table.csv").read_bytes() == (here / "whole" / "table.csv").read_bytes()


def start_limited(start, folder, limit):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        return start(folder, 1, 9)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("seed", [*range(4), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(4, 100))])
def test_a_kill_at_any_moment_loses_nothing(start, resumes, seed):
    chance = random.Random(seed)
    for _ in range(3):
        process = start("out", chance.choice([1, 2]), 12)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=chance.uniform(0.1, 0.8))
        process.kill()
        process.communicate()  # until its workers are gone, too
    resumes(12)


@pytest.mark.slow
def test_a_kill_at_every_step_of_the_store_loses_nothing(finish, here, resumes):
    for step in range(0, 640, 7):
        (here / "calls.log").unlink(missing_ok=True)
        killed = finish(f"out{step}", 1, 2, "--die", step).status
        assert killed == (-signal.SIGKILL if step < 540 else killed)
        resumes(2, f"out{step}")
