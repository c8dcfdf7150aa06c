"""`bitline report`, from a real sweep and a real run to a page."""

import base64
import gzip
import json
import re
import shlex

import pytest

STUDY = """\
schema: 1
title: Channels
question: How many channels?
system: pim-gpt
models: [gpt2]
settings:
  memory.channels: [1, 8, 16]
  asic.adders: [64, 256]
objectives: {time_per_token_s: min, energy_j: min}
constraints: ["power_w < 5"]
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    from bitline.sim.study import load_study, sweep

    folder = tmp_path_factory.mktemp("report")
    (folder / "channels.yaml").write_text(STUDY)
    sweep(load_study(folder / "channels.yaml"), folder / "study")
    return folder


def part(text, name):
    return re.search(rf'<script type="[a-z/]*" id="{name}">(.*?)</script>', text, re.DOTALL)[1]


def test_the_page_of_a_sweep_holds_its_table_and_its_results(bitline, folder):
    from bitline.sim.study import read_table

    page = folder / "study.html"
    ended = bitline("report", folder / "study", "-o", page)
    assert (ended.status, ended.err) == (0, "")
    assert ended.out.startswith(f"wrote {page} (6 points, 0.")
    text = page.read_text()
    assert "<h1>Channels</h1>" in text
    assert "How many channels?" in text
    rows = read_table(folder / "study/table.csv")
    data = json.loads(part(text, "data"))
    columns = {column["name"]: column["values"] for column in data["columns"]}
    assert columns["time_per_token_s"] == [row["time_per_token_s"] for row in rows]
    block = json.loads(gzip.decompress(base64.b64decode(part(text, "blocks"))))
    assert len(block["points"]) == len(rows) == 6
    assert all(point is not None for row, point in zip(rows, block["points"]) if row["status"] == "done")


def test_the_command_of_a_point_gives_that_point_again(bitline, folder):
    from bitline.sim.study import read_table

    page = folder / "again.html"
    bitline("report", folder / "study", "-o", page)
    block = json.loads(gzip.decompress(base64.b64decode(part(page.read_text(), "blocks"))))
    row, point = next(
        (row, point) for row, point in zip(read_table(folder / "study/table.csv"), block["points"]) if point is not None
    )
    name, *words = shlex.split(point["command"])
    assert name == "bitline"
    result = json.loads(bitline(*words, "--json").out)
    assert (result["time_s"], result["energy_j"]) == (row["time_s"], row["energy_j"])


def test_the_same_study_gives_the_same_page(bitline, folder):
    pages = [folder / "first.html", folder / "second.html"]
    for page in pages:
        bitline("report", folder / "study", "-o", page)
    assert pages[0].read_bytes() == pages[1].read_bytes()


def test_fewer_points_can_be_kept(bitline, folder):
    page = folder / "few.html"
    assert "(2 points," in bitline("report", folder / "study", "-o", page, "--points", 2).out
    assert len(json.loads(part(page.read_text(), "data"))["numbers"]) == 2


def test_a_run_has_a_page_too(bitline, folder):
    bitline("run", "pim-gpt", "--model", "gpt2", "--out", folder / "run")
    for results in (folder / "run", folder / "run/result.json"):
        page = folder / "run.html"
        assert "(one run," in bitline("report", results, "-o", page).out
        text = page.read_text()
        assert "<h1>gpt2 on pim-gpt</h1>" in text
        assert "Held back by bank compute for" in text


def test_what_is_no_result_is_refused(refused, folder, tmp_path):
    assert "is not there" in refused("report", tmp_path / "none")
    assert "holds nothing to report" in refused("report", tmp_path)
    (tmp_path / "result.json").write_text("{")
    assert "result.json" in refused("report", tmp_path)
    (tmp_path / "other.json").write_text('{"schema": 1}')
    assert "other.json" in refused("report", tmp_path / "other.json")
    assert "expected a .html file" in refused("report", folder / "study", "-o", tmp_path / "report.pdf")
    assert "cannot be written" in refused("report", folder / "study", "-o", tmp_path / "none/report.html")


def test_a_damaged_study_is_refused_and_leaves_the_old_page(refused, folder, tmp_path):
    study = tmp_path / "study"
    study.mkdir()
    page = tmp_path / "report.html"
    page.write_text("old")
    (study / "table.csv").write_text((folder / "study/table.csv").read_text())
    assert "holds no study.yaml" in refused("report", study, "-o", page)
    (study / "study.yaml").write_text((folder / "study/study.yaml").read_text())
    (study / "screen.json").write_text('{"quality": 3}')
    assert "is not the report of a screen" in refused("report", study, "-o", page)
    (study / "screen.json").unlink()
    (study / "table.csv").write_text("system,model,status\n")
    assert "holds no points" in refused("report", study, "-o", page)
    assert page.read_text() == "old"


def test_a_table_without_its_store_still_makes_a_page(bitline, folder, tmp_path):
    study = tmp_path / "study"
    study.mkdir()
    for name in ("table.csv", "study.yaml"):
        (study / name).write_text((folder / "study" / name).read_text())
    page = tmp_path / "report.html"
    assert bitline("report", study, "-o", page).status == 0
    block = json.loads(gzip.decompress(base64.b64decode(part(page.read_text(), "blocks"))))
    assert block["points"] == [None] * 6
