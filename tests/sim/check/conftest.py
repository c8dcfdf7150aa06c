"""Hand-made logs: a line of text such as `0 ACT g0 b1 row5; 22 RD g0 b1` becomes a command log."""

import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest

from bitline.sim.check import CommandLog

CELLS = {
    "c": "channel",
    "p": "pseudo_channel",
    "r": "rank",
    "g": "bank_group",
    "b": "bank",
    "row": "row",
    "n": "column",
}


def parse(text):
    rows = []
    for words in (part.split() for part in text.split(";") if part.strip()):
        moves = words[0].startswith("&")
        cells = {"channel": 0, "pseudo_channel": 0, "rank": 0, "bank_group": 0, "bank": 0, "row": -1, "column": 0}
        if "ACT" in words[1]:
            cells["row"] = 2 if words[1] == "G_ACT" else 1
        for word in words[2:]:
            letter, number = re.fullmatch(r"([a-z]+)(-?\d+)", word).groups()
            cells[CELLS[letter]] = int(number)
        rows.append((int(words[0].lstrip("&")), words[1], cells, moves))
    return rows


def build(rows):
    rows = sorted(rows, key=lambda row: row[0])
    names = ("channel", "pseudo_channel", "rank", "bank_group", "bank", "row", "column")
    columns = {name: np.array([row[2][name] for row in rows]) for name in names}
    return CommandLog.from_columns([row[0] for row in rows], [row[1] for row in rows], **columns)


@pytest.fixture(scope="session")
def log_of():
    """`log_of(text)`, or `log_of(text, earlier=n)` with the last command (and those marked &) n ticks earlier."""

    def make(text, earlier=0):
        rows = parse(text)
        rows[-1] = (*rows[-1][:3], True)
        return build([(cycle - earlier * moves, *rest, moves) for cycle, *rest, moves in rows])

    return make


@pytest.fixture(scope="session")
def greedy():
    """The module greedy.py beside this file."""
    spec = importlib.util.spec_from_file_location("greedy", Path(__file__).with_name("greedy.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
