import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitline.base.document import parse_setting
from bitline.sim.study import Point
from bitline.sim.study.resolve import PointKeys


def point_of(**fields):
    known = {"policy": None, "phase": "decode", "batch": 1, "context": 64, "prompt": None, "tokens": None}
    return Point(**{"system": "pim-gpt", "model": "gpt2", "level": "bound", **known, **fields})


words = st.text(st.characters(categories=["L", "N", "P", "S"]) | st.just(" "), max_size=12)
plain = st.one_of(st.booleans(), st.none(), st.integers(-(10**9), 10**9), st.floats(-1e9, 1e9), words)


@given(st.one_of(plain, st.lists(plain, max_size=3)))
def test_a_setting_of_the_command_line_reads_back_as_it_was(value):
    said = shlex.split(point_of(settings={"a.b": value}).command())
    assert parse_setting(said[said.index("--set") + 1]) == ("a.b", value)


def test_a_point_is_another_when_its_file_of_lengths_changes(tmp_path):
    file = tmp_path / "lengths.csv"
    keys = []
    for text in ("1,2\n", "1,3\n", "1,2\n"):
        file.write_text(text)
        keys.append(PointKeys()(point_of(context=None, lengths=str(file))))
    assert keys[0] == keys[2] != keys[1]


def test_the_command_line_says_what_is_given():
    settings = {"memory.part": "gddr6-aim", "memory.channels": 4, "memory.refresh": False}
    assert point_of(settings=settings, policy="pim-gpt").command() == (
        "bitline run pim-gpt --model gpt2 --phase decode --batch 1 --context 64 --policy pim-gpt "
        "--set memory.channels=4 --set memory.part=gddr6-aim --set memory.refresh=false --level bound"
    )
    batch = point_of(context=None, lengths="my lengths.csv", seed=0, tensor=4, pipeline=2, dtype="fp16", level="cycle")
    assert batch.command() == (
        "bitline run pim-gpt --model gpt2 --phase decode --batch 1 --lengths 'my lengths.csv' --seed 0 --tensor 4 "
        "--pipeline 2 --dtype fp16 --level cycle"
    )


@pytest.mark.parametrize("field", ["lengths", "seed", "tensor", "pipeline", "dtype"])
def test_what_only_batches_know_is_left_out_where_it_is_not_given(field):
    assert field not in point_of().to_dict()
    assert field not in point_of().arguments()
    assert point_of(**{field: 1}).to_dict()[field] == 1
