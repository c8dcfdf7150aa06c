"""Several sweeps of one folder at once."""

import signal

from bitline.sim.study import Store, sweep


def table(folder):
    return (folder / "table.csv").read_bytes()


def test_two_sweeps_of_one_folder_share_its_points(start, here, toy, calls):
    both = [start("out", 1, 12) for _ in range(2)]
    assert [process.communicate(timeout=120) and process.returncode for process in both] == [0, 0]
    assert len(calls()) == len(set(calls())) == 48
    sweep(toy.study_of(12), here / "whole", runner=toy.run)
    assert table(here / "out") == table(here / "whole")


def test_sweeps_of_two_studies_leave_the_union(start, here, toy, calls):
    both = [start("out", 1, contexts) for contexts in (6, 12)]
    assert [process.communicate(timeout=120) and process.returncode for process in both] == [0, 0]
    assert len(calls()) == len(set(calls())) == 48
    store = Store(here / "out", create=False)
    assert len(list(store.all())) == 48
    store.close()


def test_the_points_of_a_killed_sweep_are_taken_over(start, finish, here, toy, calls):
    stuck = start("out", 1, 6, TOY_TALKS="1", TOY_WAITS="3")
    while stuck.stdout.readline() != "3\n":
        pass
    other = start("out", 1, 6, TOY_TALKS="1")
    while other.stdout.readline() != "6\n":
        pass
    # The other has run all else, and waits for the stuck one's points.
    stuck.send_signal(signal.SIGKILL)
    other.communicate(timeout=120)
    assert other.returncode == 0
    sweep(toy.study_of(6), here / "whole", runner=toy.run)
    assert table(here / "out") == table(here / "whole")
    assert len(list((here / "out").glob("*.sqlite"))) == 1
