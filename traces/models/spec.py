"""The shape of a decoder-only transformer: what its weights, its KV cache and its work follow from."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field, model_validator

from bitline.base.document import Document
from bitline.traces.models.parameters import count_parameters

Count = Annotated[int, Field(ge=1, le=1 << 24)]
CountOrZero = Annotated[int, Field(ge=0, le=1 << 24)]

ActivationName = Literal["relu", "gelu", "gelu_new", "gelu_tanh", "gelu_pytorch_tanh", "silu"]
LayerForm = Literal["serial", "post_norm", "sandwich", "parallel", "parallel_two_norms"]


class LatentAttention(Document):
    """Multi-head latent attention: keys and values are kept as one short vector (DeepSeek-V2, section 2.1)."""

    q_lora_rank: CountOrZero = Field(0, description="width of the latent query; 0: the query is projected directly")
    kv_lora_rank: Count = Field(description="width of the latent that stands for all keys and values of a token")
    qk_rope_head_dim: Count = Field(description="part of a head's key that carries the position, shared by all heads")
    v_head_dim: Count


class Experts(Document):
    """A mixture of experts in place of the feed-forward network."""

    experts: Count = Field(description="routed experts of a layer")
    experts_per_token: Count
    ffn: Count = Field(description="width of one expert")
    shared_experts: CountOrZero = Field(0, description="experts that every token passes, as one wide expert")
    first_dense_layers: CountOrZero = Field(0, description="layers at the start that keep a plain network")


class SlidingWindow(Document):
    """Attention to the last tokens only."""

    tokens: Count = Field(description="tokens that a query sees, itself included")
    full_every: CountOrZero = Field(0, description="layers n, 2n, ... (from 1) see everything; 0: no layer does")


class LayerKind(NamedTuple):
    """What may differ from layer to layer."""

    moe: bool
    window: int


class ModelSpec(Document):
    """A decoder-only transformer. Sizes are counts of elements."""

    name: str
    family: str
    source: str
    hidden: Count
    layers: Annotated[int, Field(ge=1, le=4096)]
    heads: Count
    kv_heads: Count = Field(description="left out: as many as heads")
    head_dim: Count = Field(description="of queries and keys; left out: hidden / heads")
    ffn: Count = Field(description="width of the (dense) feed-forward network")
    gated: bool = Field(description="the network has a gate matrix beside the up matrix")
    activation: ActivationName
    norm: Literal["layernorm", "rmsnorm"]
    layer_form: LayerForm = Field(
        "serial",
        description="serial: norms before attention and before the network; post_norm: after each residual add; "
        "sandwich: before and after both; parallel: attention and network beside each other, on one norm or two",
    )
    final_norm: bool = True
    embedding_norm: bool = Field(False, description="a norm after the embedding")
    qk_norm: bool = Field(False, description="a norm of head_dim on every query and key head")
    position: Literal["learned", "rope", "alibi"]
    position_padding: CountOrZero = Field(0, description="rows of the position table beyond max_position")
    rotary_dim: CountOrZero = Field(description="rotated elements of a head; left out: all with rope, else none")
    max_position: Count = Field(description="longest context")
    vocab: Count
    embedding_dim: Count = Field(description="width of the token table; left out: hidden. Others are projected")
    tied_embeddings: bool = Field(description="the token table is the output head too")
    qkv_bias: bool = False
    output_bias: bool = False
    ffn_bias: bool = False
    head_bias: bool = False
    latent: LatentAttention | None = None
    moe: Experts | None = None
    window: SlidingWindow | None = None

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, data: Any) -> Any:
        """Put in what follows from other fields. Wrong types are left for the field checks to report."""
        if not isinstance(data, dict):
            return data
        filled = dict(data)
        hidden, heads = filled.get("hidden"), filled.get("heads")
        if type(heads) is int and type(hidden) is int and heads > 0:
            filled.setdefault("kv_heads", heads)
            if "head_dim" not in filled:
                if hidden % heads:
                    raise ValueError(f"hidden {hidden} is no multiple of heads {heads}, and head_dim is not given")
                filled["head_dim"] = hidden // heads
        if type(hidden) is int:
            filled.setdefault("embedding_dim", hidden)
        if "rotary_dim" not in filled:
            latent = filled.get("latent")
            rotated = latent.get("qk_rope_head_dim") if isinstance(latent, dict) else filled.get("head_dim")
            filled["rotary_dim"] = rotated if filled.get("position") == "rope" else 0
        return filled

    @model_validator(mode="after")
    def _consistent(self) -> ModelSpec:
        if self.heads % self.kv_heads:
            raise ValueError(f"heads {self.heads} is no multiple of kv_heads {self.kv_heads}")
        if self.rotary_dim > self.head_dim:
            raise ValueError(f"rotary_dim {self.rotary_dim} is more than head_dim {self.head_dim}")
        if (self.position == "rope") != (self.rotary_dim > 0):
            raise ValueError("rotary_dim goes with position rope, and only with it")
        if self.latent:
            if self.latent.qk_rope_head_dim >= self.head_dim:
                raise ValueError("latent.qk_rope_head_dim has to be less than head_dim")
            if self.kv_heads != self.heads or self.qk_norm or self.qkv_bias:
                raise ValueError("latent attention has as many kv_heads as heads, no qk_norm and no qkv_bias")
        if self.moe:
            if self.moe.experts_per_token > self.moe.experts:
                raise ValueError("moe.experts_per_token is more than moe.experts")
            if self.moe.first_dense_layers >= self.layers:
                raise ValueError("moe.first_dense_layers leaves no layer with experts")
            if self.ffn_bias:
                raise ValueError("experts with a bias are not modelled; ffn_bias has to be false")
        return self

    @cached_property
    def layer_kinds(self) -> tuple[LayerKind, ...]:
        """What each layer is, in order."""
        return tuple(LayerKind(self._has_experts(layer), self._window(layer)) for layer in range(self.layers))

    def _has_experts(self, layer: int) -> bool:
        return self.moe is not None and layer >= self.moe.first_dense_layers

    def _window(self, layer: int) -> int:
        if self.window is None or (self.window.full_every and (layer + 1) % self.window.full_every == 0):
            return 0
        return self.window.tokens

    @property
    def value_dim(self) -> int:
        """Elements of a value head."""
        return self.latent.v_head_dim if self.latent else self.head_dim

    @property
    def position_rows(self) -> int:
        """Rows of the learned position table."""
        return self.max_position + self.position_padding if self.position == "learned" else 0

    @property
    def kv_elements_per_token(self) -> int:
        """Elements that one token adds to the KV cache, all layers together."""
        if self.latent:
            return self.layers * (self.latent.kv_lora_rank + self.latent.qk_rope_head_dim)
        return 2 * self.layers * self.kv_heads * self.head_dim

    @property
    def parameters(self) -> int:
        """All weights; a tied head is counted once."""
        return sum(count_parameters(self).values())

    @property
    def active_parameters(self) -> int:
        """Weights that one token meets: of the routed experts only those it is sent to."""
        if self.moe is None:
            return self.parameters
        idle = self.moe.experts - self.moe.experts_per_token
        expert_layers = self.layers - self.moe.first_dense_layers
        return self.parameters - expert_layers * idle * (3 if self.gated else 2) * self.hidden * self.moe.ffn
