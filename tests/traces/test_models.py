"""Models by name: shapes and parameter counts against tests/reference/models/models.csv."""

import csv
from pathlib import Path

import pytest

from bitline.base.errors import SpecError
from bitline.traces import ModelSpec, family_names, load_model, model_names
from bitline.traces.models.parameters import count_parameters

REFERENCE = Path(__file__).parent.parent / "reference" / "models" / "models.csv"
OTHERS = ("bert", "t5", "mamba2")

with REFERENCE.open(newline="") as file:
    ROWS = {row["name"]: row for row in csv.DictReader(file)}
DECODERS = {name: row for name, row in ROWS.items() if row["family"] not in OTHERS}
NEUPIMS_ONLY = {"gpt3-7b", "gpt3-30b"}


def test_every_decoder_of_the_reference_is_there_and_nothing_unknown():
    assert set(model_names()) == set(DECODERS) | NEUPIMS_ONLY
    assert set(family_names()) == {row["family"] for row in DECODERS.values()}


@pytest.mark.parametrize("name", DECODERS)
def test_parameters_are_those_of_the_built_class(name):
    model = load_model(name)
    assert model.parameters == int(DECODERS[name]["params_computed"])
    assert model.active_parameters == int(DECODERS[name]["params_active"])
    assert sum(count_parameters(model).values()) == model.parameters


@pytest.mark.parametrize("name", DECODERS)
def test_shapes_are_those_of_the_reference(name):
    model, row = load_model(name), DECODERS[name]
    plain = ("family", "activation", "norm", "position")
    assert [getattr(model, field) for field in plain] == [row[field] for field in plain]
    counts = ("hidden", "layers", "heads", "kv_heads", "head_dim", "ffn", "vocab", "max_position", "gated")
    assert [int(getattr(model, field)) for field in counts] == [int(row[field]) for field in counts]
    assert int(model.tied_embeddings) == int(row["tied_embeddings"])
    assert model.value_dim == int(row["v_head_dim"])
    moe = model.moe.model_dump() if model.moe else {}
    for field, column in {"ffn": "moe_ffn"}.items() | {(field, field) for field in ("experts", "experts_per_token")}:
        assert moe.get(field, 0) == int(row[column])
    for field in ("shared_experts", "first_dense_layers"):
        assert moe.get(field, 0) == int(row[field])
    latent = model.latent.model_dump() if model.latent else {}
    for field in ("q_lora_rank", "kv_lora_rank", "qk_rope_head_dim"):
        assert latent.get(field, 0) == int(row[field])


# NeuPIMs, ASPLOS 2024, table of models: heads and width.
@pytest.mark.parametrize(
    ("name", "heads", "hidden", "billions"),
    [
        ("gpt3-7b", 32, 4096, 6.7),
        ("gpt3-13b", 40, 5120, 12.9),
        ("gpt3-30b", 56, 7168, 30.0),
        ("gpt3-175b", 96, 12288, 174.6),
    ],
)
def test_models_of_neupims(name, heads, hidden, billions):
    model = load_model(name)
    assert (model.heads, model.hidden, model.head_dim) == (heads, hidden, 128)
    assert round(model.parameters / 1e9, 1) == billions


# 2 layers kv_heads head_dim elements; latent attention: layers (512 + 64). Two bytes an element.
@pytest.mark.parametrize(
    ("name", "kv_bytes"),
    [
        ("opt-13b", 819_200),
        ("llama-2-7b", 524_288),
        ("llama-3-8b", 131_072),
        ("llama-2-70b", 327_680),
        ("falcon-7b", 2 * 32 * 1 * 64 * 2),
        ("deepseek-v3", 70_272),
    ],
)
def test_kv_bytes_of_a_token(name, kv_bytes):
    assert 2 * load_model(name).kv_elements_per_token == kv_bytes


@pytest.mark.parametrize(
    ("name", "full_layers"),
    [("gemma-2-2b", range(1, 26, 2)), ("gemma-3-1b", (5, 11, 17, 23)), ("mistral-7b", ()), ("llama-2-7b", range(32))],
)
def test_layers_without_a_window(name, full_layers):
    kinds = load_model(name).layer_kinds
    assert [layer for layer, kind in enumerate(kinds) if kind.window == 0] == list(full_layers)


def test_first_layers_of_deepseek_are_dense():
    assert [kind.moe for kind in load_model("deepseek-v3").layer_kinds] == [False] * 3 + [True] * 58


def test_unknown_name_is_an_error_with_a_suggestion():
    with pytest.raises(SpecError, match=r"unknown model 'gpt2-xxl'; expected did you mean 'gpt2-xl'\?"):
        load_model("gpt2-xxl")


@pytest.mark.parametrize("name", ["bert-base", "t5-11b", "mamba2-2.7b"])
def test_other_architectures_are_refused_with_the_families_that_are_modelled(name):
    with pytest.raises(SpecError, match=r"only decoder-only transformers are modelled.*gpt2.*qwen3_moe"):
        load_model(name)


def test_settings_override_fields():
    model = load_model("mixtral-8x7b", {"moe.experts_per_token": 4, "layers": 2})
    assert model.moe is not None
    assert (model.moe.experts_per_token, model.layers) == (4, 2)
    assert load_model("mixtral-8x7b").layers == 32


def test_a_file_starts_from_a_shipped_model(tmp_path):
    file = tmp_path / "wide.yaml"
    file.write_text("schema: 1\nbase: llama-2-7b\nffn: 22016\n")
    model = load_model(str(file))
    assert (model.name, model.family, model.ffn, model.layers) == ("wide", "llama", 22016, 32)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("base: llama-2-7b\n", "schema: has another value"),
        ("schema: 1\nbase: llama-9\n", "unknown model 'llama-9'"),
        ("schema: 1\nbase: [llama-2-7b]\n", "base: is not the name of a model"),
        ("schema: 1\nbase: llama-2-7b\nlayer: 3\n", "layer: unknown field; expected did you mean 'layers'"),
        ("schema: 1\nbase: llama-2-7b\nlayers: many\n", "wide.yaml:3: layers: "),
        ("schema: 1\nbase: llama-2-7b\nlayers: 0\n", "layers: .*greater than or equal to 1"),
        ("schema: 1\nbase: llama-2-7b\nkv_heads: 5\n", "heads 32 is no multiple of kv_heads 5"),
        ("schema: 1\nbase: llama-2-7b\nrotary_dim: 256\n", "rotary_dim 256 is more than head_dim 128"),
        ("schema: 1\nbase: mixtral-8x7b\nmoe: {experts_per_token: 9}\n", "experts_per_token is more than moe.experts"),
        ("schema: 1\nbase: deepseek-v3\nmoe: {first_dense_layers: 61}\n", "leaves no layer with experts"),
        ("schema: 1\nhidden: 100\nheads: 3\n", "hidden 100 is no multiple of heads 3"),
        ("schema: 1\n- 3\n", "wide.yaml"),
        ("- 3\n", "holds no fields"),
    ],
)
def test_wrong_files_are_refused(tmp_path, text, message):
    file = tmp_path / "wide.yaml"
    file.write_text(text)
    with pytest.raises(SpecError, match=message):
        load_model(str(file))


def test_a_spec_is_frozen_and_can_be_a_key():
    model = load_model("gpt2")
    assert {model: 1}[load_model("gpt2")] == 1
    assert isinstance(model, ModelSpec)
    with pytest.raises(ValueError, match="frozen"):
        model.layers = 3
