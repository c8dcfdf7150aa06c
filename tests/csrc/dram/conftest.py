import io

import pytest

from bitline.sim.check import Checker, read_commands
from bitline.sim.run.command_log import HEADER, CommandText


@pytest.fixture(scope="session")
def assert_legal(tmp_path_factory):
    """`assert_legal(part, memory)`: what the memory's first channel has logged obeys the rules of the part."""
    path = tmp_path_factory.mktemp("logs") / "log.csv"
    checkers = {}

    def check(part, memory):
        checker = checkers.setdefault(part, Checker(part))
        text = io.BytesIO(HEADER.encode())
        text.seek(0, io.SEEK_END)
        CommandText(memory.part, memory.table.commands).write(text, [(0, memory.core.take_log(0))])
        path.write_bytes(text.getvalue())
        report = checker.check(read_commands(path), refresh=False)
        assert report.passed, report.text()

    return check
