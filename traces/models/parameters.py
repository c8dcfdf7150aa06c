"""How many weights a model has, by closed form. The traces list every weight tensor: tests hold both together."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bitline.traces.models.spec import ModelSpec


def count_parameters(spec: ModelSpec) -> dict[str, int]:
    """Weights of the whole model by part: embedding, attention, ffn, norm, head."""
    moe_layers = spec.layers - spec.moe.first_dense_layers if spec.moe else 0
    return {
        "embedding": _embedding(spec),
        "attention": spec.layers * _attention(spec),
        "ffn": (spec.layers - moe_layers) * _network(spec, spec.ffn) + moe_layers * _experts(spec),
        "norm": spec.layers * _layer_norms(spec) + (spec.final_norm + spec.embedding_norm) * _norm(spec, spec.hidden),
        "head": _head(spec),
    }


def _embedding(spec: ModelSpec) -> int:
    projection = 0 if spec.embedding_dim == spec.hidden else spec.embedding_dim * spec.hidden
    return spec.vocab * spec.embedding_dim + projection + spec.position_rows * spec.hidden


def _head(spec: ModelSpec) -> int:
    projection = 0 if spec.embedding_dim == spec.hidden else spec.hidden * spec.embedding_dim
    table = 0 if spec.tied_embeddings else spec.vocab * spec.embedding_dim
    return projection + table + spec.head_bias * spec.vocab


def _attention(spec: ModelSpec) -> int:
    output = spec.heads * spec.value_dim * spec.hidden + spec.output_bias * spec.hidden
    if spec.latent is None:
        width = (spec.heads + 2 * spec.kv_heads) * spec.head_dim
        return width * (spec.hidden + spec.qkv_bias) + output
    latent = spec.latent
    query_width, query_rank = spec.heads * spec.head_dim, latent.q_lora_rank
    query = spec.hidden * query_rank + query_rank * query_width if query_rank else spec.hidden * query_width
    down = spec.hidden * (latent.kv_lora_rank + latent.qk_rope_head_dim)
    up = latent.kv_lora_rank * spec.heads * (spec.head_dim - latent.qk_rope_head_dim + latent.v_head_dim)
    return query + down + up + output


def _network(spec: ModelSpec, width: int) -> int:
    up = 2 * width if spec.gated else width
    return spec.hidden * (up + width) + spec.ffn_bias * (up + spec.hidden)


def _experts(spec: ModelSpec) -> int:
    if spec.moe is None:
        return 0
    router = spec.hidden * spec.moe.experts
    shared = _network(spec, spec.moe.shared_experts * spec.moe.ffn) if spec.moe.shared_experts else 0
    return router + spec.moe.experts * _network(spec, spec.moe.ffn) + shared


def _layer_norms(spec: ModelSpec) -> int:
    count = {"serial": 2, "post_norm": 2, "sandwich": 4, "parallel": 1, "parallel_two_norms": 2}[spec.layer_form]
    inner = 2 * _norm(spec, spec.head_dim) if spec.qk_norm else 0
    if spec.latent:
        inner += _norm(spec, spec.latent.kv_lora_rank) + _norm(spec, spec.latent.q_lora_rank)
    return count * _norm(spec, spec.hidden) + inner


def _norm(spec: ModelSpec, width: int) -> int:
    return 2 * width if spec.norm == "layernorm" else width
