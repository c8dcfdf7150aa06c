"""Where tensors lie: no two on the same rows, and all of them in the memory."""

import itertools

import pytest

from bitline.arch.dram.part import load_part
from bitline.arch.pim.device import pim_device
from bitline.arch.pim.layout import make_layout, share, span
from bitline.base.errors import CapacityError, SpecError
from bitline.traces import build_trace

MODELS = ["gpt2", "gpt2-xl", "gpt3-2.7b", "llama-3.2-1b", "qwen2.5-0.5b", "gemma-3-1b", "falcon-7b", "phi-3-mini"]


def layout(model, name, channels, reserved=256, requests=1):
    device = pim_device(load_part(name), name)
    trace = build_trace(model, phase="decode", batch=1, context=reserved, dtype=device.part.pim.dtype)
    return make_layout(trace, device, channels, reserved, requests), trace, device


def roomy(model, name, requests):
    """A layout on so many channels that it fits, and no more: the fuller the banks the better."""
    for channels in (16, 64, 128, 256, 512):
        try:
            return layout(model, name, channels, requests=requests)
        except CapacityError:
            continue
    pytest.fail("fits nowhere")


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


@pytest.mark.parametrize("name", ["gddr6-aim", "hbm-pim"])
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("requests", [1, 3])
def test_no_two_tensors_share_a_row(name, model, requests):
    found, trace, device = roomy(model, name, requests)
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


@pytest.mark.parametrize("name", ["gddr6-aim", "hbm-pim"])
def test_a_model_that_does_not_fit_names_the_channels_that_do(name):
    with pytest.raises(CapacityError, match="more than the") as error:
        layout("gpt3-6.7b", name, 8)
    channels = int(str(error.value).split("at least ")[1].split()[0])
    layout("gpt3-6.7b", name, channels)
    with pytest.raises(CapacityError):
        layout("gpt3-6.7b", name, channels - 1)


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
