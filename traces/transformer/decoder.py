"""A decoder-only transformer as a trace: embedding, layers, head."""

from __future__ import annotations

from collections.abc import Sequence

from bitline.base.errors import SpecError, did_you_mean
from bitline.traces.dtypes import check_dtype
from bitline.traces.models.library import load_model
from bitline.traces.models.spec import LayerKind, ModelSpec
from bitline.traces.operator import Tensor
from bitline.traces.repeats import group_repeats
from bitline.traces.trace import AttentionForm, Block, Trace
from bitline.traces.transformer.attention import cached_attention
from bitline.traces.transformer.block_builder import TOKENS, BlockBuilder
from bitline.traces.transformer.latent import latent_attention
from bitline.traces.transformer.network import mixture_of_experts, network
from bitline.traces.transformer.workload import BuiltPhase, Workload, check_expert_load, check_positions, read_contexts

PHASES: tuple[BuiltPhase, ...] = ("decode", "prefill")
FORMS: tuple[AttentionForm, ...] = ("split", "fused")


def build_trace(
    model: str | ModelSpec,
    phase: str = "decode",
    batch: int = 1,
    context: int = 1024,
    *,
    contexts: Sequence[int] | None = None,
    dtype: str = "bf16",
    weight_dtype: str | None = None,
    kv_dtype: str | None = None,
    attention: str = "split",
    expert_load: Sequence[int] | None = None,
    check_limit: bool = True,
) -> Trace:
    """The operators of one pass.

    decode: each request gets one new token; `context` is the number of tokens that it attends to, itself included, so
    1 is the first token of an empty cache. prefill: each request has `context` tokens, none of them seen before; the
    head runs on the last token of each. `contexts` gives one length a request in place of batch and context.
    `expert_load` are the rows that each expert gets, the same in all layers; left out, routing is uniform. Weights and
    KV cache are held in `dtype` unless told otherwise. Raises SpecError; CapacityError where a context is longer than
    the model's positions, unless check_limit is False.
    """
    spec = load_model(model) if isinstance(model, str) else model
    chosen_phase = next((known for known in PHASES if known == phase), None)
    form = next((known for known in FORMS if known == attention), None)
    if chosen_phase is None:
        raise SpecError(f"'{phase}' is no phase of inference", field="phase", expected=did_you_mean(phase, PHASES))
    if form is None:
        raise SpecError(f"unknown form '{attention}'", field="attention", expected=did_you_mean(attention, FORMS))
    batch, lengths = read_contexts(batch, context, contexts)
    if check_limit:
        check_positions(spec, lengths)
    workload = Workload(
        spec=spec,
        phase=chosen_phase,
        contexts=lengths,
        batch=batch,
        dtype=check_dtype(dtype, "dtype"),
        weight_dtype=check_dtype(weight_dtype or dtype, "weight_dtype"),
        kv_dtype=check_dtype(kv_dtype or dtype, "kv_dtype"),
        attention=form,
        expert_load=tuple(expert_load or ()),
    )
    check_expert_load(workload)
    return Trace(
        model=spec.name,
        phase=chosen_phase,
        contexts=lengths,
        batch=batch,
        activation_dtype=workload.dtype,
        weight_dtype=workload.weight_dtype,
        kv_dtype=workload.kv_dtype,
        attention=form,
        blocks=(_embedding(workload), *_layers(workload), _head(workload)),
    )


def _embedding(workload: Workload) -> Block:
    """Token lookup, projection to the model's width, positions, norm: what the family has of it."""
    builder, spec = BlockBuilder(workload), workload.spec
    tokens, stream = builder.tokens, builder.stream(0)
    projected, normed = spec.embedding_dim != spec.hidden, spec.embedding_norm
    positioned = spec.position_rows > 0
    ids = Tensor(TOKENS, "activation", (tokens,), "int32")
    x = stream if not (projected or positioned or normed) else None
    x = _lookup(builder, "embedding.token", (ids,), spec.vocab, spec.embedding_dim, x)
    if projected:
        x = builder.matmul("embedding.project", x, spec.hidden, output=None if positioned or normed else stream)
    if positioned:
        rows = _lookup(builder, "embedding.position", (), spec.position_rows, spec.hidden, None)
        x = builder.elementwise("embedding.add", "add", x, rows, output=None if normed else stream)
    if normed:
        builder.norm("embedding.norm", x, output=stream)
    return Block(tuple(builder.operators), 1, -1, 0)


