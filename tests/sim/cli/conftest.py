import subprocess
import sys
from types import SimpleNamespace

import pytest

from bitline.sim.cli import main


@pytest.fixture
def bitline(monkeypatch, capsys):
    """Run a command line in this process: status, out, err."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["bitline", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main.main()
        out, err = capsys.readouterr()
        return SimpleNamespace(status=ended.value.code, out=out, err=err)

    return run


@pytest.fixture
def refused(bitline):
    """Run a command line that is wrong: status 2, nothing on stdout, one line on stderr, which is given back."""

    def run(*arguments):
        ended = bitline(*arguments)
        assert (ended.status, ended.out) == (2, ""), ended
        assert ended.err.startswith("bitline: ")
        assert ended.err.count("\n") == 1
        assert len(ended.err) < 400
        return ended.err

    return run


@pytest.fixture(scope="session")
def process():
    """Run a command line as a user does, in a process of its own: a CompletedProcess of text."""

    def run(*arguments, **options):
        command = [sys.executable, "-c", "from bitline.sim.cli.main import main; main()", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, check=False, **options)

    return run
