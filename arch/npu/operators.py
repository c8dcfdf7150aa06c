"""From operators of a trace to jobs of an NPU.

Products of weights are one job. Attention is a batch of products for each request, its keys and values as "weights";
query heads that share them are rows of one product. Experts are a batch of products, as many as are expected to be hit
(rounded), with alike shares of the rows (rounded up). Elementwise operators and activations that follow a product work
on its results while these are in the accumulator, where the mapping fuses. Products of causal attention over a prompt
are whole. Fused attention keeps its scores in the core.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil

from bitline.arch.npu.jobs import AttentionJob, Epilogue, GemmJob, Job, Operand, Rows, VectorJob
from bitline.base.errors import SpecError
from bitline.traces import BITS, Operator, Tensor
from bitline.traces.dtypes import DType

FUSED = ("activation", "elementwise")
PASSES = ("norm", "activation", "elementwise", "rope", "embedding", "kv_append", "copy", "route")
COPIES = ("embedding", "kv_append", "copy")


@dataclass
class OperatorJobs:
    """An operator and its jobs; none where another operator's job does its work."""

    operator: Operator
    jobs: list[Job]


def jobs_of(operators: Sequence[Operator], *, fuse: bool, kv_page: int = 1) -> list[OperatorJobs]:
    """Jobs of operators that follow each other. `kv_page`: tokens that room for keys and values comes in.

    Raises SpecError for an operator that an NPU does not do.
    """
    found: list[OperatorJobs] = []
    for operator in operators:
        product = _producer(operator, found) if fuse and operator.kind in FUSED else None
        if product is not None:
            _fuse(product, operator)
            found.append(OperatorJobs(operator, []))
        else:
            found.append(OperatorJobs(operator, _jobs(operator, kv_page)))
    return found


def _jobs(operator: Operator, kv_page: int) -> list[Job]:
    if operator.kind == "matmul":
        return [_experts(operator) if operator.experts else _product(operator)]
    if operator.kind == "attention":
        return _attention(operator, kv_page)
    if operator.kind == "softmax":
        return _softmax(operator)
    if operator.kind in PASSES:
        return [_pass(operator)]
    raise SpecError(
        f"operator '{operator.name}' of kind '{operator.kind}' is nothing that an NPU does",
        field="model",
        expected=f"matmul, attention, softmax, {', '.join(PASSES)}",
    )


# --- products ---


def _operand(tensor: Tensor, **options: object) -> Operand:
    return Operand(tensor.name, BITS[tensor.dtype], **options)  # type: ignore[arg-type]


def _product(operator: Operator) -> GemmJob:
    weights = [tensor for tensor in operator.inputs if tensor.role == "weight"]
    bias = next((tensor for tensor in weights if len(tensor.shape) == 1), None)
    matrix = next(tensor for tensor in weights if tensor is not bias)
    batch = operator.heads or 1
    step = 1 if operator.heads else 0
    return GemmJob(
        operator.name,
        operator.m,
        operator.k,
        operator.n,
        _operand(operator.inputs[0], matrices=batch, step=step),
        _operand(matrix, kept=True, matrices=batch, step=step),
        _operand(operator.outputs[0], matrices=batch, step=step),
        batch=batch,
        bias=_operand(bias, kept=True) if bias is not None else None,
    )


def _experts(operator: Operator) -> GemmJob:
    hit = max(1, round(operator.experts_hit))
    rows = ceil(operator.m / hit)
    matrix = next(tensor for tensor in operator.inputs if tensor.role == "weight")
    return GemmJob(
        operator.name,
        rows,
        operator.k,
        operator.n,
        _operand(operator.inputs[0], matrices=hit),
        _operand(matrix, kept=True, matrices=operator.experts),
        _operand(operator.outputs[0], matrices=hit),
        batch=hit,
    )


def _attention(operator: Operator, kv_page: int) -> list[Job]:
    make = _attention_of if operator.part else _fused_attention_of
    return [
        make(operator, request, context, tokens, kv_page)
        for request, (context, tokens) in enumerate(_requests(operator))
    ]


def _cache(operator: Operator, tensor: Tensor, request: int, room: int, *, across: bool) -> Operand:
    """Keys or values of a request, a matrix a head: a token's vector is a row, of keys along the sum, of values across.

    Requests come, grow and go, so their caches take room as activations do. Whether all of a batch's caches fit is what
    admits its requests to the pool.
    """
    return Operand(
        f"{tensor.name}.{request}",
        BITS[tensor.dtype],
        layout="rows",
        across=across,
        matrices=operator.kv_heads,
        reserved_rows=room,
    )


def _requests(operator: Operator) -> list[tuple[int, int]]:
    """Keys that are seen, and new tokens, of each request."""
    contexts = operator.contexts if len(operator.contexts) > 1 else operator.contexts * max(1, operator.batch)
    decode = operator.m == len(contexts)
    found = []
    for context in contexts:
        tokens = 1 if decode else context
        seen = min(context, operator.window + tokens - 1) if operator.window else context
        found.append((seen, tokens))
    return found


