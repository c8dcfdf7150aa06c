"""Where tensors lie: no two on the same rows, and all of them in the memory."""

import itertools

import pytest

from bitline.arch.dram.part import load_part
from bitline.arch.pim.device import pim_device
from bitline.arch.pim.layout import make_layout, share, span
from bitline.base.errors import CapacityError, SpecError
from bitline.traces import build_trace

# Channels that hold a model with GDDR6-AiM, and with HBM-PIM. Every layer takes rows of all channels, at least a group
# of outputs for each tensor: where layers are many, no number of channels makes them fit HBM-PIM's 6143 rows.
MODELS = {
    "gpt2": (8, 32),
    "gpt2-medium": (8, 64),
    "gpt2-xl": (16, None),
    "gpt3-2.7b": (32, None),
    "llama-3.2-1b": (16, 64),
    "qwen2.5-0.5b": (16, 64),
    "gemma-3-1b": (16, 64),
    "falcon-7b": (64, None),
}


def layout(model, name, channels, reserved=256, requests=1):
    device = pim_device(load_part(name), name)
    trace = build_trace(model, phase="decode", batch=1, context=reserved, dtype=device.part.pim.dtype)
    return make_layout(trace, device, channels, reserved, requests), trace, device


def ranges(found, trace, requests):
    """(first row, end, tensor) of every tensor of every repeat."""
    repeats = {}
    for block in trace.blocks:
        for operator in block.operators:
            for tensor in (*operator.inputs, *operator.outputs):
                if tensor.name in found.places:
                    repeats.setdefault(tensor.name, (block.repeats, tensor))
    for name, place in found.places.items():
        times, tensor = repeats[name]
        items = requests if tensor.role == "kv" else (tensor.shape[0] if len(tensor.shape) > 2 else 1)
        for repeat in range(times):
            start = place.row + repeat * place.stride
            yield start, start + items * place.rows, (name, repeat)


@pytest.mark.parametrize(
    ("model", "name", "channels"),
    [
        (model, name, channels)
        for model, both in MODELS.items()
        for name, channels in zip(("gddr6-aim", "hbm-pim"), both)
        if channels
    ],
)
@pytest.mark.parametrize("requests", [1, 3])
def test_no_two_tensors_share_a_row(name, model, channels, requests):
    found, trace, device = layout(model, name, channels, reserved=128, requests=requests)
    lying = sorted(ranges(found, trace, requests))
    assert len(lying) > 70
    for (_start, end, _one), (start, _end, _other) in itertools.pairwise(lying):
        assert end <= start
    assert lying[0][0] == 0
    assert lying[-1][1] <= found.rows <= device.data_rows
    assert all(place.rows > 0 for place in found.places.values())


@pytest.mark.parametrize("name", ["gddr6-aim", "hbm-pim"])
def test_rows_hold_the_weights_and_the_caches(name):
    found, trace, device = layout("gpt2", name, 8, reserved=1024)
    filled = found.rows * 8 * device.part.organisation.n_banks * device.part.organisation.row_bytes
    resident = sum(tensor.bytes for tensor in trace.tensors().values() if tensor.role in ("weight", "kv"))
    assert 0.95 * resident < filled < 1.6 * resident


@pytest.mark.parametrize(
    ("model", "name", "channels"),
    [("gpt3-6.7b", "gddr6-aim", 8), ("gpt3-2.7b", "gddr6-aim", 3), ("gpt2-medium", "hbm-pim", 8)],
)
def test_a_model_that_does_not_fit_names_the_channels_that_hold_it(model, name, channels):
    with pytest.raises(CapacityError, match="more than the") as error:
        layout(model, name, channels)
    enough = int(str(error.value).split("at least ")[1].split()[0])
    layout(model, name, enough)
    with pytest.raises(CapacityError):
        layout(model, name, enough - 1)


def test_where_no_number_of_channels_helps_the_error_says_so():
    with pytest.raises(CapacityError, match="a part with more rows"):
        layout("gpt3-6.7b", "hbm-pim", 32)


def test_keys_and_values_that_are_one_tensor_are_refused():
    with pytest.raises(SpecError):
        layout("deepseek-v2-lite", "gddr6-aim", 4096)


@pytest.mark.parametrize("channels", [1, 3, 8, 24])
@pytest.mark.parametrize("groups", [1, 7, 48, 100])
def test_groups_are_dealt_out_once(channels, groups):
    assert sum(share(channel, channels, groups) for channel in range(channels)) == groups
    assert sum(span(channel, channels, groups, 4)[1] for channel in range(channels)) == groups
    for count in (share, lambda c, n, g: span(c, n, g, 4)[1]):
        shares = [count(channel, channels, groups) for channel in range(channels)]
        assert max(shares) - min(shares) <= 1
