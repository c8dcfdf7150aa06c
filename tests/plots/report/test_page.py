"""The bytes of a page: what they hold, and what nobody can smuggle into them."""

import base64
import gzip
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitline.plots.report.breakdowns import POINTS_A_BLOCK, pack_block
from bitline.plots.report.render import FOLDER, SCRIPTS, render, script_json
from bitline.plots.report.study_page import study_page

DATA = re.compile(r'<script type="application/json" id="data">(.*?)</script>', re.DOTALL)
BLOCKS = re.compile(r'<script type="text/plain" id="blocks">(.*?)</script>', re.DOTALL)


def data_of(page):
    return json.loads(DATA.search(page.decode())[1])


def blocks_of(page):
    return [json.loads(gzip.decompress(base64.b64decode(line))) for line in BLOCKS.search(page.decode())[1].split()]


@given(
    st.recursive(
        st.text() | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_any_data_comes_back_from_a_script_element(data):
    text = str(script_json(data))
    assert not set(text) & set("<>&")
    assert json.loads(text) == data


def test_what_json_cannot_say_is_refused():
    with pytest.raises(ValueError, match="JSON"):
        script_json({"x": float("nan")})


def test_the_columns_of_a_page_are_those_of_the_table(small_record):
    data = data_of(study_page(small_record))
    assert data["numbers"] == list(range(1, 33))
    for column in data["columns"]:
        values = [row[column["name"]] for row in small_record.rows]
        if column["kind"] == "text":
            told = [None if value is None else column["texts"][value] for value in column["values"]]
            values = [{True: "yes", False: "no"}.get(value, value) for value in values]
            assert told == values
        else:
            assert column["values"] == values
    assert "prompt" not in {column["name"] for column in data["columns"]}


def test_the_blocks_of_a_page_hold_each_result(small_record):
    (block,) = blocks_of(study_page(small_record))
    for point, key in zip(block["points"], small_record.keys, strict=True):
        result = None if key is None else small_record.result_of(key)
        assert (point is None) == (result is None)
        if result is None:
            continue
        operators = point["operators"]
        assert block["shared"][operators["name"]] == [operator["name"] for operator in result["operators"]]
        assert operators["time_s"] == pytest.approx([operator["time_s"] for operator in result["operators"]], rel=1e-5)
        assert sum(operators["time_s"]) == pytest.approx(point["time_s"], rel=1e-4)
        names, values = point["energy_parts_j"]
        assert dict(zip(block["shared"][names], values)) == pytest.approx(result["energy_parts_j"], rel=1e-5)
        assert point["command"] == result["provenance"]["command"]
        assert point["key"] == key


def test_the_script_and_python_agree_on_the_size_of_a_block():
    assert f"const POINTS_A_BLOCK = {POINTS_A_BLOCK};" in (FOLDER / "point.js").read_text()


def test_every_file_of_the_page_is_used():
    used = {*SCRIPTS, "report.css", "base.html.j2", "macros.html.j2", "study.html.j2", "run.html.j2"}
    assert {path.name for path in FOLDER.iterdir()} == used


def test_the_same_study_gives_the_same_bytes(small_record):
    assert study_page(small_record) == study_page(small_record)


def test_a_page_names_nothing_outside_itself(small_record):
    text = study_page(small_record).decode()
    assert re.findall(r"""(?:src|href|action|url)\s*[=(]\s*["']?(?!data:,)[\w/.]""", text.split("<body>")[0]) == []
    assert set(re.findall(r"https?://[\w./]+", text)) == {"http://www.w3.org/2000/svg"}
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1]
    assert policy.startswith("default-src &#39;none&#39;; script-src &#39;sha256-")
    assert "unsafe" not in policy


def test_of_too_many_points_the_page_keeps_some_and_says_so(small_record):
    text = study_page(small_record, 10).decode()
    assert len(data_of(text.encode())["numbers"]) == 10
    assert "10 of 32 points: the fronts, then the best by time per token." in text


def test_5000_points_make_a_page_of_two_megabytes(large_record):
    page = study_page(large_record)
    assert len(data_of(page)["numbers"]) == 5000
    assert sum(len(block["points"]) for block in blocks_of(page)) == 5000
    assert len(page) < 2.5e6


def test_a_block_without_results_says_so():
    assert json.loads(gzip.decompress(base64.b64decode(pack_block([(None, None)]))))["points"] == [None]


def test_a_title_is_text():
    common = {"question": "", "head": [], "said": [], "resolved": "", "provenance": []}
    text = render("run.html.j2", {"kind": "run"}, [], title="<b>&", **common).decode()
    assert "<title>&lt;b&gt;&amp;</title>" in text
    assert "<b>&" not in text
