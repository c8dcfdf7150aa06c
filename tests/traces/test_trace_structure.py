"""What a built trace is made of: blocks of alike layers, dependencies, shapes, experts, windows, latents."""

import pytest

from bitline.base.errors import CapacityError, SpecError
from bitline.traces import build_trace, load_model
from bitline.traces.trace import fold


def by_name(trace):
    return {operator.name: operator for operator in trace.operators()}


def test_the_operators_of_a_gpt2_layer_in_order():
    block = build_trace("gpt2-xl", context=1024).blocks[1]
    assert (block.repeats, block.first_layer, block.layers) == (48, 0, 1)
    rows = [(operator.name, operator.kind, operator.part, operator.dependencies) for operator in block.operators]
    assert rows == [
        ("layer0.attention.norm", "norm", "", (-1,)),
        ("layer0.attention.qkv", "matmul", "", (0,)),
        ("layer0.attention.kv_append", "kv_append", "", (1,)),
        ("layer0.attention.score", "attention", "score", (1, 2)),
        ("layer0.attention.softmax", "softmax", "", (3,)),
        ("layer0.attention.context", "attention", "context", (2, 4)),
        ("layer0.attention.output", "matmul", "", (5,)),
        ("layer0.attention.residual", "elementwise", "", (-1, 6)),
        ("layer0.ffn.norm", "norm", "", (7,)),
        ("layer0.ffn.up", "matmul", "", (8,)),
        ("layer0.ffn.activation", "activation", "", (9,)),
        ("layer0.ffn.down", "matmul", "", (10,)),
        ("layer0.ffn.residual", "elementwise", "", (7, 11)),
    ]


def test_expanded_operators_have_global_ids_names_and_dependencies():
    trace = build_trace("gpt2-xl")
    operators = trace.operators()
    assert len(operators) == len(trace) == 3 + 48 * 13 + 2
    assert [operator.id for operator in operators] == list(range(len(operators)))
    norm = operators[3 + 13]
    assert (norm.name, norm.layer, norm.dependencies) == ("layer1.attention.norm", 1, (3 + 12,))
    assert norm.inputs[0].name == "layer1.input" == operators[3 + 12].outputs[0].name
    assert operators[-2].inputs[0].name == "layer48.input"
    assert operators[-1].dependencies == (operators[-2].id,)


@pytest.mark.parametrize(
    ("name", "context", "blocks"),
    [
        ("llama-3-8b", 1024, [(32, 0, 1)]),
        ("deepseek-v3", 1024, [(3, 0, 1), (58, 3, 1)]),
        ("gemma-2-2b", 8192, [(13, 0, 2)]),
        # No context reaches the window: all layers are alike.
        ("gemma-2-2b", 4096, [(26, 0, 1)]),
        ("gemma-3-1b", 1024, [(4, 0, 6), (2, 24, 1)]),
    ],
)
def test_layers_are_kept_as_what_repeats(name, context, blocks):
    trace = build_trace(name, context=context)
    assert [(block.repeats, block.first_layer, block.layers) for block in trace.blocks[1:-1]] == blocks
    assert fold(trace.operators()) == trace.blocks


def test_a_window_limits_keys_and_cache_reads():
    operators = by_name(build_trace("gemma-3-1b", contexts=[100, 2000], dtype="fp16"))
    local, full = operators["layer0.attention.score"], operators["layer5.attention.score"]
    assert (local.contexts, local.window) == ((100, 512), 512)
    assert (full.contexts, full.window) == ((100, 2000), 0)
    assert local.kv_read_bytes == 612 * 256 * 2
    assert full.kv_read_bytes == 2100 * 256 * 2


def test_a_window_in_prefill_bounds_pairs_but_not_keys():
    score = by_name(build_trace("mistral-7b", "prefill", context=5000))["layer0.attention.score"]
    pairs = sum(min(position, 4096) for position in range(1, 5001))
    assert score.flops == 2 * 32 * 128 * pairs
    assert (score.contexts, score.window, score.m, score.n) == ((5000,), 4096, 5000, 5000)


def test_matmul_shapes_and_bytes():
    qkv = by_name(build_trace("llama-3-8b", batch=5))["layer7.attention.qkv"]
    assert (qkv.batch, qkv.m, qkv.n, qkv.k) == (5, 5, (32 + 16) * 128, 4096)
    assert qkv.weight_bytes == 2 * qkv.n * qkv.k
    assert qkv.activation_read_bytes == 2 * 5 * 4096
    assert qkv.activation_write_bytes == 2 * 5 * qkv.n
    assert [(tensor.name, tensor.role, tensor.shape) for tensor in qkv.inputs] == [
        ("layer7.attention.norm", "activation", (5, 4096)),
        ("layer7.attention.qkv.weight", "weight", (6144, 4096)),
    ]