def _lookup(
    builder: BlockBuilder, name: str, ids: tuple[Tensor, ...], rows: int, width: int, output: Tensor | None
) -> Tensor:
    """Read a row of a table for each token."""
    table = builder.weight(name, rows, width)
    y = output or builder.activation(name, builder.tokens, width)
    m, read = builder.tokens, {"weight_bytes": table.bytes * min(builder.tokens, rows) // rows}
    builder.add(name, "embedding", (*ids, table), (y,), m=m, n=width, flops=0, function="lookup", touched=read)
    return y


def _layers(workload: Workload) -> list[Block]:
    # A window that is longer than every context changes nothing: layers with and without it are alike then.
    bound = {kind: LayerKind(kind.moe, workload.span(kind.window).window) for kind in set(workload.spec.layer_kinds)}
    kinds = [bound[kind] for kind in workload.spec.layer_kinds]
    blocks = []
    for group in group_repeats(kinds):
        builder = BlockBuilder(workload)
        for layer in range(group.start, group.start + group.period):
            builder.enter(layer)
            _layer(builder, kinds[layer])
        blocks.append(Block(tuple(builder.operators), group.repeats, group.start, group.period))
    return blocks


def _layer(builder: BlockBuilder, kind: LayerKind) -> None:
    """One layer, from its input to the next layer's: norms and residual adds in the family's order."""
    form = builder.spec.layer_form
    x, result = builder.stream(builder.layer), builder.stream(builder.layer + 1)
    if form in ("parallel", "parallel_two_norms"):
        attention_input = builder.norm("attention.norm", x)
        network_input = builder.norm("ffn.norm", x) if form == "parallel_two_norms" else attention_input
        attended = _attention(builder, attention_input, kind)
        builder.elementwise("residual", "add", x, attended, _network(builder, network_input, kind), output=result)
    elif form == "post_norm":
        added = builder.elementwise("attention.residual", "add", x, _attention(builder, x, kind))
        middle = builder.norm("attention.norm", added)
        added = builder.elementwise("ffn.residual", "add", middle, _network(builder, middle, kind))
        builder.norm("ffn.norm", added, output=result)
    else:
        attended = _attention(builder, builder.norm("attention.norm", x), kind)
        if form == "sandwich":
            attended = builder.norm("attention.post_norm", attended)
        middle = builder.elementwise("attention.residual", "add", x, attended)
        fed = _network(builder, builder.norm("ffn.norm", middle), kind)
        if form == "sandwich":
            fed = builder.norm("ffn.post_norm", fed)
        builder.elementwise("ffn.residual", "add", middle, fed, output=result)


def _attention(builder: BlockBuilder, x: Tensor, kind: LayerKind) -> Tensor:
    latent = builder.spec.latent
    return latent_attention(builder, x, latent, kind.window) if latent else cached_attention(builder, x, kind.window)


def _network(builder: BlockBuilder, x: Tensor, kind: LayerKind) -> Tensor:
    moe = builder.spec.moe
    return mixture_of_experts(builder, x, moe) if moe and kind.moe else network(builder, x, builder.spec.ffn)


def _head(workload: Workload) -> Block:
    """Final norm of all tokens; projection and vocabulary for the last token of each request."""
    builder, spec = BlockBuilder(workload), workload.spec
    x = builder.stream(spec.layers)
    if spec.final_norm:
        x = builder.norm("head.norm", x)
    if spec.embedding_dim != spec.hidden:
        x = builder.matmul("head.project", x, spec.embedding_dim, rows=workload.batch)
    weight = builder.weight("embedding.token" if spec.tied_embeddings else "head", spec.vocab, spec.embedding_dim)
    logits = builder.activation("logits", workload.batch, spec.vocab)
    builder.matmul_with("head", x, (weight,), (logits,), n=spec.vocab, rows=workload.batch, bias=spec.head_bias)
    return Block(tuple(builder.operators), 1, -1, 0)
