"""Collects the operators of one block: names them, counts their bytes, finds their dependencies."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from bitline.base.errors import CapacityError
from bitline.traces.dtypes import size_bytes
from bitline.traces.operator import INT64_MAX, Kind, Operator, Part, Tensor
from bitline.traces.transformer.work import NORM_FLOPS
from bitline.traces.transformer.workload import Span, Workload

# The only input of the model: token ids.
TOKENS = "tokens"

NOTHING: Mapping[str, int] = MappingProxyType({})


class BlockBuilder:
    """The operators of a few layers, or of what stands before or after the layers.

    A tensor that is read and that no operator here has written comes from the last operator before the block, unless
    it is a weight or the model's input: blocks hand on one tensor only, the residual stream.
    """

    def __init__(self, workload: Workload) -> None:
        self.workload = workload
        self.spec = workload.spec
        self.tokens = workload.tokens
        self.operators: list[Operator] = []
        self.layer = -1
        self._prefix = ""
        self._writers: dict[str, int] = {}

    def enter(self, layer: int) -> None:
        """Name what follows after this layer."""
        self.layer = layer
        self._prefix = f"layer{layer}."

    def stream(self, layer: int) -> Tensor:
        """The residual stream before a layer; before layer `layers`: what comes out of the last one."""
        return Tensor(f"layer{layer}.input", "activation", (self.tokens, self.spec.hidden), self.workload.dtype)

    def activation(self, name: str, *shape: int) -> Tensor:
        """An activation of this layer."""
        return Tensor(self._prefix + name, "activation", shape, self.workload.dtype)

    def weight(self, name: str, *shape: int) -> Tensor:
        """A weight of this layer."""
        return Tensor(f"{self._prefix}{name}.weight", "weight", shape, self.workload.weight_dtype)

    def bias(self, name: str, width: int) -> Tensor:
        """A bias of this layer."""
        return Tensor(f"{self._prefix}{name}.bias", "weight", (width,), self.workload.weight_dtype)

    def cache(self, name: str, *shape: int) -> Tensor:
        """A part of this layer's KV cache."""
        return Tensor(f"{self._prefix}kv.{name}", "kv", shape, self.workload.kv_dtype)

    def add(
        self,
        name: str,
        kind: Kind,
        inputs: tuple[Tensor, ...],
        outputs: tuple[Tensor, ...],
        *,
        m: int,
        n: int,
        flops: int,
        k: int = 0,
        heads: int = 0,
        kv_heads: int = 0,
        head_dim: int = 0,
        part: Part = "",
        span: Span | None = None,
        function: str = "",
        experts: int = 0,
        experts_per_token: int = 0,
        expert_load: tuple[int, ...] = (),
        touched: Mapping[str, int] = NOTHING,
    ) -> None:
        """Append an operator. Its bytes are the sizes of its tensors; `touched` has those that differ."""
        workload, position = self.workload, len(self.operators)
        sizes = {
            "weight_bytes": sum(tensor.bytes for tensor in inputs if tensor.role == "weight"),
            "activation_read_bytes": sum(tensor.bytes for tensor in inputs if tensor.role == "activation"),
            "activation_write_bytes": sum(tensor.bytes for tensor in outputs if tensor.role == "activation"),
            "kv_read_bytes": sum(tensor.bytes for tensor in inputs if tensor.role == "kv"),
            "kv_write_bytes": sum(tensor.bytes for tensor in outputs if tensor.role == "kv"),
            **touched,
        }
        if max(flops, *sizes.values()) > INT64_MAX:
            raise CapacityError(f"{self._prefix}{name} counts beyond 2^63", field="batch", expected="fewer tokens")
        self.operators.append(
            Operator(
                id=position,
                name=self._prefix + name,
                kind=kind,
                part=part,
                phase=workload.phase,
                layer=self.layer,
                inputs=inputs,
                outputs=outputs,
                batch=workload.batch,
                m=m,
                n=n,
                k=k,
                heads=heads,
                kv_heads=kv_heads,
                head_dim=head_dim,
                contexts=span.contexts if span else (),
                window=span.window if span else 0,
                function=function,
                experts=experts,
                experts_per_token=experts_per_token,
                expert_load=expert_load,
                activation_dtype=workload.dtype,
                weight_dtype=workload.weight_dtype,
                accumulator_dtype=workload.accumulator,
                flops=flops,
                dependencies=self._dependencies(inputs),
                **sizes,
            )
        )
        for tensor in outputs:
            self._writers[tensor.name] = position

    def _dependencies(self, inputs: tuple[Tensor, ...]) -> tuple[int, ...]:
        found = {
            self._writers.get(tensor.name, -1) for tensor in inputs if tensor.role != "weight" and tensor.name != TOKENS
        }
        return tuple(sorted(found))

    def matmul(
        self, name: str, x: Tensor, n: int, *, bias: bool = False, rows: int = 0, output: Tensor | None = None
    ) -> Tensor:
        """y[m, n] = x[m, k] W, all tokens or the first `rows` rows of them."""
        k = x.shape[-1]
        y = output or self.activation(name, rows or self.tokens, n)
        self.matmul_with(name, x, (self.weight(name, n, k),), (y,), n=n, rows=rows, bias=bias)
        return y

    def matmul_with(
        self,
        name: str,
        x: Tensor,
        weights: tuple[Tensor, ...],
        outputs: tuple[Tensor, ...],
        *,
        n: int,
        rows: int = 0,
        bias: bool = False,
    ) -> None:
        """A matmul whose weights or outputs have names of their own."""
        m, k = rows or self.tokens, x.shape[-1]
        self.add(
            name,
            "matmul",
            (x, *weights, *((self.bias(name, n),) if bias else ())),
            outputs,
            m=m,
            n=n,
            k=k,
            flops=2 * m * n * k,
            touched={"activation_read_bytes": size_bytes(m * k, x.dtype)},
        )

    def norm(self, name: str, x: Tensor, *, width: int = 0, output: Tensor | None = None) -> Tensor:
        """A norm over rows of `width` elements (left out: whole rows of x)."""
        width = width or x.shape[-1]
        y = output or self.activation(name, *x.shape)
        biased = self.spec.norm == "layernorm"
        weights = (self.weight(name, width), *((self.bias(name, width),) if biased else ()))
        rows = x.elements // width
        flops = NORM_FLOPS[self.spec.norm] * x.elements
        self.add(name, "norm", (x, *weights), (y,), m=rows, n=width, flops=flops, function=self.spec.norm)
        return y

    def elementwise(self, name: str, function: str, *terms: Tensor, output: Tensor | None = None) -> Tensor:
        """The sum or product of tensors of one shape."""
        rows, width = terms[0].shape
        y = output or self.activation(name, rows, width)
        flops = (len(terms) - 1) * rows * width
        self.add(name, "elementwise", terms, (y,), m=rows, n=width, flops=flops, function=function)
        return y
