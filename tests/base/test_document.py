"""Documents are untrusted: what YAML would do behind the reader's back is refused, by file and line, in a sentence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from bitline.base.document import (
    Document,
    Library,
    apply_settings,
    check,
    dotted,
    merge,
    parse_setting,
    parse_yaml,
    read_yaml,
    scalar,
)
from bitline.base.errors import SpecError


class Inner(Document):
    size: int = Field(ge=1)
    name: str = "x"


class Outer(Document):
    inner: Inner
    numbers: tuple[float, ...] = ()
    table: dict[str, float] = {}


def problem_of(text, model=None):
    def read():
        source = parse_yaml(text, "f.yaml")
        return source if model is None else check(source, model)

    with pytest.raises(SpecError) as caught:
        read()
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) <= 300
    return str(caught.value)


# --- the grammar ---


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: 1", {"a": 1}),
        ("a: 0x1F", {"a": 31}),
        ("a: 1e9", {"a": 1e9}),
        ("a: .5", {"a": 0.5}),
        ("a: 007", {"a": 7.0}),
        ("a: no\nb: on\nc: Yes", {"a": "no", "b": "on", "c": "Yes"}),
        ("a: true\nb: False\nc: null\nd: ~\ne:", {"a": True, "b": False, "c": None, "d": None, "e": None}),
        ("a: '1'\nb: \"no\"", {"a": "1", "b": "no"}),
        ("a: 12:30:45\nb: 2020-01-01", {"a": "12:30:45", "b": "2020-01-01"}),
        ("a: [1, {b: 2}]\nc:\n  - 3\n  - d: 4", {"a": [1, {"b": 2}], "c": [3, {"d": 4}]}),
        ("a: |\n  two\n  lines\n", {"a": "two\nlines\n"}),
        ("<<: {a: 1}", {"<<": {"a": 1}}),
        ("# nothing", None),
        ("", None),
    ],
)
def test_scalars_follow_yaml_1_2_and_nothing_is_guessed(text, value):
    assert parse_yaml(text).data == value


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: 1\na: 2", "f.yaml:2: a: is given twice; expected each key once"),
        ("a:\n  b: 1\n  b: 2", "f.yaml:3: a.b: is given twice"),
        ("a: !!python/object/apply:os.system [ls]", "f.yaml:1: tag 'tag:yaml.org,2002:python/object/apply:os.system'"),
        ("a: !!str 1", "f.yaml:1: tag 'tag:yaml.org,2002:str' is not accepted"),
        ("a: !local 1", "tag '!local' is not accepted"),
        ("a: &x 1\nb: *x", "f.yaml:1: anchors are not accepted"),
        ("b: *x", "f.yaml:1: aliases are not accepted"),
        ("a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]", "f.yaml:1: anchors are not accepted"),
        ("a: 1\n---\nb: 2", "f.yaml:2: holds a second document; expected one document a file"),
        ("a: [1, 2", "f.yaml:"),
        ("a: 'x", "f.yaml:"),
        ("\ta: 1", "f.yaml:1"),
        ("a: b: c", "f.yaml:1"),
        ("? [a, b]\n: 1", "f.yaml:1: a key has to be a word"),
        ("'': 1", "f.yaml:1: a key has to be a word"),
        ("a: .nan", "f.yaml:1: a: .nan is not a finite number; expected a finite number"),
        ("a: [1, -.inf]", "f.yaml:1: a[1]: -.inf is not a finite number"),
        ("a: nan", "f.yaml:1: a: nan is not a finite number"),
        ("a: 1e999", "f.yaml:1: a: 1e999 is not a finite number"),
        ("a: \x00", "f.yaml"),
    ],
)
def test_what_is_refused(text, says):
    assert says in problem_of(text)


@pytest.mark.parametrize("deep", ["[" * 5_000, "{a: " * 5_000, "- " * 5_000, "[" * 5_000 + "]" * 5_000])
def test_five_thousand_levels_of_nesting_are_refused_without_recursion(deep):
    # The YAML parser itself gives up at a depth of its own inside brackets.
    said = problem_of("a: " + deep if deep[0] != "-" else deep)
    assert "f.yaml:1: is nested too deep; expected at most 32 levels" in said or "maximum nesting depth" in said


def test_thirty_levels_are_fine():
    assert parse_yaml("[" * 30 + "1" + "]" * 30).data


@pytest.mark.parametrize("digits", ["9" * 5_000, "-" + "9" * 5_000])
def test_a_number_of_thousands_of_digits_is_refused(digits):
    assert problem_of(f"a: {digits}")


@given(st.text(max_size=200))
def test_any_text_is_parsed_or_refused_with_one_line(text):
    said = ""
    try:
        parse_yaml(text, "f.yaml")
    except SpecError as error:
        said = str(error)
    assert "\n" not in said


@given(
    st.recursive(st.integers() | st.booleans() | st.none(), lambda inner: st.lists(inner, max_size=4), max_leaves=10)
)
def test_what_json_writes_is_read_as_it_was(value):
    import json

    assert parse_yaml(json.dumps({"a": value})).data == {"a": value}


def test_scalar_keeps_text_that_only_looks_like_a_number():
    assert [scalar(text) for text in ("1_000", "0o17", "1.2.3", "1e", "+", "0x")] == [
        "1_000", "0o17", "1.2.3", "1e", "+", "0x",
    ]  # fmt: skip


# --- files ---


def test_a_file_that_is_not_there_is_named(tmp_path):
    for path in (tmp_path / "none.yaml", tmp_path):
        with pytest.raises(SpecError, match="cannot be read") as caught:
            read_yaml(path)
        assert caught.value.file == str(path)


def test_a_file_of_bytes_and_a_file_of_megabytes_are_refused(tmp_path):
    path = tmp_path / "f.yaml"
    path.write_bytes(b"a: \xff")
    with pytest.raises(SpecError, match="byte 3 is not UTF-8"):
        read_yaml(path)
    path.write_bytes(b"#" * ((4 << 20) + 1))
    with pytest.raises(SpecError, match="too large for a document; expected at most 4 MiB"):
        read_yaml(path)


# --- checking ---


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("inner: {size: 1, nam: y}", "f.yaml:1: inner.nam: unknown field; expected did you mean 'name'?"),
        ("inner:\n  size: 0", "f.yaml:2: inner.size: input should be greater than or equal to 1, got 0"),
        ("inner: {size: '1'}", 'inner.size: input should be a valid integer, got "1"'),
        ("inner: {size: 1.5}", "inner.size"),
        ("inner: {size: true}", "inner.size: input should be a valid integer, got true"),
        ("inner: {}", "f.yaml:1: inner.size: is missing"),
        ("inner: 3", "f.yaml:1: inner:"),
        ("inner: {size: 1}\nnumbers: [1, two]", "f.yaml:2: numbers[1]:"),
        ("inner: {size: 1}\ntable: {x: y}", "f.yaml:2: table.x:"),
        ("inner: {size: 1, a: 1, b: 2}", "(and 1 more wrong fields)"),
        ("[1, 2]", "f.yaml: holds no fields; expected the fields of a Outer"),
        ("", "f.yaml: holds no fields"),
    ],
)
def test_the_first_wrong_field_is_named(text, says):
    assert says in problem_of(text, Outer)


def test_what_was_loaded_is_frozen():
    document = check(parse_yaml("inner: {size: 3}"), Outer)
    with pytest.raises(ValueError, match="frozen"):
        document.inner.size = 4


def test_an_integer_does_for_a_real_number():
    assert check(parse_yaml("inner: {size: 3}\nnumbers: [1, 2.5]"), Outer).numbers == (1.0, 2.5)


def test_merging_is_key_by_key_and_keeps_where_each_line_stands():
    base, child = parse_yaml("a: {x: 1, y: 2}\nb: [1]", "base"), parse_yaml("\n\na: {y: 3}\nb: [2, 3]", "child")
    merged = merge(base, child)
    assert merged.data == {"a": {"x": 1, "y": 3}, "b": [2, 3]}
    assert merged.where(("a", "x")) == ("base", 1)
    assert merged.where(("a", "y")) == ("child", 3)
    assert base.data == {"a": {"x": 1, "y": 2}, "b": [1]}


def test_settings_reach_into_a_copy():
    source = parse_yaml("a: {x: 1}")
    changed = apply_settings(source, {"a.x": 2, "b.c.d": 3})
    assert changed.data == {"a": {"x": 2}, "b": {"c": {"d": 3}}}
    assert source.data == {"a": {"x": 1}}
    with pytest.raises(SpecError, match=r"--set: a\.x\.y: 'a\.x' has no fields"):
        apply_settings(source, {"a.x.y": 1})


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("a.b=3", ("a.b", 3)),
        ("a = x y ", ("a", "x y")),
        ("a=[1, 2]", ("a", [1, 2])),
        ("a='3'", ("a", "3")),
        ("a=", ("a", None)),
    ],
)
def test_a_setting_is_a_path_and_a_value(text, pair):
    assert parse_setting(text) == pair


@pytest.mark.parametrize("text", ["a", "=3", "1a=3", "a..b=3", "a.=3", "a=.nan", "a=!!python/none", "a=[1", "a=*x"])
def test_a_setting_that_is_none_is_refused(text):
    with pytest.raises(SpecError) as caught:
        parse_setting(text)
    assert caught.value.file == "--set"


def test_dotted_paths():
    assert dotted(("memory", "timing_ck", 2, "x")) == "memory.timing_ck[2].x"
    assert dotted(()) == ""


# --- libraries ---


@pytest.fixture
def library(tmp_path):
    (tmp_path / "one.yaml").write_text("inner: {size: 1, name: one}\n")
    (tmp_path / "two.yaml").write_text("base: one\ninner: {size: 2}\n")
    (tmp_path / "loop.yaml").write_text("base: pool\n")
    (tmp_path / "pool.yaml").write_text("base: loop\n")
    (tmp_path / "odd.yaml").write_text("base: [one]\n")
    return Library("thing", tmp_path)


def test_a_document_may_have_a_base(library):
    assert library.names() == ["loop", "odd", "one", "pool", "two"]
    assert library.load("two", Outer).inner == Inner(size=2, name="one")
    assert library.load("two", Outer, {"inner.size": 5}).inner.size == 5


def test_a_users_file_may_have_a_base_beside_it_or_in_the_library(library, tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "three.yaml").write_text("base: one\ninner: {size: 3}\n")
    (folder / "four.yaml").write_text("base: three.yaml\ninner: {size: 4}\n")
    assert library.load(str(folder / "three.yaml"), Outer).inner == Inner(size=3, name="one")
    assert library.load(str(folder / "four.yaml"), Outer).inner == Inner(size=4, name="one")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("tow", "unknown thing 'tow'; expected did you mean 'two'?"),
        ("loop", "base: leads back to itself"),
        ("odd", "odd.yaml:1: base: is not the name of a document"),
        ("../one", "unknown thing '../one'"),
        ("/etc/passwd", "unknown thing '/etc/passwd'"),
        ("", "unknown thing ''"),
        ("none.yaml", "none.yaml: cannot be read (No such file or directory)"),
    ],
)
def test_a_document_that_cannot_be_found(library, name, says):
    with pytest.raises(SpecError) as caught:
        library.load(name, Outer)
    assert says in str(caught.value)
