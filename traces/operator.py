"""An operator of a trace, and the tensors that it reads and writes.

Conventions, the same for every kind:

- `batch` is requests. `m` is rows of the activation, so tokens, those of all requests together: `batch` in decode, the
  sum of the prompts in prefill. `k` is what is summed over, `n` the outputs of a row. A weight has shape (n, k).
- matmul: y[m, n] = x[m, k] W. flops = 2 m n k: a folded bias is an input tensor and costs no flops, as in every
  published count. With `heads` > 0 each head has a matrix of its own (2 m n k heads). With `experts` > 0, m is the rows
  of all experts together (tokens x experts_per_token), and the weight tensor holds all experts.
- attention: causal, `contexts` keys a request; the last of a request's queries sees all of its context. score: k =
  head_dim, n = the longest context; context: k = the longest context, n = head_dim; fused: k = head_dim of queries and
  keys, n = that of values. With `window` > 0 a query sees that many tokens at most, itself included.
- softmax inside attention: m tokens x heads rows, as long as what each query sees.
- every other kind: m rows of n elements; rope: n counts the rotated elements of a token.
- flops that are no matmul: see `bitline.traces.transformer.work`.
- bytes count each element once: what has to move if nothing is kept from one operator to the next and nothing is read
  twice. weight bytes of a mixture of experts: those of the experts that are hit.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from math import prod
from operator import attrgetter
from typing import Annotated, ClassVar, Literal, get_args

from pydantic import ConfigDict, Field

from bitline.traces.dtypes import DType, size_bytes

INT64_MAX = (1 << 63) - 1
MAX_LAYER = 1 << 20

Role = Literal["weight", "activation", "kv", "gradient", "optimizer_state"]
Phase = Literal["prefill", "decode", "forward", "backward", "optimizer"]
Part = Literal["", "score", "context"]
Kind = Literal[
    "matmul", "attention", "softmax", "norm", "activation", "elementwise", "rope", "embedding", "kv_append", "route",
    "all_reduce", "all_gather", "reduce_scatter", "all_to_all", "send", "copy", "optimizer",
]  # fmt: skip

ROLES: tuple[Role, ...] = get_args(Role)
KINDS: tuple[Kind, ...] = get_args(Kind)
PHASES: tuple[Phase, ...] = get_args(Phase)

# No white space, quotes or separators: names stand unquoted in the CSV form.
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.+/()\[\]-]{1,200}$")]
Number = Annotated[int, Field(ge=0, le=INT64_MAX)]
Positive = Annotated[int, Field(ge=1, le=INT64_MAX)]

_LAYER = re.compile(r"layer(0|[1-9][0-9]{0,6})\.")


@dataclass(frozen=True, slots=True)
class Tensor:
    """A named block of numbers. The role is what placement speaks about."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    name: Name
    role: Role
    shape: Annotated[tuple[Positive, ...], Field(max_length=8)]
    dtype: DType

    @property
    def elements(self) -> int:
        """Number of elements."""
        return prod(self.shape)

    @property
    def bytes(self) -> int:
        """Packed size."""
        return size_bytes(prod(self.shape), self.dtype)

    def of_layer(self, shift: int) -> Tensor:
        """The same tensor of a layer further on."""
        name = shift_layer(self.name, shift)
        return self if name is self.name else Tensor(name, self.role, self.shape, self.dtype)


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator: a row of the trace. The module's docstring fixes what the numbers mean."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    id: Number
    name: Name
    kind: Kind
    part: Part
    phase: Phase
    layer: Annotated[int, Field(ge=-1, le=MAX_LAYER)]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    batch: Number
    m: Number
    n: Number
    k: Number
    heads: Number
    kv_heads: Number
    head_dim: Number
    contexts: tuple[Positive, ...]
    """One length a request, or one element where all are alike."""
    window: Number
    function: Annotated[str, Field(pattern=r"^[a-z0-9_]{0,60}$")]
    """What a vector unit has to know: rmsnorm, silu, add, multiply, top_k, ..."""
    experts: Number
    experts_per_token: Number
    expert_load: tuple[Number, ...]
    """Rows of each expert where they were given; empty: uniform routing, weight bytes are an expectation."""
    activation_dtype: DType
    weight_dtype: DType
    accumulator_dtype: DType
    flops: Number
    weight_bytes: Number
    activation_read_bytes: Number
    activation_write_bytes: Number
    kv_read_bytes: Number
    kv_write_bytes: Number
    dependencies: tuple[int, ...]
    """Ids of operators that have to be done before; inside a Block, counted from the start of its repeat."""

    @property
    def bytes(self) -> int:
        """All bytes read and written."""
        return (
            self.weight_bytes
            + self.activation_read_bytes
            + self.activation_write_bytes
            + self.kv_read_bytes
            + self.kv_write_bytes
        )

    @property
    def experts_hit(self) -> float:
        """Distinct experts that the tokens meet: counted from the load, or expected under uniform routing."""
        if not self.experts or self.expert_load:
            return float(sum(rows > 0 for rows in self.expert_load))
        tokens = self.m if self.kind == "route" else self.m // self.experts_per_token
        return expected_experts(self.experts, self.experts_per_token, tokens)

    def moved(self, start: int, shift: int) -> Operator:
        """The operator in a repeat that starts at id `start`, `shift` layers further on."""
        values = list(_values(self))
        values[_ID] = start + self.id
        values[_DEPENDENCIES] = tuple(start + dependency for dependency in self.dependencies)
        if shift:
            values[_NAME] = shift_layer(self.name, shift)
            values[_LAYER_NUMBER] = self.layer + shift
            values[_INPUTS] = tuple(tensor.of_layer(shift) for tensor in self.inputs)
            values[_OUTPUTS] = tuple(tensor.of_layer(shift) for tensor in self.outputs)
        return Operator(*values)


FIELDS: tuple[str, ...] = tuple(field.name for field in fields(Operator))

# `dataclasses.replace` is ten times slower, and expanding a trace calls this for every row.
_values = attrgetter(*FIELDS)
_ID, _NAME, _LAYER_NUMBER = FIELDS.index("id"), FIELDS.index("name"), FIELDS.index("layer")
_INPUTS, _OUTPUTS, _DEPENDENCIES = FIELDS.index("inputs"), FIELDS.index("outputs"), FIELDS.index("dependencies")


def shift_layer(name: str, shift: int) -> str:
    """`layer5.ffn.norm` for `layer3.ffn.norm` and 2; a name that belongs to no layer stays."""
    match = _LAYER.match(name) if shift else None
    return f"layer{int(match[1]) + shift}{name[match.end() - 1 :]}" if match else name


def layer_of(name: str) -> int:
    """The layer that a name speaks of, -1 for none."""
    match = _LAYER.match(name)
    return int(match[1]) if match else -1


def expected_experts(experts: int, per_token: int, tokens: int) -> float:
    """Distinct experts that `tokens` hit when each draws `per_token` of `experts` uniformly, without replacement."""
    return experts * (1.0 - (1.0 - per_token / experts) ** tokens)
