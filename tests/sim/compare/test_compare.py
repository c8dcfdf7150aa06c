import dataclasses
import json
import math

import pytest

import bitline
from bitline.base.errors import TraceError
from bitline.sim.compare import compare
from bitline.sim.compare.compare import OUTSIDE


def run(**options):
    return bitline.run("pim-gpt", model="gpt2", context=40, **options)


@pytest.fixture(scope="module")
def eight():
    return run()


@pytest.fixture(scope="module")
def sixteen():
    return run(settings={"memory.channels": 16})


def changes(found):
    return {change.path: (change.a, change.b) for change in found}


def total(found, name):
    return next(quantity for quantity in found.totals if quantity.name == name)


def test_only_what_differs_is_said(eight, sixteen):
    found = compare(eight, sixteen)
    assert changes(found.configuration) == {"memory.channels": (8, 16)}
    assert (found.workload, found.warnings) == ((), ())


def test_a_result_does_not_differ_from_itself(eight):
    found = compare(eight, eight)
    assert (found.workload, found.configuration, found.warnings) == ((), (), ())
    assert {quantity.difference for quantity in found.totals} <= {0.0, None}
    assert all(pair.time_difference_s == 0 == pair.energy_difference_j for pair in found.operators)


def test_operators_sum_to_the_totals(eight, sixteen):
    found = compare(eight, sixteen)
    time_s = math.fsum(pair.time_difference_s for pair in found.operators)
    energy_j = math.fsum(pair.energy_difference_j for pair in found.operators)
    assert time_s == pytest.approx(sixteen.time_s - eight.time_s, rel=1e-9)
    assert energy_j == pytest.approx(sixteen.energy_j - eight.energy_j, rel=1e-9)
    assert time_s < 0
    parts_j = math.fsum(quantity.difference for quantity in found.energy_parts_j)
    assert parts_j == pytest.approx(total(found, "energy_j").difference, rel=1e-9)


def test_what_operators_do_not_account_for_is_a_row(eight):
    other = dataclasses.replace(eight, time_s=2 * eight.time_s, energy_j=eight.energy_j + 1)
    found = compare(eight, other)
    last = found.operators[-1]
    assert (last.name, last.a) == (OUTSIDE, None)
    assert last.time_difference_s == pytest.approx(eight.time_s)
    assert last.energy_difference_j == pytest.approx(1)
    assert math.fsum(pair.time_difference_s for pair in found.operators) == pytest.approx(other.time_s - eight.time_s)


def test_an_operator_of_one_side_says_so(eight):
    fewer = dataclasses.replace(eight, operators=eight.operators[1:], time_s=eight.time_s - eight.operators[0].time_s)
    missing = compare(eight, fewer).operators[0]
    assert (missing.name, missing.b) == (eight.operators[0].name, None)
    assert missing.time_difference_s == -eight.operators[0].time_s
    added = next(pair for pair in compare(fewer, eight).operators if pair.a is None)
    assert added.name == eight.operators[0].name
    assert added.to_dict()["time_ratio"] is None


def test_operators_of_one_name_are_one_row(eight):
    twice = dataclasses.replace(eight, operators=(*eight.operators, eight.operators[0]))
    pair = compare(eight, twice).operators[0]
    assert pair.b.time_s == pytest.approx(2 * pair.a.time_s)
    assert pair.b.count == 2 * pair.a.count


def test_other_work_comes_first(eight):
    found = compare(eight, bitline.run("pim-gpt", model="gpt2", context=41))
    assert found.warnings == ("the workloads differ: context",)
    assert changes(found.workload) == {"context": (40, 41)}
    assert found.configuration == ()


def test_levels_and_sources_that_differ_are_said(eight):
    bound = run(level="bound")
    older = dataclasses.replace(bound, provenance={**bound.provenance, "code_hash": "0" * 64})
    assert compare(eight, older).warnings == (
        "the levels differ: cycle and bound",
        "the results come from different sources of the simulator",
    )
    assert total(compare(eight, bound), "energy_j").ratio == 0.0
    assert total(compare(bound, eight), "energy_j").ratio is None


def test_a_part_is_compared_field_by_field(eight):
    found = changes(compare(eight, run(settings={"memory.override.timing_ck.tRTP": 14})).configuration)
    assert found == {"memory.timing_ck.tRTP": (12, 14)}


def test_parts_by_other_names_differ_in_their_fields():
    careful = bitline.run("neupims-careful", operator="matmul m=8 n=64 k=64")
    found = compare(bitline.run("neupims", operator="matmul m=8 n=64 k=64"), careful)
    said = changes(found.configuration)
    assert said["memory.part"] == ("neupims-hbm2", "neupims-hbm2-careful")
    assert said["memory.pim.careful"] == (False, True)
    assert not any("source" in path or "description" in path for path in said)


def test_parts_of_other_sources_are_compared_by_name(eight):
    # What the name meant then is not known now.
    changed = run(settings={"memory.override.timing_ck.tRTP": 14})
    older = dataclasses.replace(changed, provenance={**changed.provenance, "code_hash": "0" * 64})
    assert changes(compare(eight, older).configuration) == {"memory.override.timing_ck.tRTP": (None, 14)}


def test_policies_are_compared(eight):
    said = changes(compare(eight, run(policy="serial")).configuration)
    assert said == {
        "policy.value_append": ("during_softmax", "before_score"),
        "policy.softmax": ("by_chunk", "whole"),
    }


def test_files_and_folders_are_read(eight, sixteen, tmp_path):
    (tmp_path / "result.json").write_text(json.dumps(eight.to_dict()))
    other = tmp_path / "other.json"
    other.write_text(json.dumps(sixteen.to_dict()))
    assert compare(tmp_path, str(other)).to_dict() == compare(eight, sixteen).to_dict()
    assert bitline.compare(tmp_path, other, names=("few", "many")).names == ("few", "many")


def test_a_folder_without_a_result_is_refused(eight, tmp_path):
    with pytest.raises(TraceError, match=r"holds no result\.json"):
        compare(eight, tmp_path)


@pytest.mark.parametrize("resolved", [None, [], "text", {"system": 3}, {"system": {"memory": {"part": 3}}}])
def test_strange_provenance_is_no_reason_to_fail(eight, resolved):
    strange = dataclasses.replace(eight, provenance={**eight.provenance, "resolved": resolved})
    assert compare(strange, eight).configuration
    assert compare(strange, strange).configuration == ()


def test_it_is_plain_data(eight, sixteen):
    data = json.loads(json.dumps(compare(eight, sixteen).to_dict(), allow_nan=False))
    assert data["configuration"] == [{"path": "memory.channels", "a": 8, "b": 16}]
    assert data["a"]["key"] == eight.provenance["key"]
    assert data["totals"][0]["difference"] == data["totals"][0]["b"] - data["totals"][0]["a"]
