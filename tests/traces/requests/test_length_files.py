"""Files of lengths: the forms that are read, and one clear error for each that is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitline.base.errors import TraceError
from bitline.traces.requests import load_lengths


@pytest.fixture
def file(tmp_path):
    def write(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "input_tokens,output_tokens\n3,4\n5,6\n"),
        ("a.csv", "arrival_s,output_tokens,input_tokens\r\n0.5,4,3\r\n\r\n0.7,6,5"),
        ("a.CSV", '\ufeffinput_tokens, output_tokens,text\n3, 4,"a, ""b""\nand c"\n5,6,\u2028\n'),
        ("a.jsonl", '{"timestamp":0,"input_length":3,"output_length":4}\n\n{"input_length":5,"output_length":6}'),
        ("a.jsonl", '{"input_tokens":3,"output_tokens":4}\n{"input_tokens":5,"output_tokens":6}\n'),
    ],
)  # fmt: skip
def test_forms(file, name, content):
    assert load_lengths(file(name, content)).rows == ((3, 4), (5, 6))


HEADER = "input_tokens,output_tokens\n"
TOKENS = "a whole number of tokens, 1 to 1073741824"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", HEADER + "3,4\n5,x\n", f":3: output_tokens: is 'x'; expected {TOKENS}"),
        ("a.csv", HEADER + "-3,4\n", f":2: input_tokens: is '-3'; expected {TOKENS}"),
        ("a.csv", HEADER + "3,0\n", f":2: output_tokens: is 0; expected {TOKENS}"),
        ("a.csv", HEADER + "3.5,1\n", f":2: input_tokens: is '3.5'; expected {TOKENS}"),
        ("a.csv", HEADER + "9999999999,1\n", f":2: input_tokens: is 9999999999; expected {TOKENS}"),
        ("a.csv", HEADER + "3\n", ":2: has 1 values; expected 2, as columns"),
        ("a.csv", HEADER + '3,"4\n', ":2: is not CSV (unexpected end of data)"),
        ("a.csv", "in,out\n3,4\n", ":1: input_tokens: is no column; expected columns input_tokens and output_tokens"),
        ("a.csv", "input_tokens," + HEADER, ":1: input_tokens: is a column twice"),
        ("a.csv", HEADER, ": holds no requests; expected at least one line"),
        ("a.csv", "", ": holds no requests"),
        ("a.csv", HEADER.encode() + b"3,4\n\xff,1\n", ":3: byte 31 is not UTF-8"),
        ("a.jsonl", "", ": holds no requests"),
        ("a.jsonl", '{"input_length":3,"output_length":4}\n{"input_length":3,\n', ":2: is not JSON"),
        ("a.jsonl", '{"input_length":3}\n', ":1: output_length: is missing; expected"),
        ("a.jsonl", '{"input_length":true,"output_length":4}\n', f":1: input_length: is True; expected {TOKENS}"),
        ("a.jsonl", '{"input_length":3,"output_length":"4"}\n', f":1: output_length: is '4'; expected {TOKENS}"),
        ("a.jsonl", '{"input_length":3,"output_length":4e0}\n', f":1: output_length: is 4.0; expected {TOKENS}"),
        ("a.jsonl", '{"input_length":3,"input_length":4}\n', ":1: key 'input_length' is given twice"),
        ("a.jsonl", "[3, 4]\n", ":1: is no JSON object; expected keys input_length and output_length"),
        ("a.jsonl", "[" * 100_000, ":1: is nested too deep"),
    ],
)
def test_one_error_with_its_line(file, name, content, message):
    path = file(name, content)
    with pytest.raises(TraceError) as caught:
        load_lengths(path)
    error = caught.value
    assert error.exit_status == 2
    where = f":{error.line}" if error.line else ""
    said = f"{where}: " + ": ".join(filter(None, (error.field, error.problem)))
    said += f"; expected {error.expected}" if error.expected else ""
    assert error.file == str(path)
    assert said.startswith(message)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(TraceError, match="cannot be read"):
        load_lengths(tmp_path / "none.csv")
    with pytest.raises(TraceError, match="cannot be read"):
        load_lengths("a\0b.csv")


@given(st.binary(max_size=200), st.sampled_from(["a.csv", "a.jsonl"]))
def test_bytes_of_any_kind_are_read_or_refused(tmp_path_factory, content, name):
    path = tmp_path_factory.mktemp("lengths") / name
    path.write_bytes(HEADER.encode() + content if name == "a.csv" else content)
    try:
        rows = load_lengths(path).rows
    except TraceError:
        return
    assert all(one >= 1 for row in rows for one in row)
