"""The feed-forward network: plain, gated, or a mixture of experts."""

from __future__ import annotations

from bitline.traces.models.spec import Experts
from bitline.traces.operator import Tensor, expected_experts
from bitline.traces.transformer.block_builder import BlockBuilder
from bitline.traces.transformer.work import ACTIVATION_FLOPS, ROUTE_FLOPS


def network(builder: BlockBuilder, x: Tensor, width: int, name: str = "ffn", moe: Experts | None = None) -> Tensor:
    """up, activation, down; gated: gate and up in one matmul, activation of the gate, product, down.

    With `moe`, x holds the rows of all its experts, and each matmul stands for those of all experts.
    """
    spec, rows = builder.spec, x.shape[0]
    up = builder.activation(f"{name}.up", rows, width)
    if spec.gated:
        gate = builder.activation(f"{name}.gate", rows, width)
        _matmul(builder, f"{name}.gate_up", x, (gate, up), moe)
        inner = builder.elementwise(f"{name}.product", "multiply", _activation(builder, name, gate), up)
    else:
        _matmul(builder, f"{name}.up", x, (up,), moe)
        inner = _activation(builder, name, up)
    down = builder.activation(f"{name}.down", rows, spec.hidden)
    _matmul(builder, f"{name}.down", inner, (down,), moe)
    return down


def _activation(builder: BlockBuilder, name: str, x: Tensor) -> Tensor:
    function = builder.spec.activation
    rows, width = x.shape
    y = builder.activation(f"{name}.activation", rows, width)
    flops = ACTIVATION_FLOPS[function] * rows * width
    builder.add(f"{name}.activation", "activation", (x,), (y,), m=rows, n=width, flops=flops, function=function)
    return y


def _matmul(builder: BlockBuilder, name: str, x: Tensor, outputs: tuple[Tensor, ...], moe: Experts | None) -> None:
    m, k = x.shape
    n = sum(output.shape[-1] for output in outputs)
    if moe is None:
        weight = builder.weight(name, n, k)
        builder.matmul_with(name, x, (weight,), outputs, n=n, rows=m, bias=builder.spec.ffn_bias)
        return
    # Each row meets the matrix of its own expert; only the matrices that are met are read.
    weight = builder.weight(name, moe.experts, n, k)
    load = builder.workload.expert_load
    hit = float(sum(rows > 0 for rows in load))
    if not load:
        hit = expected_experts(moe.experts, moe.experts_per_token, builder.tokens)
    builder.add(
        name,
        "matmul",
        (x, weight),
        outputs,
        m=m,
        n=n,
        k=k,
        flops=2 * m * n * k,
        experts=moe.experts,
        experts_per_token=moe.experts_per_token,
        expert_load=load,
        touched={"weight_bytes": round(hit * weight.bytes / moe.experts)},
    )


def mixture_of_experts(builder: BlockBuilder, x: Tensor, moe: Experts) -> Tensor:
    """Router, choice of experts, rows sorted by expert, the experts, and the weighted sum of what they return."""
    rows = builder.tokens * moe.experts_per_token
    chosen, shares = _route(builder, x, moe)
    routed = network(builder, _dispatch(builder, x, chosen, rows), moe.ffn, "ffn.experts", moe)
    terms, flops = [routed, shares], 2 * routed.elements
    if moe.shared_experts:
        shared = network(builder, x, moe.shared_experts * moe.ffn, "ffn.shared")
        terms.append(shared)
        flops += shared.elements
    y = builder.activation("ffn.combine", *x.shape)
    builder.add(
        "ffn.combine",
        "elementwise",
        tuple(terms),
        (y,),
        m=builder.tokens,
        n=x.shape[-1],
        flops=flops,
        function="weighted_sum",
        experts_per_token=moe.experts_per_token,
    )
    return y


def _route(builder: BlockBuilder, x: Tensor, moe: Experts) -> tuple[Tensor, Tensor]:
    """The experts of each token, and the share of each."""
    logits = builder.matmul("ffn.router", x, moe.experts)
    shares = builder.activation("ffn.route.shares", builder.tokens, moe.experts_per_token)
    name = builder.activation("ffn.route.experts", *shares.shape).name
    chosen = Tensor(name, "activation", shares.shape, "int32")
    builder.add(
        "ffn.route",
        "route",
        (logits,),
        (chosen, shares),
        m=builder.tokens,
        n=moe.experts,
        flops=ROUTE_FLOPS * logits.elements,
        function="top_k",
        experts=moe.experts,
        experts_per_token=moe.experts_per_token,
        expert_load=builder.workload.expert_load,
    )
    return chosen, shares


def _dispatch(builder: BlockBuilder, x: Tensor, chosen: Tensor, rows: int) -> Tensor:
    """Each token's row once for each of its experts, sorted by expert. Kernels that gather as they go skip this."""
    y = builder.activation("ffn.dispatch", rows, x.shape[-1])
    builder.add("ffn.dispatch", "copy", (x, chosen), (y,), m=rows, n=x.shape[-1], flops=0, function="dispatch")
    return y
