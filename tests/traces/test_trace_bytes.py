"""Conservation, over models of all shapes: bytes, weights, dependencies, repeats."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bitline.traces import DTYPES, ModelSpec, build_trace, load_model, model_names, summarise
from bitline.traces.dtypes import size_bytes
from bitline.traces.trace import fold

SMALL = st.integers(1, 5)


@st.composite
def models(draw):
    """A decoder of any structure and small, odd sizes."""
    kv_heads, groups = draw(SMALL), draw(st.integers(1, 3))
    latent = draw(st.booleans())
    heads = kv_heads * groups
    head_dim = draw(st.integers(2, 9))
    position = "rope" if latent else draw(st.sampled_from(["learned", "rope", "alibi"]))
    layers = draw(st.integers(1, 9))
    moe = None
    if draw(st.booleans()):
        experts = draw(st.integers(1, 6))
        moe = {
            "experts": experts,
            "experts_per_token": draw(st.integers(1, experts)),
            "ffn": draw(st.integers(1, 9)),
            "shared_experts": draw(st.integers(0, 2)),
            "first_dense_layers": draw(st.integers(0, layers - 1)),
        }
    hidden = draw(st.integers(2, 20))
    rope_dim = draw(st.integers(1, head_dim - 1))
    data = {
        "name": "drawn",
        "family": "drawn",
        "source": "drawn",
        "hidden": hidden,
        "layers": layers,
        "heads": heads,
        "kv_heads": heads if latent else kv_heads,
        "head_dim": head_dim,
        "ffn": draw(st.integers(1, 30)),
        "gated": draw(st.booleans()),
        "activation": draw(st.sampled_from(["relu", "silu", "gelu_new"])),
        "norm": draw(st.sampled_from(["layernorm", "rmsnorm"])),
        "layer_form": draw(st.sampled_from(["serial", "post_norm", "sandwich", "parallel", "parallel_two_norms"])),
        "final_norm": draw(st.booleans()),
        "embedding_norm": draw(st.booleans()),
        "position": position,
        "position_padding": draw(st.integers(0, 2)),
        "max_position": 64,
        "vocab": draw(st.integers(1, 50)),
        "embedding_dim": draw(st.sampled_from([hidden, 7])),
        "tied_embeddings": draw(st.booleans()),
        "output_bias": draw(st.booleans()),
        "ffn_bias": moe is None and draw(st.booleans()),
        "head_bias": draw(st.booleans()),
        "moe": moe,
        "window": draw(
            st.none() | st.fixed_dictionaries({"tokens": st.integers(1, 40), "full_every": st.integers(0, 4)})
        ),
    }
    if latent:
        data["latent"] = {
            "q_lora_rank": draw(st.integers(0, 5)),
            "kv_lora_rank": draw(SMALL),
            "qk_rope_head_dim": rope_dim,
            "v_head_dim": draw(SMALL),
        }
    else:
        data |= {"qk_norm": draw(st.booleans()), "qkv_bias": draw(st.booleans())}
        if position == "rope":
            data["rotary_dim"] = rope_dim
    return ModelSpec.model_validate(data)


@st.composite
def traces(draw, dtypes=DTYPES):
    return build_trace(
        draw(models()),
        draw(st.sampled_from(["decode", "prefill"])),
        contexts=draw(st.lists(st.integers(1, 64), min_size=1, max_size=3)),
        dtype=draw(st.sampled_from(dtypes)),
        weight_dtype=draw(st.sampled_from(dtypes)),
        kv_dtype=draw(st.sampled_from(dtypes)),
        attention=draw(st.sampled_from(["split", "fused"])),
    )


@given(model=models(), phase=st.sampled_from(["decode", "prefill"]), form=st.sampled_from(["split", "fused"]))
def test_weight_tensors_are_the_parameters(model, phase, form):
    held = summarise(build_trace(model, phase, contexts=[3, 9], dtype="fp16", attention=form))["held_bytes"]
    assert held["weight"] == 2 * model.parameters


@pytest.mark.parametrize("name", model_names())
@pytest.mark.parametrize("phase", ["decode", "prefill"])
def test_weight_tensors_of_a_shipped_model_are_its_parameters(name, phase):
    model = load_model(name)
    held = summarise(build_trace(model, phase, context=1024, weight_dtype="fp8"))["held_bytes"]
    assert held["weight"] == model.parameters
    assert held["gradient"] == held["optimizer_state"] == 0


@given(traces())
def test_bytes_are_the_sizes_of_the_tensors(trace):
    for row in trace.operators():
        sizes = {}
        for side, tensors in (("read", row.inputs), ("write", row.outputs)):
            for role in ("weight", "activation", "kv"):
                sizes[f"{role}_{side}"] = sum(tensor.bytes for tensor in tensors if tensor.role == role)
        assert row.weight_bytes <= sizes["weight_read"] + row.experts
        assert row.activation_read_bytes <= sizes["activation_read"]
        assert row.activation_write_bytes <= sizes["activation_write"]
        assert row.kv_read_bytes <= sizes["kv_read"]
        assert row.kv_write_bytes <= sizes["kv_write"]
        # What is touched in part: table rows, hit experts, rotated elements, last tokens, latents without their keys.
        if row.kind not in ("rope", "embedding") and not row.experts:
            assert row.weight_bytes == sizes["weight_read"]
        if row.kind == "matmul" and not row.heads:
            assert row.activation_read_bytes == size_bytes(row.m * row.k, row.activation_dtype)
        elif row.kind != "rope":
            assert row.activation_read_bytes == sizes["activation_read"]
        if row.kind != "rope":
            assert row.activation_write_bytes == sizes["activation_write"]
        if row.part != "context":
            assert row.kv_read_bytes == sizes["kv_read"]


@given(traces())
def test_every_input_is_written_before_by_a_dependency(trace):
    writers = {}
    operators = trace.operators()
    for row in operators:
        for tensor in row.inputs:
            if tensor.role != "weight" and tensor.name != "tokens":
                assert writers[tensor.name] in row.dependencies
        assert all(dependency < row.id for dependency in row.dependencies)
        for tensor in row.outputs:
            assert tensor.name not in writers
            writers[tensor.name] = row.id
    read = {tensor.name for row in operators for tensor in row.inputs}
    assert set(writers) - read == {"logits"} | {name for name in writers if "kv.latent" in name and name not in read}
    assert len({row.name for row in operators}) == len(operators)


@given(traces())
def test_folding_the_operators_gives_the_blocks_back(trace):
    assert fold(trace.operators()) == trace.blocks
    assert (
        sum(block.repeats * block.layers for block in trace.blocks) == max(row.layer for row in trace.operators()) + 1
    )


@given(traces(dtypes=["fp16"]))
def test_cache_traffic_is_closed_form(trace):
    total = summarise(trace)
    tokens = total["tokens"]
    assert total["kv_write_bytes"] == total["kv_bytes_per_token"] * tokens
    latent = any("kv.latent" in name for name in trace.tensors())
    if not latent:
        # Each key and value that any query sees is read once.
        assert total["kv_read_bytes"] == total["held_bytes"]["kv"]


@given(model=models(), contexts=st.lists(st.integers(1, 64), min_size=1, max_size=3))
def test_a_token_adds_to_the_cache_what_the_model_says(model, contexts):
    added = summarise(build_trace(model, contexts=contexts, kv_dtype="fp8"))["kv_bytes_per_token"]
    assert added == model.kv_elements_per_token


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(model=models(), contexts=st.lists(st.integers(1, 64), min_size=1, max_size=3))
def test_split_and_fused_attention_have_equal_flops_and_weights(model, contexts):
    split, fused = (summarise(build_trace(model, contexts=contexts, attention=form)) for form in ("split", "fused"))
    assert split["flops"] == fused["flops"]
    assert split["weight_bytes"] == fused["weight_bytes"]
    assert split["held_bytes"]["kv"] == fused["held_bytes"]["kv"]


@given(model=models(), context=st.integers(1, 63))
def test_work_and_traffic_grow_with_the_context(model, context):
    shorter, longer = (summarise(build_trace(model, context=length)) for length in (context, context + 1))
    for count in ("flops", "kv_read_bytes", "activation_read_bytes"):
        assert shorter[count] <= longer[count]
    assert shorter["weight_bytes"] == longer["weight_bytes"]