def test_the_head_runs_on_the_last_token_of_each_prompt():
    head = by_name(build_trace("gpt2", "prefill", contexts=[10, 30]))["head"]
    assert (head.m, head.n, head.k) == (2, 50257, 768)
    assert head.inputs[0].shape == (40, 768)
    assert head.activation_read_bytes == 2 * 2 * 768
    assert head.inputs[1].name == "embedding.token.weight"


def test_number_formats_apply_to_their_own_tensors():
    trace = build_trace("llama-2-7b", dtype="fp16", weight_dtype="int4", kv_dtype="fp8")
    rows = by_name(trace)
    assert rows["layer0.ffn.down"].weight_bytes == 11008 * 4096 // 2
    assert rows["layer0.attention.score"].kv_read_bytes == 1024 * 32 * 128
    assert rows["layer0.attention.kv_append"].kv_write_bytes == 2 * 32 * 128
    assert rows["layer0.ffn.down"].accumulator_dtype == "fp32"
    integers = by_name(build_trace("llama-2-7b", dtype="int8"))
    assert integers["layer0.ffn.down"].accumulator_dtype == "int32"


@pytest.mark.parametrize(
    ("name", "tokens", "hit"),
    # E (1 - (1 - k/E)^T), held against simulated draws of k of E experts for each of T tokens.
    [("qwen3-30b-a3b", 1, 8.0), ("mixtral-8x7b", 4, 5.5), ("qwen3-30b-a3b", 16, 82.4), ("deepseek-v3", 64, 222.4)],
)
def test_experts_hit_under_uniform_routing(name, tokens, hit):
    moe, hidden = load_model(name).moe, load_model(name).hidden
    up = by_name(build_trace(name, batch=tokens))["layer3.ffn.experts.gate_up"]
    assert up.experts_hit == pytest.approx(hit, abs=0.05)
    assert (up.m, up.n, up.k) == (tokens * moe.experts_per_token, 2 * moe.ffn, hidden)
    one_expert = 2 * 2 * moe.ffn * hidden
    assert up.weight_bytes == round(up.experts_hit * one_expert)
    assert up.inputs[1].bytes == moe.experts * one_expert


def test_a_given_expert_load_sets_the_weights_that_are_read():
    load = [4, 0, 0, 2, 1, 1, 0, 0]
    rows = by_name(build_trace("mixtral-8x7b", batch=4, expert_load=load))
    down = rows["layer31.ffn.experts.down"]
    assert down.expert_load == tuple(load) == rows["layer0.ffn.route"].expert_load
    assert down.experts_hit == rows["layer0.ffn.route"].experts_hit == 4
    assert down.weight_bytes == 4 * 2 * 4096 * 14336


def test_experts_of_a_layer_in_order():
    trace = build_trace("deepseek-v2-lite", batch=2)
    names = [operator.name.removeprefix("layer1.ffn.") for operator in trace.blocks[2].operators]
    start = names.index("router")
    assert names[start:] == [
        *("router", "route", "dispatch"),
        *("experts.gate_up", "experts.activation", "experts.product", "experts.down"),
        *("shared.gate_up", "shared.activation", "shared.product", "shared.down"),
        *("combine", "residual"),
    ]
    shared = by_name(trace)["layer1.ffn.shared.gate_up"]
    assert (shared.m, shared.n, shared.experts) == (2, 2 * 2 * 1408, 0)


def test_latents_are_attended_absorbed_in_decode():
    rows = by_name(build_trace("deepseek-v3", batch=2, context=100))
    score, context = rows["layer0.attention.score"], rows["layer0.attention.context"]
    assert (score.heads, score.kv_heads, score.head_dim) == (128, 1, 576)
    assert (context.head_dim, context.kv_read_bytes) == (512, 2 * 200 * 512)
    assert score.kv_read_bytes == 2 * 200 * 576
    absorb = rows["layer0.attention.query_absorb"]
    assert (absorb.heads, absorb.m, absorb.n, absorb.k) == (128, 2, 512, 128)
    assert absorb.inputs[1].name == "layer0.attention.key_up.weight"
    fused = by_name(build_trace("deepseek-v3", batch=2, context=100, attention="fused"))["layer0.attention.fused"]
    assert fused.kv_read_bytes == score.kv_read_bytes
    assert [tensor.role for tensor in fused.inputs].count("kv") == 1


def test_latents_are_raised_in_prefill():
    rows = by_name(build_trace("deepseek-v3", "prefill", context=100))
    score = rows["layer0.attention.score"]
    assert (score.kv_heads, score.head_dim, score.kv_read_bytes) == (128, 192, 0)
    assert rows["layer0.attention.kv_append"].kv_write_bytes == 2 * 100 * 576
    assert rows["layer0.attention.key_up"].m == 100


def test_multi_query_attention_reads_one_head_of_keys():
    score = by_name(build_trace("falcon-7b", context=300))["layer0.attention.score"]
    assert (score.heads, score.kv_heads, score.kv_read_bytes) == (71, 1, 2 * 300 * 64)


