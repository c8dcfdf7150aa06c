import importlib.util
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

SCRIPT = Path(__file__).with_name("toy.py")


@pytest.fixture(scope="session")
def toy():
    spec = importlib.util.spec_from_file_location("toy_study", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def here(tmp_path, monkeypatch, toy):
    """An empty folder to work in, with the toy's system."""
    (tmp_path / "toy.yaml").write_text(toy.SYSTEM)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def start(here):
    """Start toy.py in a process (group) of its own; whatever is left of it ends with the test."""
    started = []

    def begin(*arguments, **environment):
        command = [sys.executable, str(SCRIPT), *map(str, arguments)]
        process = subprocess.Popen(
            command,
            cwd=here,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            # A shell's background jobs ignore interrupts, and hand that down.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def finish(start):
    """Run toy.py to its end."""

    def run(*arguments, **environment):
        process = start(*arguments, **environment)
        out, err = process.communicate(timeout=120)
        return SimpleNamespace(status=process.returncode, out=out, err=err)

    return run


@pytest.fixture
def calls(here):
    """Every start of a point so far."""

    def read():
        log = here / "calls.log"
        return log.read_text().splitlines() if log.exists() else []

    return read
