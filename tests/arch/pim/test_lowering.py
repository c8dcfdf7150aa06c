"""Programs do the work that an operator asks for, where its data lies."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitline.arch.dram.part import load_part
from bitline.arch.pim.device import Heads, ceil_div, pim_device
from bitline.base.errors import SpecError

HEADS = [
    Heads(12, 1, 64, 64),  # gpt2
    Heads(25, 1, 64, 64),  # gpt2-xl: an odd number of heads
    Heads(20, 1, 80, 80),
    Heads(16, 1, 96, 96),
    Heads(8, 4, 128, 128),  # llama-3-8b: four queries share a key
    Heads(1, 16, 256, 256),
    Heads(2, 7, 64, 64),  # qwen2.5-0.5b
    Heads(3, 1, 72, 40),
]


def total(found, name):
    return sum(times for key, times in found.items() if key[0] == name)


# --- matrices ---


@settings(max_examples=60)
@given(inputs=st.integers(1, 5000), groups=st.integers(1, 70))
def test_aim_multiplies_every_weight_once(aim, inputs, groups):
    device = aim.device
    matrix = device.matrix(inputs, groups)
    found = aim.touched(matrix.steps, base=5)
    columns = [key for key in found if key[0] == "MAC16"]
    assert total(found, "MAC16") == len(columns) == groups * ceil_div(inputs, 16)  # no column twice
    assert len(columns) * device.column_elements * device.banks >= inputs * groups * device.outputs_at_once
    assert all(5 <= row < 5 + matrix.rows and 0 <= column < 64 for _name, _bank, row, column in columns)
    assert total(found, "WRGB") == ceil_div(inputs, 16)  # the vector goes in once
    assert total(found, "RDMAC16") == groups * len(matrix.steps)
    assert sum(step.results for step in matrix.steps) == total(found, "RDMAC16") * device.banks


@settings(max_examples=60)
@given(inputs=st.integers(1, 5000), groups=st.integers(1, 70))
def test_aim_packs_a_matrix_without_gaps(aim, inputs, groups):
    """Rows beyond those that the weights fill: less than one for each chunk of the vector."""
    matrix = aim.device.matrix(inputs, groups)
    assert matrix.rows < groups * ceil_div(inputs, 16) / 64 + len(matrix.steps)
    ends = [step.offset for step in matrix.steps[1:]] + [matrix.rows]
    assert all(step.offset < end for step, end in zip(matrix.steps, ends))


@settings(max_examples=25)
@given(inputs=st.integers(1, 2500), groups=st.integers(1, 9))
def test_hbm_pim_multiplies_every_weight_once(hbm_pim, inputs, groups):
    device = hbm_pim.device
    matrix = device.matrix(inputs, groups)
    found = hbm_pim.touched(matrix.steps, base=5)
    read = [key for key in found if key[0] == "RD_AB"]
    assert total(found, "RD_AB") == len(read) == groups * ceil_div(inputs, 16) * 8  # a burst an output
    assert len(read) * device.column_elements * device.blocks >= inputs * groups * device.outputs_at_once
    assert all(5 <= row < 5 + matrix.rows and 0 <= column < 32 for _name, _bank, row, column in read)
    # Sums are read where they were stored, and nothing was multiplied there.
    stored = {key[2:] for key in found if key[0] == "WR_AB" and key[2] < device.data_rows}
    results = {key[2:] for key in found if key[0] == "RD"}
    assert stored == results
    assert not {row for row, _column in stored} & {key[2] for key in read}
    assert total(found, "RD") == groups * 8 * device.blocks
    assert {key[1] for key in found if key[0] == "RD"} == set(range(1, 16, 2))


@pytest.mark.parametrize("which", ["aim", "hbm_pim"])
@pytest.mark.parametrize("inputs", [768, 1600, 33])
def test_a_row_of_a_table_is_the_first_outputs_weights(request, which, inputs):
    bank = request.getfixturevalue(which)
    found = bank.touched(bank.device.read_row(inputs, 40))
    assert total(found, "RD") == len(found) == ceil_div(inputs, 16)
    weights = bank.places(bank.device.matrix(inputs, 40).steps, "MAC16", "RD_AB")
    assert {(row, column) for _name, _bank, row, column in found} <= {(row, column) for _b, row, column in weights}


# --- keys ---


@pytest.mark.parametrize("heads", HEADS, ids=str)
def test_aim_scores_read_the_keys_that_were_appended(aim, heads):
    device, slots, reserved = aim.device, 3, 5
    appended = set()
    for slot in range(slots):
        for place in range(device.tokens_at_once):
            written = aim.places(device.append_key(heads, slot, place, reserved), "WR")
            assert not appended & written  # no token on another's place
            assert {bank for bank, _row, _column in written} == {place}
            assert len(written) == heads.kv * ceil_div(heads.key_dim, 16)
            appended |= written
    chunks = device.score(heads, slots, reserved)
    found = aim.touched([step for chunk in chunks for step in chunk.steps])
    read = {key[2:]: times for key, times in found.items() if key[0] == "MAC16"}
    assert set(read) == {(row, column) for _bank, row, column in appended}
    assert set(read.values()) == {heads.queries}
    assert sum(chunk.queries for chunk in chunks) == heads.kv * heads.queries
    assert max(row for row, _column in read) < device.key_rows(heads, reserved)
    assert total(found, "WRGB") == heads.kv * heads.queries * ceil_div(heads.key_dim, 16)
    assert total(found, "RDMAC16") == slots * heads.kv * heads.queries


@pytest.mark.parametrize("heads", HEADS, ids=str)
def test_hbm_pim_scores_read_the_keys_that_were_appended(hbm_pim, heads):
    device, slots, reserved = hbm_pim.device, 2, 3
    appended = set()
    for slot in range(slots):
        for place in range(device.tokens_at_once):
            written = hbm_pim.places(device.append_key(heads, slot, place, reserved), "WR")
            assert not appended & written
            assert len(written) == heads.kv * ceil_div(heads.key_dim, 16)
            appended |= written
    found = hbm_pim.touched([step for chunk in device.score(heads, slots, reserved) for step in chunk.steps])
    read = {key[1:]: times for key, times in found.items() if key[0] == "RD_AB"}
    # A command to bank 0 or 1 reads all even or odd banks.
    assert set(read) == {(bank % 2, row, column) for bank, row, column in appended}
    assert set(read.values()) == {heads.queries}
    parities = {0, 1} if heads.key_dim > 128 else {0}  # tiles of 128 elements, even ones in even banks
    assert {bank % 2 for bank, _row, _column in appended} == parities
    results = {key[2] for key in found if key[0] == "RD"}
    assert not results & {row for _bank, row, _column in appended}
    assert max(results) < device.key_rows(heads, reserved)


# --- values ---


@pytest.mark.parametrize("heads", HEADS, ids=str)
@pytest.mark.parametrize("tokens", [1, 100, 1030])
def test_aim_contexts_read_the_values_that_were_appended(aim, heads, tokens):
    device, reserved = aim.device, 2500
    groups = device.value_groups(heads)
    appended = set()
    for token in range(0, tokens, 16):  # one of each column
        written = aim.places(device.append_value(groups, token, reserved), "WR")
        assert len(written) == groups * device.banks
        assert not appended & written
        appended |= written
    found = aim.touched(device.context(heads, 0, groups, tokens, reserved))
    read = {key[2:]: times for key, times in found.items() if key[0] == "MAC16"}
    assert set(read) == {(row, column) for _bank, row, column in appended}
    assert set(read.values()) == {heads.queries}
    assert max(row for row, _column in read) < device.value_rows(groups, reserved)


@pytest.mark.parametrize("heads", HEADS, ids=str)
@pytest.mark.parametrize("tokens", [1, 100, 300])
def test_hbm_pim_contexts_read_the_values_that_were_appended(hbm_pim, heads, tokens):
    device, reserved = hbm_pim.device, 400
    groups = device.value_groups(heads)
    appended = set()
    for token in range(0, tokens, 16):
        appended |= hbm_pim.places(device.append_value(groups, token, reserved), "WR")
    found = hbm_pim.touched(device.context(heads, 0, groups, tokens, reserved))
    read = {key[1:]: times for key, times in found.items() if key[0] == "RD_AB"}
    assert set(read) == {(bank % 2, row, column) for bank, row, column in appended}
    assert set(read.values()) == {heads.queries}
    results = {key[2] for key in found if key[0] == "RD"}
    assert not results & {row for _bank, row, _column in appended}
    assert max(results) < device.value_rows(groups, reserved)


@settings(max_examples=20)
@given(data=st.data(), heads=st.sampled_from(HEADS), channels=st.integers(1, 40))
def test_the_channels_of_a_context_read_every_group_once(aim, data, heads, channels):
    from bitline.arch.pim.layout import span

    device = aim.device
    tokens = data.draw(st.integers(1, 1500))
    groups = device.value_groups(heads)
    results = loaded = 0
    for channel in range(channels):
        first, mine = span(channel, channels, groups, groups // heads.kv)
        if mine:
            found = aim.touched(device.context(heads, first, mine, tokens, 2048))
            results += total(found, "MAC16")
            loaded += total(found, "WRGB")
    assert results == groups * heads.queries * ceil_div(tokens, 16)
    assert loaded >= heads.kv * heads.queries * ceil_div(tokens, 16)


# --- units and buffers of other sizes ---


def test_fewer_lanes_change_the_pace_and_not_the_place(bank_of):
    full, half = (pim_device(load_part("gddr6-aim", {"pim.lanes_per_bank": n}), "gddr6-aim") for n in (16, 8))
    touched = [bank_of(device).touched(device.matrix(3000, 7).steps) for device in (full, half)]
    assert touched[0] == touched[1]
    assert half.compute_ticks({"MAC16": 10}) == 2 * full.compute_ticks({"MAC16": 10})
    assert load_part("gddr6-aim", {"pim.lanes_per_bank": 5}).timing["tMAC"] == 4 * full.part.timing["tCCDL"]


def test_a_wider_column_holds_more_elements():
    wide = {"pim.lanes_per_bank": 32, "organisation.burst_length": 32, "timing_ck.tBL": 4}
    device = pim_device(load_part("gddr6-aim", wide), "gddr6-aim")
    assert (device.column_elements, device.row_columns, device.buffer_columns) == (32, 32, 32)
    assert device.columns(1024) == 32


def test_lanes_that_a_column_cannot_feed_are_refused():
    with pytest.raises(SpecError, match="one column access brings 16 elements of bf16"):
        load_part("gddr6-aim", {"pim.lanes_per_bank": 17})


def test_hbm_pim_has_a_lane_for_each_element():
    with pytest.raises(SpecError, match="one for each element of a column"):
        pim_device(load_part("hbm-pim", {"pim.lanes_per_bank": 8}), "hbm-pim")


def test_a_buffer_smaller_than_a_column_is_refused():
    with pytest.raises(SpecError, match="16 bytes hold no column of the vector; expected at least 32"):
        pim_device(load_part("gddr6-aim", {"pim.global_buffer_bytes": 16}), "gddr6-aim")


@settings(max_examples=40)
@given(inputs=st.integers(1, 3000), groups=st.integers(1, 30), columns=st.integers(1, 200))
def test_a_buffer_of_any_size_multiplies_every_weight_once(bank_of, inputs, groups, columns):
    device = pim_device(load_part("gddr6-aim", {"pim.global_buffer_bytes": 32 * columns}), "gddr6-aim")
    found = bank_of(device).touched(device.matrix(inputs, groups).steps)
    assert total(found, "MAC16") == groups * ceil_div(inputs, 16)
    assert max(times for key, times in found.items() if key[0] == "MAC16") == 1
    assert total(found, "WRGB") == ceil_div(inputs, 16)
    assert total(found, "RDMAC16") == groups * ceil_div(ceil_div(inputs, 16), columns)