def _attention_of(operator: Operator, request: int, seen: int, tokens: int, kv_page: int) -> Job:
    heads = operator.kv_heads
    scores = operator.part == "score"
    cached = next((tensor for tensor in operator.inputs if tensor.role == "kv"), operator.inputs[-1])
    inner, outer = operator.inputs[0], operator.outputs[0]
    return GemmJob(
        f"{operator.name}.{request}",
        tokens * (operator.heads // heads),
        operator.head_dim if scores else seen,
        seen if scores else operator.n,
        Operand(f"{inner.name}.{request}", BITS[inner.dtype], matrices=heads),
        _cache(operator, cached, request, ceil(seen / kv_page) * kv_page, across=not scores),
        Operand(f"{outer.name}.{request}", BITS[outer.dtype], matrices=heads),
        batch=heads,
    )


def _fused_attention_of(operator: Operator, request: int, seen: int, tokens: int, kv_page: int) -> Job:
    heads = operator.kv_heads
    cached = [tensor for tensor in operator.inputs if tensor.role == "kv"] or list(operator.inputs[-2:])
    room = ceil(seen / kv_page) * kv_page
    inner, outer = operator.inputs[0], operator.outputs[0]
    return AttentionJob(
        f"{operator.name}.{request}",
        tokens * (operator.heads // heads),
        seen,
        operator.k,
        operator.n,
        Operand(f"{inner.name}.{request}", BITS[inner.dtype], layout="rows", matrices=heads),
        _cache(operator, cached[0], request, room, across=False),
        _cache(operator, cached[-1], request, room, across=True),
        Operand(f"{outer.name}.{request}", BITS[outer.dtype], layout="rows", matrices=heads),
        batch=heads,
    )


# --- passes of the vector unit ---


def _softmax(operator: Operator) -> list[Job]:
    contexts = operator.contexts
    source, target = operator.inputs[0], operator.outputs[0]
    if not contexts:
        return [_rows_pass(operator, "softmax", operator.m, operator.n)]
    found: list[Job] = []
    for request, (seen, tokens) in enumerate(_requests(operator)):
        found.append(
            VectorJob(
                f"{operator.name}.{request}",
                "softmax",
                tokens * operator.heads,
                seen,
                (Rows(f"{source.name}.{request}", BITS[source.dtype], seen),),
                (Rows(f"{target.name}.{request}", BITS[target.dtype], seen),),
            )
        )
    return found


def _pass(operator: Operator) -> VectorJob:
    function = "copy" if operator.kind in COPIES else operator.function or operator.kind
    if operator.kind == "embedding":
        table = next(tensor for tensor in operator.inputs if tensor.role == "weight")
        # A table that is the head's matrix, too, lies once in rows and once in the head's tiles.
        side = Rows(
            f"{table.name}.rows", BITS[table.dtype], operator.n, kept=True,
            tensor_bytes=ceil(table.elements * BITS[table.dtype] / 8),
        )  # fmt: skip
        target = operator.outputs[0]
        return VectorJob(
            operator.name, "copy", operator.m, operator.n, (side,), (Rows(target.name, BITS[target.dtype], operator.n),)
        )
    return _rows_pass(operator, function, operator.m, operator.n)


def _rows_pass(operator: Operator, function: str, rows: int, elements: int) -> VectorJob:
    """Rows of all inputs past the unit; a weight's one row, and a norm's bias behind it, is loaded once."""
    inputs = [tensor for tensor in operator.inputs if tensor.role != "weight"]
    weights = [tensor for tensor in operator.inputs if tensor.role == "weight"]
    sides = [_side(tensor, rows) for tensor in inputs[:2]]
    if weights:
        first = weights[0]
        if first.elements > elements * len(weights):
            # A table of positions: a row of its own for each token.
            size = ceil(first.elements * BITS[first.dtype] / 8)
            sides.append(Rows(first.name, BITS[first.dtype], elements, kept=True, tensor_bytes=size))
        else:
            sides.append(Rows(first.name, BITS[first.dtype], sum(w.elements for w in weights), kept=True, shared=True))
    written = sum(tensor.elements for tensor in operator.outputs if tensor.role != "kv") // max(1, rows)
    target = operator.outputs[0]
    output = Rows(target.name, BITS[target.dtype], max(1, written or elements))
    return VectorJob(operator.name, function, rows, elements, tuple(sides), (output,))


def _side(tensor: Tensor, rows: int) -> Rows:
    return Rows(tensor.name, BITS[tensor.dtype], max(1, ceil(tensor.elements / rows)))


# --- fusion ---


def _producer(operator: Operator, found: Sequence[OperatorJobs]) -> OperatorJobs | None:
    """The product just before an operator, that this one can follow in the accumulator."""
    last = next((one for one in reversed(found) if one.jobs), None)
    if last is None or len(last.jobs) != 1 or not isinstance(last.jobs[0], GemmJob):
        return None
    if last.operator.kind != "matmul" or len(last.operator.outputs) > 1 or last.jobs[0].batch > 1:
        return None
    made = found[-1].operator.outputs[0].name
    inputs = [tensor for tensor in operator.inputs if tensor.role != "weight"]
    reads = [tensor.name for tensor in inputs]
    same = operator.m == last.operator.m and operator.n == last.operator.n
    return last if same and made in reads and len(inputs) == len(operator.inputs) <= 2 else None


def _fuse(product: OperatorJobs, operator: Operator) -> None:
    job = product.jobs[0]
    assert isinstance(job, GemmJob)
    made = job.results.name
    second = next((tensor for tensor in operator.inputs if tensor.name != made), None)
    step = Epilogue(operator.function, _operand(second) if second is not None else None)
    product.jobs[0] = replace(job, results=_operand(operator.outputs[0]), epilogue=(*job.epilogue, step))


def macs_per_pe(formats: dict[DType, int], operator: Operator) -> int:
    """Products of a PE and cycle in the wider of an operator's two formats. Raises SpecError for unknown ones."""
    wider = max((operator.activation_dtype, operator.weight_dtype), key=lambda dtype: BITS[dtype])
    if wider not in formats:
        raise SpecError(f"the arrays do not compute in {wider}", field="dtype", expected=f"one of {', '.join(formats)}")
    return formats[wider]
