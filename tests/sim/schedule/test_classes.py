"""Alike channels are simulated once: the result is that of simulating every channel by itself."""

import dataclasses

import pytest

from bitline.arch.pim.layout import make_layout
from bitline.sim.run import pim_run
from bitline.sim.run.pim_result import cycle_result
from bitline.sim.schedule.classes import ChannelClass, channel_classes

CASES = {
    "8 channels": ("gpt2", "pim-gpt", {"context": 200, "settings": {"memory.channels": 8}}),
    "24 channels": ("gpt2", "pim-gpt", {"context": 1024, "settings": {"memory.channels": 24}}),
    "12 channels": ("gpt2", "pim-gpt", {"context": 77, "settings": {"memory.channels": 12}}),
    "HBM-PIM": ("gpt2", "hbm-pim", {"context": 150}),
    "serial": ("gpt2", "pim-gpt", {"context": 100, "policy": "serial"}),
    "a few tokens": ("gpt2", "pim-gpt", {"phase": "generate", "prompt": 15, "tokens": 4}),
    "queries that share keys": ("llama-3.2-1b", "pim-gpt", {"context": 40, "settings": {"memory.channels": 20}}),
}


def every_channel(device, channels, trace, layout, contexts):
    return tuple(ChannelClass(channel, 1) for channel in range(channels))


def finished(run):
    run.run()
    return cycle_result(run, "system", "policy", {})


@pytest.mark.parametrize("case", CASES)
def test_alike_channels_once_or_each_by_itself(planned, monkeypatch, case):
    model, system, options = CASES[case]
    alike = planned(model, system, **options)
    monkeypatch.setattr(pim_run, "channel_classes", every_channel)
    alone = planned(model, system, **options)
    assert len(alike.classes) < len(alone.classes) == alike.n_channels
    one, each = finished(alike), finished(alone)
    assert one.counts == each.counts
    assert one.time_s == each.time_s
    assert one.energy_parts_j == each.energy_parts_j
    ours, theirs = (dataclasses.replace(result, fast_forward={}) for result in (one, each))
    assert ours == theirs


def test_classes_hold_every_channel_once(planned):
    for channels in (1, 7, 8, 24, 64):
        run = planned(context=500, settings={"memory.channels": channels})
        assert sum(alike.multiplicity for alike in run.classes) == channels
        first = [alike.channel for alike in run.classes]
        assert first == sorted(set(first))
        assert first[0] == 0


def test_a_channel_that_writes_keys_is_alone(planned):
    """Token 200 lies in token group 12, on channel 4 of 8."""
    run = planned(context=200)
    trace = run.workload.trace(200)
    layout = make_layout(trace, run.device, 8, run.reserved, 1)
    classes = channel_classes(run.device, 8, trace, layout, [200])
    assert ChannelClass(4, 1) in classes
