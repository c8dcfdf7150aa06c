"""Multi-head latent attention (DeepSeek-V2, arXiv 2405.04434, section 2.1; V3 is the same).

The cache holds one latent and one rotated key a token, shared by all heads. Prefill raises the latents of the new
tokens to keys and values of each head. Decode would have to raise the whole cache again for each token; as section
2.1.2 has it, the raising matrices are absorbed instead: the query is brought into the latent space, attention runs
there with one shared head of keys, and its result is raised. Both use the same weights.
"""

from __future__ import annotations

from bitline.traces.dtypes import size_bytes
from bitline.traces.models.spec import LatentAttention
from bitline.traces.operator import Tensor
from bitline.traces.transformer.attention import Heads, append, attend, rope
from bitline.traces.transformer.block_builder import BlockBuilder
from bitline.traces.transformer.workload import Span


def latent_attention(builder: BlockBuilder, x: Tensor, latent: LatentAttention, window: int) -> Tensor:
    """Project down to the latents, rotate, append, attend, project."""
    spec, tokens = builder.spec, builder.tokens
    plain_dim = spec.head_dim - latent.qk_rope_head_dim
    query = builder.activation("attention.query", tokens, spec.heads * plain_dim)
    query_rope = builder.activation("attention.query_rope", tokens, spec.heads * latent.qk_rope_head_dim)
    source, name = x, "attention.query"
    if latent.q_lora_rank:
        source = builder.norm(
            "attention.query_down_norm", builder.matmul("attention.query_down", x, latent.q_lora_rank)
        )
        name = "attention.query_up"
    width = spec.heads * spec.head_dim
    weight = builder.weight(name, width, source.shape[-1])
    builder.matmul_with(name, source, (weight,), (query, query_rope), n=width)

    compressed = builder.activation("attention.latent", tokens, latent.kv_lora_rank)
    key_rope = builder.activation("attention.key_rope", tokens, latent.qk_rope_head_dim)
    width = latent.kv_lora_rank + latent.qk_rope_head_dim
    weight = builder.weight("attention.kv_down", width, spec.hidden)
    builder.matmul_with("attention.kv_down", x, (weight,), (compressed, key_rope), n=width)
    compressed = builder.norm("attention.latent_norm", compressed)
    query_rope, key_rope = rope(builder, query_rope, key_rope, heads=spec.heads, kv_heads=1)

    span = builder.workload.span(window)
    cache = builder.cache("latent", span.keys, width)
    append(builder, (compressed, key_rope), (cache,), width=width)
    if builder.workload.phase == "decode":
        mixed = _absorbed(builder, query, query_rope, cache, latent, span)
    else:
        mixed = _raised(builder, (query, query_rope), (compressed, key_rope), latent, span)
    return builder.matmul("attention.output", mixed, spec.hidden, bias=spec.output_bias)


def _key_up(builder: BlockBuilder, latent: LatentAttention) -> Tensor:
    plain_dim = builder.spec.head_dim - latent.qk_rope_head_dim
    return builder.weight("attention.key_up", builder.spec.heads * plain_dim, latent.kv_lora_rank)


def _raised(
    builder: BlockBuilder,
    query: tuple[Tensor, Tensor],
    new: tuple[Tensor, Tensor],
    latent: LatentAttention,
    span: Span,
) -> Tensor:
    """Keys and values of every head from the latents of the new tokens; they do not pass the cache."""
    spec = builder.spec
    compressed, key_rope = new
    weight = _key_up(builder, latent)
    keys = builder.activation("attention.key", builder.tokens, weight.shape[0])
    builder.matmul_with("attention.key_up", compressed, (weight,), (keys,), n=weight.shape[0])
    values = builder.matmul("attention.value_up", compressed, spec.heads * latent.v_head_dim)
    shape = Heads(spec.heads, spec.heads, spec.head_dim, latent.v_head_dim)
    return attend(builder, (*query, keys, key_rope), (values,), span, shape)


def _absorbed(
    builder: BlockBuilder, query: Tensor, query_rope: Tensor, cache: Tensor, latent: LatentAttention, span: Span
) -> Tensor:
    """Attention among latents: all heads share the cached vector, as key whole, as value without its rotated part."""
    heads, rank = builder.spec.heads, latent.kv_lora_rank
    absorbed = _each_head(builder, "attention.query_absorb", query, rank, _key_up(builder, latent))
    shape = Heads(heads, 1, rank + latent.qk_rope_head_dim, rank)
    read = {"kv_read_bytes": size_bytes(span.keys * rank, cache.dtype)}
    mixed = attend(builder, (absorbed, query_rope, cache), (cache,), span, shape, read)
    weight = builder.weight("attention.value_up", heads * latent.v_head_dim, rank)
    return _each_head(builder, "attention.value_up", mixed, latent.v_head_dim, weight)


def _each_head(builder: BlockBuilder, name: str, x: Tensor, n: int, weight: Tensor) -> Tensor:
    """A matmul with a matrix of its own for each head: k elements of x to n of y."""
    heads, m = builder.spec.heads, builder.tokens
    k = x.shape[-1] // heads
    y = builder.activation(name, m, heads * n)
    builder.add(name, "matmul", (x, weight), (y,), m=m, n=n, k=k, heads=heads, flops=2 * m * n * k * heads)
    return y
