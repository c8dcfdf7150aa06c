"""Attention with a cache of keys and values: multi-head, grouped and multi-query."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from bitline.traces.dtypes import size_bytes
from bitline.traces.operator import Tensor
from bitline.traces.transformer.block_builder import NOTHING, BlockBuilder
from bitline.traces.transformer.work import ROPE_FLOPS, SOFTMAX_FLOPS
from bitline.traces.transformer.workload import Span


class Heads(NamedTuple):
    """Heads of attention; `score_dim` elements a query and key, `value_dim` a value."""

    heads: int
    kv_heads: int
    score_dim: int
    value_dim: int


def cached_attention(builder: BlockBuilder, x: Tensor, window: int) -> Tensor:
    """Query, key and value in one matmul; norms and rotation; append to the cache; attend; project."""
    spec, tokens = builder.spec, builder.tokens
    query_width, key_width = spec.heads * spec.head_dim, spec.kv_heads * spec.head_dim
    query = builder.activation("attention.query", tokens, query_width)
    key = builder.activation("attention.key", tokens, key_width)
    value = builder.activation("attention.value", tokens, key_width)
    width = query_width + 2 * key_width
    weight = builder.weight("attention.qkv", width, spec.hidden)
    builder.matmul_with("attention.qkv", x, (weight,), (query, key, value), n=width, bias=spec.qkv_bias)
    if spec.qk_norm:
        query = builder.norm("attention.query_norm", query, width=spec.head_dim)
        key = builder.norm("attention.key_norm", key, width=spec.head_dim)
    if spec.rotary_dim:
        query, key = rope(builder, query, key, heads=spec.heads, kv_heads=spec.kv_heads)
    span = builder.workload.span(window)
    keys = builder.cache("key", spec.kv_heads, span.keys, spec.head_dim)
    values = builder.cache("value", spec.kv_heads, span.keys, spec.head_dim)
    append(builder, (key, value), (keys, values), width=2 * key_width)
    shape = Heads(spec.heads, spec.kv_heads, spec.head_dim, spec.head_dim)
    mixed = attend(builder, (query, keys), (values,), span, shape)
    return builder.matmul("attention.output", mixed, spec.hidden, bias=spec.output_bias)


def rope(builder: BlockBuilder, query: Tensor, key: Tensor, *, heads: int, kv_heads: int) -> tuple[Tensor, Tensor]:
    """Rotate `rotary_dim` elements of every query and key head, in place; the others are not touched."""
    rotated = (
        builder.activation("attention.query_rotated", *query.shape),
        builder.activation("attention.key_rotated", *key.shape),
    )
    width = (heads + kv_heads) * builder.spec.rotary_dim
    elements = builder.tokens * width
    moved = size_bytes(elements, query.dtype)
    builder.add(
        "attention.rope",
        "rope",
        (query, key),
        rotated,
        m=builder.tokens,
        n=width,
        heads=heads,
        kv_heads=kv_heads,
        head_dim=builder.spec.rotary_dim,
        flops=ROPE_FLOPS * elements,
        touched={"activation_read_bytes": moved, "activation_write_bytes": moved},
    )
    return rotated


def append(builder: BlockBuilder, new: tuple[Tensor, ...], cache: tuple[Tensor, ...], *, width: int) -> None:
    """Write the new tokens' `width` elements to the cache."""
    m = builder.tokens
    written = {"kv_write_bytes": size_bytes(m * width, builder.workload.kv_dtype)}
    builder.add("attention.kv_append", "kv_append", new, cache, m=m, n=width, flops=0, touched=written)


def attend(
    builder: BlockBuilder,
    query_and_keys: tuple[Tensor, ...],
    values: tuple[Tensor, ...],
    span: Span,
    shape: Heads,
    value_bytes: Mapping[str, int] = NOTHING,
) -> Tensor:
    """softmax(Q K^T) V, as one operator or as score, softmax and context.

    `value_bytes` are what the context part touches, where that is not all of `values`.
    """
    m, heads, kv_heads, pairs = builder.tokens, shape.heads, shape.kv_heads, shape.heads * span.pairs
    score_flops, softmax_flops, context_flops = (
        2 * pairs * shape.score_dim,
        SOFTMAX_FLOPS * pairs,
        2 * pairs * shape.value_dim,
    )
    mixed = builder.activation("attention.context", m, heads * shape.value_dim)
    if builder.workload.attention == "fused":
        builder.add(
            "attention.fused",
            "attention",
            tuple(dict.fromkeys(query_and_keys + values)),
            (mixed,),
            m=m,
            n=shape.value_dim,
            k=shape.score_dim,
            heads=heads,
            kv_heads=kv_heads,
            head_dim=shape.score_dim,
            span=span,
            flops=score_flops + softmax_flops + context_flops,
        )
        return mixed
    scores = builder.activation("attention.score", heads, span.pairs)
    shares = builder.activation("attention.softmax", heads, span.pairs)
    builder.add(
        "attention.score",
        "attention",
        query_and_keys,
        (scores,),
        part="score",
        m=m,
        n=span.longest,
        k=shape.score_dim,
        heads=heads,
        kv_heads=kv_heads,
        head_dim=shape.score_dim,
        span=span,
        flops=score_flops,
    )
    builder.add(
        "attention.softmax",
        "softmax",
        (scores,),
        (shares,),
        m=m,
        n=span.longest,
        heads=heads,
        kv_heads=kv_heads,
        span=span,
        function="softmax",
        flops=softmax_flops,
    )
    builder.add(
        "attention.context",
        "attention",
        (shares, *values),
        (mixed,),
        part="context",
        m=m,
        n=shape.value_dim,
        k=span.longest,
        heads=heads,
        kv_heads=kv_heads,
        head_dim=shape.value_dim,
        span=span,
        flops=context_flops,
        touched=value_bytes,
    )
    return mixed
