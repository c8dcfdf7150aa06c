import pytest

from bitline.base.errors import SpecError
from bitline.sim.study import Point, grid_points, grid_size, load_study
from bitline.sim.study.folder import study_text
from bitline.sim.study.spec import make_study


def test_points_are_the_product_of_the_axes():
    study = make_study(
        system="pim-gpt",
        models=["gpt2", "gpt2-xl"],
        contexts=[512, 1024],
        batches=[1, 4],
        settings={"memory.channels": [8, 16, 32]},
    )
    points = list(grid_points(study))
    assert len(points) == grid_size(study) == 24
    assert len({str(point) for point in points}) == 24
    assert points[0] == Point(
        "pim-gpt", None, "gpt2", "decode", 1, 512, None, None, "cycle", settings={"memory.channels": 8}
    )


def test_phase_generate_runs_over_prompts_and_tokens_and_the_others_over_contexts():
    study = make_study(
        system="s", models=["gpt2"], phases=["decode", "generate"], contexts=[64], prompts=[32], tokens=[8, 16]
    )
    assert [(p.phase, p.context, p.prompt, p.tokens) for p in grid_points(study)] == [
        ("decode", 64, None, None),
        ("generate", None, 32, 8),
        ("generate", None, 32, 16),
    ]
    assert grid_size(study) == 3


def test_the_order_of_points_does_not_depend_on_the_order_of_values():
    settings = {"b.x": [2, 10, "auto"], "a.y": [1.5, 1]}
    one = make_study(system="s", models=["m-10b", "m-9b"], contexts=[10, 9], settings=settings)
    turned = {path: values[::-1] for path, values in reversed(settings.items())}
    other = make_study(system="s", models=["m-9b", "m-10b"], contexts=[9, 10], settings=turned)
    points = list(grid_points(one))
    assert points == list(grid_points(other))
    assert [point.model for point in points[:: len(points) // 2]] == ["m-9b", "m-10b"]
    assert [tuple(point.settings.values()) for point in points[:6]] == [
        (1, 2),
        (1, 10),
        (1, "auto"),
        (1.5, 2),
        (1.5, 10),
        (1.5, "auto"),
    ]


def test_a_study_written_out_reads_back_as_it_was(tmp_path):
    study = make_study(system="s", models=["no", "1e3", "ä: b"], settings={"a.b": [1, 2.5, "x", True, [1, 2]]})
    (tmp_path / "study.yaml").write_text(study_text(study))
    assert load_study(tmp_path / "study.yaml") == study


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("models: []", "models: has no values: the grid is empty"),
        (
            "models: [gpt2]\nsettings: {memory.channels: []}",
            "settings.memory.channels: has no values: the grid",
        ),
        ("models: [gpt2]\ncontexts: [8, 8]", "contexts: has the value 8 twice"),
        ("models: [gpt2]\ncontext: [8]", "context: unknown field; expected did you mean 'contexts'?"),
        ("models: [gpt2]\ncontexts: [-1]", "contexts[0]: input should be greater than or equal to 1, got -1"),
        ("models: [gpt2]\nphases: [decod]", "phases[0]: input should be 'prefill', 'decode' or 'generate'"),
        ("models: [gpt2]\nphases: [generate]", "prompts, which phase generate needs, has no values"),
        ("models: [gpt2]\ntokens: [8]", "tokens goes with phase generate only"),
        ("models: [gpt2]\nsettings: {'a b': [1]}", "'a b' is not a path"),
        ("models: gpt2", "models: input should be a valid"),
    ],
)
def test_a_wrong_study_is_one_error_that_names_the_field(tmp_path, text, says):
    file = tmp_path / "study.yaml"
    file.write_text(f"schema: 1\nsystem: pim-gpt\n{text}\n")
    with pytest.raises(SpecError) as error:
        load_study(file)
    assert says in str(error.value)
    assert str(error.value).startswith(str(file)[:100])


def test_a_study_of_another_schema_is_refused(tmp_path):
    file = tmp_path / "study.yaml"
    file.write_text("schema: 2\nsystem: s\nmodels: [gpt2]\n")
    with pytest.raises(SpecError, match="schema: input should be 1, got 2"):
        load_study(file)
