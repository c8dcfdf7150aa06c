import json

import pytest

from bitline.sim.cli.catalogue import KINDS


def test_every_name_of_every_kind_stands_in_the_list(bitline):
    ended = bitline("list")
    assert (ended.status, ended.err) == (0, "")
    first_words = {line.split()[0] for line in ended.out.splitlines() if line}
    for kind in KINDS:
        assert {kind.plural, *kind.names()} <= first_words


@pytest.mark.parametrize("plural", [kind.plural for kind in KINDS])
def test_a_kind_as_json_has_a_name_and_a_source_in_each_row(bitline, plural):
    rows = json.loads(bitline("list", plural, "--json").out)
    assert list(rows) == [plural]
    assert len(rows[plural]) >= 1
    for row in rows[plural]:
        assert row["name"]
        assert row["source"]


def test_the_list_of_specs_has_the_closed_form_bandwidth(bitline):
    rows = {row["name"]: row for row in json.loads(bitline("list", "specs", "--json").out)["specs"]}
    # 64 bits x 3200 MT/s; JESD79-4
    assert rows["ddr4-3200"]["channel_gb_s"] == pytest.approx(25.6)
    assert rows["gddr6-aim"]["pim"]
    assert not rows["ddr4-3200"]["pim"]


def test_an_unknown_kind_is_one_error(refused):
    assert "'parts' is not one of 'systems', 'policies', 'specs'" in refused("list", "parts")
