"""config.json of Hugging Face: the same spec as by name, and nothing that is not understood gets through."""

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitline.base.errors import SpecError
from bitline.traces import load_model
from bitline.traces.models.huggingface import MAX_BYTES

# Values as published with the checkpoints; fields that change nothing are cut.
CONFIGS = sorted((Path(__file__).parent / "configs").glob("*.json"))

# gpt-neox-20b: the file says gelu_fast, the tanh form; the reference table, built from the class's default, says gelu.
LABELS = {"source", "family", "activation"}


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_a_config_gives_the_same_model_as_its_name(path):
    by_name, by_file = load_model(path.stem), load_model(str(path))
    assert by_file.model_dump(exclude=LABELS) == by_name.model_dump(exclude=LABELS)
    assert by_file.parameters == by_name.parameters
    assert by_file.family.rstrip("3") == by_name.family.rstrip("3")
    if path.stem != "gpt-neox-20b":
        assert by_file.activation == by_name.activation


def test_every_model_type_has_a_sample():
    from bitline.traces.models.huggingface import READERS

    assert {json.loads(path.read_text())["model_type"] for path in CONFIGS} == set(READERS)


@pytest.fixture
def config(tmp_path):
    """Write a sample with some fields changed; None removes one."""

    def write(name, **changes):
        data = json.loads((Path(__file__).parent / "configs" / f"{name}.json").read_text())
        data |= changes
        folder = tmp_path / "my-model"
        folder.mkdir(exist_ok=True)
        file = folder / "config.json"
        file.write_text(json.dumps({key: value for key, value in data.items() if value is not None}))
        return f"hf:{file}"

    return write


def test_a_file_called_config_is_named_after_its_folder(config):
    assert load_model(config("gpt2-xl")).name == "my-model"


def test_new_spellings_of_transformers_5(config):
    changes = {"rotary_pct": None, "rope_parameters": {"partial_rotary_factor": 0.25, "rope_theta": 10000}}
    assert load_model(config("gpt-neox-20b", **changes)).rotary_dim == 24
    pattern = ["sliding_attention", "full_attention"] * 13
    assert load_model(config("gemma-2-2b", layer_types=pattern)).window == load_model("gemma-2-2b").window
    five_to_one = (["sliding_attention"] * 5 + ["full_attention"]) * 4 + ["sliding_attention"] * 2
    assert load_model(config("gemma-3-1b", layer_types=five_to_one)).window == load_model("gemma-3-1b").window


def test_layer_types_without_a_window(config):
    assert load_model(config("mistral-7b", layer_types=["full_attention"] * 32)).window is None


def test_the_text_part_of_a_multimodal_file(tmp_path):
    text = json.loads((Path(__file__).parent / "configs" / "gemma-3-1b.json").read_text())
    file = tmp_path / "m.json"
    file.write_text(json.dumps({"model_type": "gemma3", "text_config": text, "vision_config": {"hidden_size": 3}}))
    assert load_model(str(file)).parameters == load_model("gemma-3-1b").parameters


