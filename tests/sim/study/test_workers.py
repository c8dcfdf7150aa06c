import hashlib
import importlib
import os
import signal
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from bitline.base.errors import MissingExtraError, SpecError
from bitline.sim.study import sweep
from bitline.sim.study.workers import local, machine
from bitline.sim.study.workers.machine import SPARE_BYTES, workers_that_fit


def digest(folder):
    return hashlib.sha256((folder / "table.csv").read_bytes()).hexdigest()


@pytest.fixture
def run(monkeypatch, here):
    """The toy's runner by a name that worker processes can import."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    return importlib.import_module("toy").run


@pytest.mark.parametrize(
    ("free", "workers"), [(None, 8), (0, 1), (SPARE_BYTES + 2 * 10**9, 3), (SPARE_BYTES + 10**12, 8)]
)
def test_as_many_workers_as_fit_in_memory(free, workers):
    assert workers_that_fit(8, 10**9, free) == workers


def test_the_machine_says_what_it_has():
    assert 1 <= machine.cores() <= os.cpu_count()
    assert machine.peak_bytes() > 10 << 20
    free = machine.available_bytes()
    assert free is None or free > 0


def test_auto_starts_fewer_workers_where_memory_is_short_and_says_so(here, toy, run, capfd, monkeypatch):
    sweep(toy.study_of(3), here / "whole", runner=toy.run)
    monkeypatch.setattr(local, "cores", lambda: 2)
    monkeypatch.setattr(local, "available_bytes", lambda: SPARE_BYTES + (1 << 20))
    sweep(toy.study_of(3), here / "out", runner=run, jobs="auto")
    assert "bitline: 1 of 2 workers: each takes" in capfd.readouterr().err
    assert digest(here / "out") == digest(here / "whole")


@pytest.fixture
def cluster(run):
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
    ) as found:
        yield found


def test_a_cluster_gives_the_same_bytes_with_a_worker_killed(here, toy, run, cluster):
    sweep(toy.study_of(8), here / "whole", runner=toy.run)
    pids = [worker.pid for worker in cluster.workers.values()]

    class Kills:
        ended = 0

        def start(self, points):
            pass

        def kept(self, kept):
            pass

        def end(self, outcome):
            self.ended += 1
            if self.ended == 5:
                os.kill(pids[0], signal.SIGKILL)

    summary = sweep(toy.study_of(8), here / "out", runner=run, scheduler=cluster.scheduler_address, watch=Kills())
    assert (summary.ran, summary.failed) == (32, 4)
    assert digest(here / "out") == digest(here / "whole")


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nonsense://x", "127.0.0.1:notaport"])
def test_a_scheduler_that_cannot_be_reached_is_one_error(here, toy, address, monkeypatch):
    pytest.importorskip("distributed")
    from bitline.sim.study.workers import cluster

    monkeypatch.setattr(cluster, "CONNECT_S", 1)
    with pytest.raises(SpecError, match="--scheduler: no scheduler at"):
        sweep(toy.study_of(1), here / "out", runner=toy.run, scheduler=address)
    assert not (here / "out").exists()


def test_a_missing_cluster_library_is_named(here, toy, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingExtraError, match=r"--scheduler needs dask.distributed"):
        sweep(toy.study_of(1), here / "out", runner=toy.run, scheduler="tcp://127.0.0.1:1")


def test_a_worker_with_other_code_is_refused(toy):
    from bitline.sim.study.workers.cluster import _run

    with pytest.raises(SpecError, match="another version of bitline"):
        _run(toy.run, "key", SimpleNamespace(), "0" * 32)