@pytest.mark.parametrize(
    ("name", "norms"),
    [
        ("gpt-j-6b", ["norm"]),
        ("gpt-neox-20b", ["attention.norm", "ffn.norm"]),
        ("gemma-2-2b", ["attention.norm", "attention.post_norm", "ffn.norm", "ffn.post_norm"]),
        ("opt-350m", ["attention.norm", "ffn.norm"]),
        ("qwen3-8b", ["attention.norm", "attention.query_norm", "attention.key_norm", "ffn.norm"]),
    ],
)
def test_norms_of_a_layer(name, norms):
    names = [row.name for row in build_trace(name).blocks[1].operators if row.kind == "norm" and row.layer == 0]
    assert [item.removeprefix("layer0.").replace("attention.norm", "norm") for item in names] == [
        item.replace("attention.norm", "norm") for item in norms
    ]


def test_what_stands_before_and_after_the_layers_by_family():
    def outside(name):
        trace = build_trace(name)
        return [row.name for row in trace.blocks[0].operators], [row.name for row in trace.blocks[-1].operators]

    assert outside("llama-2-7b") == (["embedding.token"], ["head.norm", "head"])
    assert outside("gpt2") == (["embedding.token", "embedding.position", "embedding.add"], ["head.norm", "head"])
    assert outside("bloom-7b1") == (["embedding.token", "embedding.norm"], ["head.norm", "head"])
    assert outside("opt-350m") == (
        ["embedding.token", "embedding.project", "embedding.position", "embedding.add"],
        ["head.project", "head"],
    )


def test_a_partial_rotation_touches_that_part_only():
    rope = by_name(build_trace("gpt-j-6b", batch=2))["layer0.attention.rope"]
    assert (rope.n, rope.head_dim) == (2 * 16 * 64, 64)
    assert rope.activation_read_bytes == rope.activation_write_bytes == 2 * 2 * 2 * 16 * 64
    assert "layer0.attention.rope" not in by_name(build_trace("bloom-7b1"))


def test_context_counts_the_new_token_and_ends_at_the_last_position():
    build_trace("gpt2", context=1024)
    with pytest.raises(CapacityError, match="1025 tokens do not fit in gpt2; expected at most max_position = 1024"):
        build_trace("gpt2", context=1025)
    with pytest.raises(CapacityError, match="max_position = 4096"):
        build_trace("llama-2-7b", contexts=[1, 5000])
    with pytest.raises(CapacityError, match="max_position"):
        build_trace("llama-2-7b", "prefill", context=5000)
    assert build_trace("gpt2", context=5000, check_limit=False).contexts == (5000,)


def test_alike_contexts_are_folded():
    assert build_trace("gpt2", contexts=[7, 7, 7]) == build_trace("gpt2", batch=3, context=7)
    assert build_trace("gpt2", batch=2, contexts=[7, 8]).batch == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"phase": "train"}, "phase: 'train' is no phase of inference"),
        ({"attention": "flash"}, "attention: unknown form 'flash'"),
        ({"dtype": "fp17"}, r"dtype: unknown number format 'fp17'; expected did you mean 'fp16'\?"),
        ({"weight_dtype": "int5"}, "weight_dtype: unknown number format"),
        ({"kv_dtype": "x"}, "kv_dtype: unknown number format"),
        ({"batch": 0}, "batch: is 0; expected 1 to"),
        ({"batch": 1 << 30}, "batch: is 1073741824"),
        ({"batch": True}, "batch: is True"),
        ({"context": 0}, "context: 0 is no number of tokens"),
        ({"context": 2.5}, "context: 2.5 is no number of tokens"),
        ({"contexts": []}, "batch: is 0"),
        ({"contexts": [4, -1]}, "contexts: -1 is no number of tokens"),
        ({"batch": 3, "contexts": [4, 5]}, "batch: is 3, and contexts has 2 entries"),
        ({"expert_load": [1] * 8}, "expert_load: gpt2 has no experts"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(SpecError, match=message):
        build_trace("gpt2", **arguments)


@pytest.mark.parametrize(
    ("load", "message"),
    [
        ([1, 1], "has 2 entries; expected 8, one an expert"),
        ([1, 1, 1, 1, 1, 1, 1, 2], "sums to 9; expected 4 tokens x 2 experts = 8"),
        ([5, 1, 1, 1, 0, 0, 0, 0], "holds 5; expected rows of an expert, 0 to 4"),
        ([2.0, 1, 1, 1, 1, 1, 1, 0], r"holds 2\.0"),
    ],
)
def test_a_wrong_expert_load_is_refused(load, message):
    with pytest.raises(SpecError, match=message):
        build_trace("mixtral-8x7b", batch=4, expert_load=load)


def test_counts_beyond_64_bits_are_a_capacity_error():
    with pytest.raises(CapacityError, match=r"layer0\.attention\.qkv counts beyond"):
        build_trace("gpt3-175b", "prefill", batch=1 << 17, context=1 << 18, check_limit=False)


def test_a_spec_is_taken_in_place_of_a_name():
    assert build_trace(load_model("gpt2")) == build_trace("gpt2")