def test_options_that_change_the_shape(config):
    biased = load_model(config("llama-2-7b", attention_bias=True, mlp_bias=True))
    plain = load_model("llama-2-7b")
    assert biased.parameters - plain.parameters == 32 * (3 * 4096 + 4096 + 2 * 11008 + 4096)
    serial = load_model(config("gpt-neox-20b", use_parallel_residual=False))
    assert serial.layer_form == "serial"
    old = load_model(config("falcon-7b", multi_query=False, parallel_attn=False, alibi=True, bias=True))
    assert (old.kv_heads, old.layer_form, old.position, old.qkv_bias) == (71, "serial", "alibi", True)
    dense_first = load_model(config("qwen3-30b-a3b", mlp_only_layers=[0, 1]))
    assert dense_first.moe is not None
    assert dense_first.moe.first_dense_layers == 2


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("gpt2-xl", {"n_embd": None}, "n_embd: is missing"),
        ("gpt2-xl", {"n_embd": "1600"}, 'n_embd: is "1600"; expected a whole number'),
        ("gpt2-xl", {"n_embd": 1600.0}, "n_embd: is 1600.0"),
        ("gpt2-xl", {"n_embd": True}, "n_embd: is true"),
        ("gpt2-xl", {"n_embd": [1600]}, "n_embd: is a list"),
        ("gpt2-xl", {"n_layer": 0}, "n_layer: is 0; expected 1 to"),
        ("gpt2-xl", {"n_layer": -1}, "n_layer: is -1"),
        ("gpt2-xl", {"n_layer": 10**30}, "n_layer: is 1000"),
        ("gpt2-xl", {"n_layer": 5000}, "layers: "),
        ("gpt2-xl", {"n_head": 7}, "hidden 1600 is no multiple of heads 7"),
        ("gpt2-xl", {"activation_function": "tanh_of_mine"}, "activation_function: 'tanh_of_mine' is not modelled"),
        ("gpt2-xl", {"tie_word_embeddings": "yes"}, 'tie_word_embeddings: is "yes"'),
        ("gpt2-xl", {"add_cross_attention": True}, "add_cross_attention: true is not modelled"),
        ("gpt2-xl", {"model_type": None}, "model_type: is missing"),
        ("gpt2-xl", {"model_type": "gpt3"}, "model_type: 'gpt3' is not modelled; expected did you mean"),
        ("gpt2-xl", {"model_type": 7}, "model_type: is 7"),
        ("llama-2-7b", {"num_attention_heads": 3}, "head_dim: is missing"),
        ("mistral-7b", {"num_key_value_heads": None}, "num_key_value_heads: is missing"),
        ("mistral-7b", {"layer_types": ["sliding_attention", "mamba"]}, "layer_types: entry 1 is 'mamba'"),
        ("mistral-7b", {"layer_types": "all"}, 'layer_types: is "all"'),
        ("qwen2.5-7b", {"use_sliding_window": True}, "use_sliding_window: true is not modelled"),
        ("qwen3-8b", {"head_dim": None}, "head_dim: is missing"),
        ("qwen3-30b-a3b", {"decoder_sparse_step": 2}, "decoder_sparse_step: is not 1"),
        ("qwen3-30b-a3b", {"mlp_only_layers": [3]}, r"mlp_only_layers: is \[3\]"),
        ("qwen3-30b-a3b", {"mlp_only_layers": ["0"]}, 'mlp_only_layers: is "0"'),
        ("deepseek-v3", {"attention_bias": True}, "attention_bias: true is not modelled"),
        ("deepseek-v3", {"moe_layer_freq": 2}, "moe_layer_freq: is not 1"),
        ("gpt-neox-20b", {"rotary_pct": 1.5}, "rotary_pct: is 1.5"),
        ("gpt-neox-20b", {"rope_parameters": {"partial_rotary_factor": 0}}, "rope_parameters.partial_rotary_factor"),
        ("opt-13b", {"layer_norm_elementwise_affine": False}, "layer_norm_elementwise_affine: false is not modelled"),
    ],
)
def test_wrong_configs_are_refused_by_field(config, name, changes, message):
    with pytest.raises(SpecError, match=message) as error:
        load_model(config(name, **changes))
    assert "config.json" in str(error.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"model_type": "gpt2", "model_type": "opt"}', "key 'model_type' is given twice"),
        (b'{"model_type": "gpt2", "x": NaN}', "NaN is not a number"),
        (b'{"model_type": "gpt2", "x": -Infinity}', "-Infinity is not a number"),
        (b'{"model_type": "gpt2", "x": 1e999}', "1e999 is out of range"),
        (b'{"model_type": "gpt2", "x": ' + b"9" * 5000 + b"}", "digits"),
        (b'{"model_type": "gp', "is not JSON"),
        (b"[1, 2]", "holds no fields"),
        (b"\xff\xfe", "byte 0 is not UTF-8"),
        (b"[" * 100_000, "is nested too deep"),
        (b" " * (MAX_BYTES + 1), "expected at most 4 MiB"),
    ],
)
def test_wrong_files_are_refused(tmp_path, content, message):
    file = tmp_path / "config.json"
    file.write_bytes(content)
    with pytest.raises(SpecError, match=message):
        load_model(str(file))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(SpecError, match=r"none\.json: cannot be read"):
        load_model(str(tmp_path / "none.json"))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


@given(data=st.data(), path=st.sampled_from(CONFIGS))
def test_any_value_in_any_field_gives_a_model_or_a_spec_error(tmp_path_factory, data, path):
    fields = json.loads(path.read_text())
    fields[data.draw(st.sampled_from(sorted(fields)))] = data.draw(JSON)
    file = tmp_path_factory.mktemp("hf") / "config.json"
    file.write_text(json.dumps(fields))
    with contextlib.suppress(SpecError):
        assert load_model(str(file)).parameters > 0
