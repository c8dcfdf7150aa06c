"""Hugging Face config.json to the fields of a ModelSpec.

The file is untrusted. What changes shapes is read or refused; everything else (dropout, token ids, rotary bases) is
passed over. Field names and defaults: the configuration classes of transformers, read at 5.23; older spellings are
taken too. A size is never taken from a class default: a missing one is an error.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from bitline.base.document import Source
from bitline.base.errors import SpecError, did_you_mean
from bitline.traces.models.config_fields import ConfigFields
from bitline.traces.strict_json import read_json

MAX_BYTES = 4 << 20

# The families without a size of their own for this were trained at, and published for, 2048 tokens.
BLOOM_POSITIONS = FALCON_POSITIONS = 2048


def read_config(file: str) -> Source:
    """The model of a config.json, as the document that ModelSpec checks. Raises SpecError."""
    data = read_json(file, MAX_BYTES, SpecError)
    if not isinstance(data, dict):
        raise SpecError("holds no fields", file=file, expected="a Hugging Face config.json")
    fields = ConfigFields(data, file)
    model_type = fields.text("model_type")
    nested = data.get("text_config")
    if model_type not in READERS and isinstance(nested, dict):
        # Models of text and images keep the text model apart (Gemma 3 from 4B on).
        fields = ConfigFields(nested, file)
        model_type = fields.text("model_type")
    if model_type not in READERS:
        raise fields.error("model_type", f"'{model_type}' is not modelled", did_you_mean(model_type, READERS))
    family, reader = READERS[model_type]
    path = Path(file)
    spec = {
        "name": path.stem if path.stem != "config" else path.absolute().parent.name or "config",
        "family": family,
        "source": f"Hugging Face configuration {path.name}",
        **reader(fields),
    }
    return Source(spec, file)


def _gpt2(fields: ConfigFields) -> dict[str, Any]:
    fields.refuse("add_cross_attention", False)
    hidden = fields.count("n_embd")
    return {
        "hidden": hidden,
        "layers": fields.count("n_layer"),
        "heads": fields.count("n_head"),
        "ffn": fields.count("n_inner", default=4 * hidden),
        "gated": False,
        "activation": fields.activation("activation_function", default="gelu_new"),
        "norm": "layernorm",
        "position": "learned",
        "max_position": fields.count("n_positions", "n_ctx"),
        "vocab": fields.count("vocab_size"),
        "tied_embeddings": fields.flag("tie_word_embeddings", default=True),
        **_biases(True),
    }


def _gptj(fields: ConfigFields) -> dict[str, Any]:
    hidden = fields.count("n_embd")
    return {
        "hidden": hidden,
        "layers": fields.count("n_layer"),
        "heads": fields.count("n_head"),
        "ffn": fields.count("n_inner", default=4 * hidden),
        "gated": False,
        "activation": fields.activation("activation_function", default="gelu_new"),
        "norm": "layernorm",
        "layer_form": "parallel",
        "position": "rope",
        "rotary_dim": fields.count("rotary_dim"),
        "max_position": fields.count("n_positions"),
        "vocab": fields.count("vocab_size"),
        "tied_embeddings": fields.flag("tie_word_embeddings", default=False),
        "ffn_bias": True,
        "head_bias": True,
    }


def _opt(fields: ConfigFields) -> dict[str, Any]:
    fields.refuse("layer_norm_elementwise_affine", True)
    pre_norm = fields.flag("do_layer_norm_before", default=True)
    return {
        **_sizes(fields, ffn="ffn_dim"),
        "embedding_dim": fields.count("word_embed_proj_dim", default=fields.count("hidden_size")),
        "gated": False,
        "activation": fields.activation("activation_function", default="relu"),
        "norm": "layernorm",
        "layer_form": "serial" if pre_norm else "post_norm",
        "final_norm": pre_norm and not fields.flag("_remove_final_layer_norm", default=False),
        "position": "learned",
        "position_padding": 2,
        "tied_embeddings": fields.flag("tie_word_embeddings", default=True),
        **_biases(fields.flag("enable_bias", default=True)),
    }


def _llama(fields: ConfigFields) -> dict[str, Any]:
    bias = fields.flag("attention_bias", default=False)
    return {
        **_gated(fields, default_kv_heads=fields.count("num_attention_heads")),
        "qkv_bias": bias,
        "output_bias": bias,
        "ffn_bias": fields.flag("mlp_bias", default=False),
    }


def _mistral(fields: ConfigFields) -> dict[str, Any]:
    return {**_gated(fields), **_window(fields)}


def _mixtral(fields: ConfigFields) -> dict[str, Any]:
    return {**_mistral(fields), "moe": _experts(fields, ffn="intermediate_size")}


def _qwen2(fields: ConfigFields) -> dict[str, Any]:
    fields.refuse("use_sliding_window", False)
    return {**_gated(fields), "qkv_bias": True}


def _qwen3(fields: ConfigFields) -> dict[str, Any]:
    fields.refuse("use_sliding_window", False)
    bias = fields.flag("attention_bias", default=False)
    # head_dim is not hidden / heads in this family; a file without it means a class default.
    head_dim = fields.count("head_dim")
    return {**_gated(fields), "head_dim": head_dim, "qk_norm": True, "qkv_bias": bias, "output_bias": bias}


def _qwen3_moe(fields: ConfigFields) -> dict[str, Any]:
    if fields.count("decoder_sparse_step", default=1) != 1:
        raise fields.error("decoder_sparse_step", "is not 1", "experts in every layer after the first dense ones")
    dense = fields.integers("mlp_only_layers")
    if dense != list(range(len(dense))):
        raise fields.error("mlp_only_layers", f"is {dense}", "the first layers: [0, 1, ...]")
    return {**_qwen3(fields), "moe": _experts(fields, first_dense_layers=len(dense))}


def _deepseek(fields: ConfigFields) -> dict[str, Any]:
    fields.refuse("attention_bias", False)
    if fields.count("moe_layer_freq", default=1) != 1:
        raise fields.error("moe_layer_freq", "is not 1", "experts in every layer after the first dense ones")
    rope_dim = fields.count("qk_rope_head_dim")
    heads = fields.count("num_attention_heads")
    experts = _experts(
        fields,
        shared_experts=fields.whole("n_shared_experts", default=0),
        first_dense_layers=fields.whole("first_k_dense_replace", default=0),
    )
    return {
        **_gated(fields, default_kv_heads=heads),
        "kv_heads": heads,
        "head_dim": fields.count("qk_nope_head_dim") + rope_dim,
        "rotary_dim": rope_dim,
        "latent": {
            "q_lora_rank": fields.whole("q_lora_rank", default=0),
            "kv_lora_rank": fields.count("kv_lora_rank"),
            "qk_rope_head_dim": rope_dim,
            "v_head_dim": fields.count("v_head_dim"),
        },
        "moe": experts,
    }


def _gemma(fields: ConfigFields) -> dict[str, Any]:
    fields.refuse("attention_bias", False)
    return {
        **_gated(fields),
        "head_dim": fields.count("head_dim"),
        # `hidden_act: gelu` of the first files was a mistake that the class corrects.
        "activation": fields.activation("hidden_activation", default="gelu_pytorch_tanh"),
        "tied_embeddings": fields.flag("tie_word_embeddings", default=True),
    }


def _gemma2(fields: ConfigFields) -> dict[str, Any]:
    return {**_gemma(fields), "layer_form": "sandwich", **_window(fields, full_every=2)}


def _gemma3(fields: ConfigFields) -> dict[str, Any]:
    full_every = fields.count("sliding_window_pattern", "_sliding_window_pattern", default=6)
    return {**_gemma(fields), "layer_form": "sandwich", "qk_norm": True, **_window(fields, full_every)}


def _phi3(fields: ConfigFields) -> dict[str, Any]:
    return {**_gated(fields, default_kv_heads=fields.count("num_attention_heads")), **_window(fields)}


def _falcon(fields: ConfigFields) -> dict[str, Any]:
    heads = fields.count("num_attention_heads", "n_head")
    new = fields.flag("new_decoder_architecture", default=False)
    if new:
        kv_heads = fields.count("num_kv_heads", "n_head_kv", default=heads)
        form = "parallel_two_norms" if fields.count("num_ln_in_parallel_attn", default=2) == 2 else "parallel"
    else:
        kv_heads = 1 if fields.flag("multi_query", default=True) else heads
        form = "parallel" if fields.flag("parallel_attn", default=True) else "serial"
    hidden = fields.count("hidden_size")
    return {
        "hidden": hidden,
        "layers": fields.count("num_hidden_layers", "n_layer"),
        "heads": heads,
        "kv_heads": kv_heads,
        "ffn": fields.count("ffn_hidden_size", default=4 * hidden),
        "gated": False,
        "activation": fields.activation("activation", default="gelu"),
        "norm": "layernorm",
        "layer_form": form,
        "position": "alibi" if fields.flag("alibi", default=False) else "rope",
        "max_position": fields.count("max_position_embeddings", default=FALCON_POSITIONS),
        "vocab": fields.count("vocab_size"),
        "tied_embeddings": fields.flag("tie_word_embeddings", default=True),
        **_biases(fields.flag("bias", default=False)),
    }


def _bloom(fields: ConfigFields) -> dict[str, Any]:
    hidden = fields.count("hidden_size", "n_embed")
    return {
        "hidden": hidden,
        "layers": fields.count("n_layer", "num_hidden_layers"),
        "heads": fields.count("n_head", "num_attention_heads"),
        "ffn": 4 * hidden,
        "gated": False,
        "activation": "gelu_tanh",
        "norm": "layernorm",
        "embedding_norm": True,
        "position": "alibi",
        "max_position": fields.count("seq_length", default=BLOOM_POSITIONS),
        "vocab": fields.count("vocab_size"),
        "tied_embeddings": fields.flag("tie_word_embeddings", default=True),
        **_biases(True),
    }


def _gpt_neox(fields: ConfigFields) -> dict[str, Any]:
    bias = fields.flag("attention_bias", default=True)
    sizes = _sizes(fields)
    return {
        **sizes,
        "gated": False,
        "activation": fields.activation("hidden_act", default="gelu"),
        "norm": "layernorm",
        "layer_form": "parallel_two_norms" if fields.flag("use_parallel_residual", default=True) else "serial",
        "position": "rope",
        "rotary_dim": _rotary_dim(fields, sizes["hidden"] // sizes["heads"], "rotary_pct", default=0.25),
        "tied_embeddings": fields.flag("tie_word_embeddings", default=False),
        "qkv_bias": bias,
        "output_bias": bias,
        "ffn_bias": True,
    }


def _sizes(fields: ConfigFields, ffn: str = "intermediate_size") -> dict[str, Any]:
    return {
        "hidden": fields.count("hidden_size"),
        "layers": fields.count("num_hidden_layers"),
        "heads": fields.count("num_attention_heads"),
        "ffn": fields.count(ffn),
        "max_position": fields.count("max_position_embeddings"),
        "vocab": fields.count("vocab_size"),
    }


def _gated(fields: ConfigFields, default_kv_heads: int | None = None) -> dict[str, Any]:
    """What Llama and all that grew from it have in common.

    Without num_key_value_heads only some classes take as many as heads; for the others the field is required.
    """
    sizes = _sizes(fields)
    if not fields.absent("head_dim"):
        head_dim = fields.count("head_dim")
    elif sizes["hidden"] % sizes["heads"] == 0:
        head_dim = sizes["hidden"] // sizes["heads"]
    else:
        raise fields.error("head_dim", "is missing, and hidden_size is no multiple of num_attention_heads")
    return {
        **sizes,
        "kv_heads": fields.count("num_key_value_heads", default=default_kv_heads),
        "head_dim": head_dim,
        "rotary_dim": _rotary_dim(fields, head_dim, "partial_rotary_factor", default=1.0),
        "gated": True,
        "activation": fields.activation("hidden_act", default="silu"),
        "norm": "rmsnorm",
        "position": "rope",
        "tied_embeddings": fields.flag("tie_word_embeddings", default=False),
    }


def _biases(present: bool) -> dict[str, bool]:
    return {"qkv_bias": present, "output_bias": present, "ffn_bias": present}


def _rotary_dim(fields: ConfigFields, head_dim: int, name: str, default: float) -> int:
    nested = fields.section("rope_parameters")
    share = nested.fraction("partial_rotary_factor", default=fields.fraction(name, default=default))
    return max(1, int(head_dim * share))


def _experts(
    fields: ConfigFields, ffn: str = "moe_intermediate_size", shared_experts: int = 0, first_dense_layers: int = 0
) -> dict[str, int]:
    return {
        "experts": fields.count("num_local_experts", "num_experts", "n_routed_experts"),
        "experts_per_token": fields.count("num_experts_per_tok"),
        "ffn": fields.count(ffn),
        "shared_experts": shared_experts,
        "first_dense_layers": first_dense_layers,
    }


def _window(fields: ConfigFields, full_every: int = 0) -> dict[str, Any]:
    """The sliding window, by `layer_types` where the file has it, else by the family's pattern."""
    if fields.absent("sliding_window"):
        return {}
    types = fields.texts("layer_types")
    if types:
        if "sliding_attention" not in types:
            return {}
        full_every = types.index("full_attention") + 1 if "full_attention" in types else 0
        for layer, kind in enumerate(types, 1):
            expected = "full_attention" if full_every and layer % full_every == 0 else "sliding_attention"
            if kind != expected:
                raise fields.error("layer_types", f"entry {layer - 1} is '{kind}'", "every n-th layer full_attention")
    return {"window": {"tokens": fields.count("sliding_window"), "full_every": full_every}}


Reader = Callable[[ConfigFields], dict[str, Any]]

READERS: dict[str, tuple[str, Reader]] = {
    "gpt2": ("gpt2", _gpt2),
    "opt": ("opt", _opt),
    "llama": ("llama", _llama),
    "mistral": ("mistral", _mistral),
    "mixtral": ("mixtral", _mixtral),
    "qwen2": ("qwen2", _qwen2),
    "qwen3": ("qwen3", _qwen3),
    "qwen3_moe": ("qwen3_moe", _qwen3_moe),
    "deepseek_v2": ("deepseek", _deepseek),
    "deepseek_v3": ("deepseek", _deepseek),
    "gemma": ("gemma", _gemma),
    "gemma2": ("gemma2", _gemma2),
    "gemma3_text": ("gemma3", _gemma3),
    "phi3": ("phi3", _phi3),
    "falcon": ("falcon", _falcon),
    "bloom": ("bloom", _bloom),
    "gpt_neox": ("gpt_neox", _gpt_neox),
    "gptj": ("gptj", _gptj),
}
