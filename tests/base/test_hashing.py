"""Equal content, equal name."""

import pytest

from bitline.base.hashing import content_hash, source_hash


def test_key_order_does_not_matter_and_values_do():
    assert content_hash({"a": 1, "b": [1, 2]}) == content_hash({"b": [1, 2], "a": 1})
    assert content_hash({"a": 1}) != content_hash({"a": 2})
    assert content_hash({"a": 1}) != content_hash({"a": "1"})
    assert content_hash([1, 2]) != content_hash([2, 1])


def test_the_hash_is_the_same_on_every_machine():
    # echo -n '{"part":"ddr4-3200","x":1.5}' | sha256sum
    assert content_hash({"x": 1.5, "part": "ddr4-3200"}) == "6520c509668cd0345d95fc3fe8b0e120"


def test_numbers_that_json_cannot_say_are_refused():
    with pytest.raises(ValueError, match="not JSON compliant"):
        content_hash({"a": float("nan")})


def test_sources_count_by_name_and_content_and_nothing_else_does(tmp_path):
    folder = tmp_path / "csrc"
    (folder / "dram").mkdir(parents=True)
    (folder / "dram" / "a.pyx").write_text("one")
    (folder / "b.yaml").write_text("two")
    first = source_hash([folder])
    (folder / "README.md").write_text("words")
    (folder / "a.so").write_bytes(b"x")
    assert source_hash([folder]) == first
    (folder / "b.yaml").write_text("three")
    changed = source_hash([folder])
    assert changed != first
    (folder / "b.yaml").rename(folder / "c.yaml")
    assert source_hash([folder]) not in (first, changed)
