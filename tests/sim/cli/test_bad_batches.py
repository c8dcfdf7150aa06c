"""Wrong input to batched runs: status 2, one line that names file or field and what was expected."""

import pytest

RUN = ("run", "neupims", "--model", "gpt3-125m", "--batch", "4", "--lengths", "alpaca")
CASES = [
    ("an array of no rows", ("--set", "npu.override.array.rows=0"), "array.rows"),
    (
        "a tile larger than the scratchpad",
        ("--set", "mapping.tile_m=4", "--set", "mapping.tile_k=3072", "--set", "mapping.tile_n=3072"),
        "bytes are missing",
    ),
    ("products in the banks", ("--set", "policy.mapping.matmul=pim"), "'matmul' do not run in the banks"),
    ("halves without banks", ("--policy", "npu-only", "--set", "policy.sub_batch=always"), "sub_batch needs attention"),
    ("an unknown policy", ("--policy", "neupim"), "did you mean 'neupims'"),
    ("a policy of single requests", ("--policy", "pim-gpt"), "is for one request at a time"),
    ("an unknown tiling", ("--set", "policy.tiling=trafic"), "did you mean 'traffic'"),
    ("an unknown assignment", ("--set", "policy.assignment=robin"), "assignment"),
    ("a split that does not divide", ("--tensor", "5"), "5 does not divide"),
    ("a split of none", ("--tensor", "0"), "tensor"),
    ("no iterations", ("--iterations", "0"), "iterations"),
    ("a prompt", ("--prompt", "3"), "prompt"),
    ("an unknown NPU", ("--set", "npu.core=neupims-nqu"), "did you mean 'neupims-npu'"),
    ("a format that it lacks", ("--dtype", "fp64"), "does not compute in 'fp64'"),
    ("a controller for other banks", ("--set", "memory.part=newton-hbm2"), "one row buffer a bank"),
    ("two things to run", ("--operator", "matmul m=1 n=1 k=1"), "--model and --operator"),
]


@pytest.mark.parametrize(("options", "says"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_wrong_option(refused, options, says):
    assert says in refused(*RUN, *options)


def test_a_batch_that_does_not_fit_says_how_much_is_missing(refused):
    err = refused("run", "neupims", "--model", "gpt3-13b", "--batch", "512", "--lengths", "sharegpt")
    assert "MB of keys and values" in err
    assert "requests" in err


def test_weights_that_do_not_fit_say_how_much_is_missing(refused):
    err = refused("run", "neupims", "--model", "gpt3-175b", "--tensor", "1", "--pipeline", "1")
    assert "GB more than its memory" in err


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("input_tokens,output_tokens\n12,4\n12,four\n", "lengths.csv:3"),
        ("input_tokens,output_tokens\n", "lengths.csv"),
        ("a,b\n1,2\n", "lengths.csv"),
    ],
)
def test_a_bad_file_of_lengths(refused, tmp_path, text, says):
    path = tmp_path / "lengths.csv"
    path.write_text(text)
    assert says in refused("run", "neupims", "--model", "gpt3-125m", "--batch", "2", "--lengths", path)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--operator", "matmul m=0 n=4 k=4"), "m is '0'"),
        (("--operator", "matmul m=4 n=4"), "k is missing"),
        (("--operator", "matmull m=4 n=4 k=4"), "did you mean 'matmul'"),
        (("--operator", "matmul m=4 n=4 k=4 q=1"), "'q=1' is not known"),
        (("--topology", "nowhere.csv"), "nowhere.csv"),
        ((), "nothing to run"),
    ],
)
def test_wrong_operators(refused, options, says):
    assert says in refused("run", "tpu-like", *options)


def test_operators_need_an_npu(refused):
    assert "has no NPU" in refused("run", "pim-gpt", "--operator", "matmul m=4 n=4 k=4")


def test_lengths_need_an_npu_or_a_gpu(refused):
    assert "request by request" in refused("run", "pim-gpt", "--model", "gpt2", "--lengths", "alpaca")
