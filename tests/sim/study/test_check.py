import pytest

from bitline.base.errors import SpecError
from bitline.sim.study import make_study
from bitline.sim.study.check import check_study


def check(**fields):
    check_study(make_study(**{"system": "pim-gpt", "models": ["gpt2"], **fields}))


def test_a_good_study_passes():
    check(
        system=["pim-gpt", "hbm-pim"],
        settings={
            "memory.channels": {"from": 1, "to": 1 << 16, "step": 1},
            "asic.adders": {"expr": "memory.channels * asic.clock_mhz / 1000"},
            "policy.softmax": ["whole"],
        },
        conditions=["memory.channels * batch < 1000", "8 <= memory.channels <= 64", "memory.refresh"],
        derived={"edp": "energy_j * time_s", "per_bank": "edp / memory.channels"},
        constraints=["edp < 3", "edp > 1", "policy.softmax == 'whole'"],
        objectives={"edp": "min", "tokens_per_s": "max"},
    )
    check(system="a100-40", level="bound", constraints=["power_w < 300"])
    check(system="neupims", models=["gpt3-7b"], batches=[64], lengths=["alpaca"], settings={"mapping.tile_m": [128]})


CHANNELS = {"memory.channels": [4, 8]}


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"system": ["pim-gpt", "pim-gtp"]}, "unknown system 'pim-gtp'; expected did you mean 'pim-gpt'?"),
        ({"policy": ["pim-gpt", "pim-gtp"]}, "unknown policy 'pim-gtp'; expected did you mean 'pim-gpt'?"),
        ({"models": ["gpt2", "gtp2-xl"]}, "unknown model 'gtp2-xl'; expected did you mean 'gpt2-xl'?"),
        ({"dtypes": ["fp61"]}, "dtypes: unknown number format 'fp61'; expected did you mean 'fp16'?"),
        ({"lengths": ["sharegtp"]}, "sharegtp"),
        ({"settings": {"memory.chanels": [8]}}, "memory.chanels: unknown field; expected did you mean 'channels'?"),
        ({"settings": {"policy.sotfmax": ["whole"]}}, "did you mean 'softmax'?"),
        ({"settings": {"mapping.tile_m": [128]}}, "mapping.tile_m: is of an NPU, which system 'pim-gpt' has not"),
        ({"settings": {"memory.channels": {"from": 0, "to": 8, "step": 1}}}, "memory.channels"),
        ({"settings": {"memory.channels": {"from": 1, "to": 8, "step": 0.5}}}, "memory.channels"),
        ({"points": [{"memory.chanels": 8}]}, "memory.chanels: unknown field; expected did you mean 'channels'?"),
        ({"settings": CHANNELS, "conditions": ["memory.chanels > 4"]}, "unknown name 'memory.chanels'; expected did"),
        ({"conditions": ["bacth > 4"]}, "conditions[0]: unknown name 'bacth'; expected did you mean 'batch'?"),
        ({"conditions": ["power_w < 4"]}, "conditions[0]: 'power_w' is a result, which no point has before it runs"),
        ({"settings": {"asic.adders": {"expr": "memory.chanels"}}}, "settings.asic.adders: unknown name"),
        ({"settings": {"asic.adders": {"expr": "energy_j"}}}, "settings.asic.adders: 'energy_j' is a result"),
        ({"settings": {"asic.adders": {"expr": "asic.adders * 2"}}}, "settings: each is a formula of the other"),
        ({"derived": {"a": "b", "b": "a"}}, "derived: each is a formula of the other; expected one of a, b without"),
        ({"derived": {"a": "energy"}}, "derived.a: unknown name 'energy'; expected did you mean 'energy_j'?"),
        ({"constraints": ["power < 3"]}, "constraints[0]: unknown name 'power'; expected did you mean 'power_w'?"),
        ({"objectives": {"energy": "min"}}, "objectives: unknown column 'energy'; expected did you mean 'energy_j'?"),
        ({"constraints": ["power_w < 3", "power_w > 4"]}, "power_w > 4 and power_w < 3 contradict each other"),
        ({"constraints": ["power_w < 3", "3 <= power_w"]}, "3 <= power_w and power_w < 3 contradict each other"),
        ({"constraints": ["4 < power_w < 3"]}, "constraints: 4 < power_w < 3 contradicts itself"),
        ({"constraints": ["power_w == 3 and energy_j > 1", "power_w == 4"]}, "contradict each other"),
        ({"conditions": ["batch > 2 * 4", "batch < 8"]}, "conditions: batch > 2 * 4 and batch < 8 contradict"),
        (
            {"level": "bound", "constraints": ["power_w < 3"]},
            "constraints[0]: the bound level of 'pim-gpt' says",
        ),
        (
            {"level": "bound", "objectives": {"energy_j": "min"}},
            "objectives: the bound level of 'pim-gpt' says no e",
        ),
        ({"conditions": ["batch > 1"]}, "conditions: no point of 1 meets batch > 1; expected at least one"),
        ({"settings": CHANNELS, "conditions": ["memory.channels % 3 == 0"]}, "no point of 2 meets memory.channels % 3"),
    ],
)
def test_a_study_that_cannot_be_is_one_error(fields, says):
    with pytest.raises(SpecError) as error:
        check(**fields)
    assert says in str(error.value)


@pytest.mark.parametrize(
    "constraints",
    [
        ["power_w <= 3", "power_w >= 3"],
        ["power_w < 3 or power_w > 4", "power_w < 5"],
        ["not power_w < 3", "power_w < 4"],
        ["power_w < energy_j", "power_w > 3"],
        ["power_w < 1 / 0", "power_w > 3"],
    ],
)
def test_constraints_that_may_hold_pass(constraints):
    check(constraints=constraints)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"settings": {"a b": [1]}}, "'a b' is not a path"),
        ({"settings": {"model": [1]}}, "'model' is no path in the system; did you mean 'models'?"),
        ({"settings": {"a.b": {"from": 1, "to": 2}}}, "a.b is a range without steps: give a step or a factor, or a"),
        ({"settings": {"a.b": [1]}, "points": [{"a.c": 1}]}, "points stand in place of settings"),
        ({"points": [{"a.b": 1}, {"a.c": 1}]}, "points: point 2 has not the paths of the first: a.b"),
        ({"points": [{"a.b": 1}, {"a.b": 1}]}, "twice"),
        ({"points": [{}]}, "point 1 has not the paths"),
        ({"system": []}, "system: has no values: the grid is empty"),
        ({"policy": ["a", "a"]}, 'policy: has the value "a" twice'),
        ({"seeds": [1]}, "seeds go with lengths only"),
        ({"derived": {"power_w": "1"}}, "'power_w' is a column already"),
        ({"derived": {"a.b": "1"}}, "'a.b' is not a name for a column"),
        ({"derived": {"a": "1 +"}}, "derived: '1 +' is not a formula"),
        ({"conditions": ["batch + 1"]}, "conditions: 'batch + 1' is not a condition"),
        ({"constraints": ["__import__('os')"]}, "constraints: unknown function '__import__'"),
        ({"objectives": {}}, "objectives: has no column to aim at"),
        ({"objectives": {"energy_j": "mim"}}, "input should be 'min' or 'max'"),
        ({"sample": {"method": "lhs"}}, "points go with every method but grid"),
        ({"sample": {"method": "grid", "points": 4}}, "points go with every method but grid"),
        ({"sample": {"method": "lhc", "points": 4}}, "sample.method: input should be"),
        ({"sample": {"points": 1 << 40}}, "sample.points: input should be less than or equal to"),
        ({"search": {}, "sample": {"points": 4}}, "sample and search are two ways to choose points: give one"),
        ({"search": {}, "points": [{"a.b": 1}]}, "search and points are two ways to choose points"),
        ({"search": {}, "screen": {}}, "search and screen are two ways to choose points"),
        ({"search": {"methd": "tpe"}}, "search.methd: unknown field; expected did you mean 'method'?"),
        (
            {"search": {"method": "cmaes"}, "objectives": {"energy_j": "min", "time_s": "min"}},
            "cmaes has one objective",
        ),
        ({"search": {"method": "nsga3"}}, "search by nsga3 has two objectives or more"),
        ({"screen": {"margin": "ten%"}}, "screen.margin: 'ten%' is not a percentage"),
    ],
)
def test_a_document_that_cannot_be_is_one_error(fields, says):
    with pytest.raises(SpecError) as error:
        make_study(**{"system": "pim-gpt", "models": ["gpt2"], **fields})
    assert says in str(error.value)
