"""FLOPs of built traces against closed forms, and against counts made on the models' own graphs."""

import pytest

from bitline.traces import build_trace, load_model, model_names, summarise
from bitline.traces.models.parameters import count_parameters


def flops_of(trace, *kinds):
    return sum(row["flops"] for row in summarise(trace)["by_kind"] if row["kind"] in kinds)


# Counted on the graphs that torch 2.13 exports of the classes of transformers 5.23 (meta device): 1024 tokens in the
# cache and a new one, so context 1025.
GRAPHS = [
    ("llama-2-7b", 1, 13_214_154_752, 537_395_200),
    ("opt-13b", 1, 25_680_609_280, 839_680_000),
    ("gpt2-xl", 1, 3_109_942_400, 314_880_000),
    ("mixtral-8x7b", 4, 101_988_696_064, 2_149_580_800),
    ("qwen3-30b-a3b", 4, 24_333_254_656, 3_224_371_200),
]


@pytest.mark.parametrize(("name", "batch", "matmul", "attention"), GRAPHS)
def test_decode_flops_are_those_of_the_exported_graph(name, batch, matmul, attention):
    trace = build_trace(name, batch=batch, context=1025, check_limit=False)
    assert flops_of(trace, "matmul") == matmul
    assert flops_of(trace, "attention") == attention


def test_prefill_flops_are_those_of_the_exported_graph_less_what_is_masked_and_not_asked_for():
    trace = build_trace("llama-2-7b", "prefill", context=128)
    # The graph runs the head on all 128 tokens and attention on the full square.
    assert flops_of(trace, "matmul") == 1_691_411_808_256 - 127 * 2 * 32000 * 4096
    assert flops_of(trace, "attention") * 256 == 8_589_934_592 * 129


@pytest.mark.parametrize("name", model_names())
def test_decode_matmuls_meet_every_active_weight_once(name):
    model, batch = load_model(name), 3
    parts = count_parameters(model)
    biases = model.layers * (
        model.qkv_bias * (model.heads + 2 * model.kv_heads) * model.head_dim
        + model.output_bias * model.hidden
        + model.ffn_bias * ((1 + model.gated) * model.ffn + model.hidden)
    )
    biases += model.head_bias * model.vocab
    looked_up = model.position_rows * model.hidden
    if not model.tied_embeddings:
        looked_up += model.vocab * model.embedding_dim
    weights = model.active_parameters - parts["norm"] - biases - looked_up
    assert flops_of(build_trace(model, batch=batch, context=100), "matmul") == 2 * batch * weights


@pytest.mark.parametrize("name", model_names())
@pytest.mark.parametrize("context", [1, 600, 1024])
def test_decode_attention_is_two_products_a_key_and_head(name, context):
    model = load_model(name)
    score, value = model.head_dim, model.value_dim
    if model.latent:
        score = model.latent.kv_lora_rank + model.latent.qk_rope_head_dim
        value = model.latent.kv_lora_rank
    keys = sum(min(context, kind.window or context) for kind in model.layer_kinds)
    trace = build_trace(model, batch=2, context=context)
    assert flops_of(trace, "attention") == 2 * 2 * model.heads * (score + value) * keys
    assert flops_of(trace, "softmax") == 5 * 2 * model.heads * keys


def test_all_flops_of_a_llama():
    h, layers, heads, kv, d, f, vocab, c = 2048, 16, 32, 8, 64, 8192, 128256, 777
    attention = 2 * h * (heads + 2 * kv) * d + 2 * heads * d * h + 4 * heads * d * c + 5 * heads * c
    rope = 3 * (heads + kv) * d
    network = 6 * h * f + 4 * f + f
    norms_and_adds = 2 * 4 * h + 2 * h
    expected = layers * (attention + rope + network + norms_and_adds) + 4 * h + 2 * h * vocab
    assert summarise(build_trace("llama-3.2-1b", context=c))["flops"] == expected


def test_all_flops_of_a_gpt2():
    h, layers, heads, d, vocab, c = 1600, 48, 25, 64, 50257, 500
    attention = 2 * h * 3 * h + 2 * h * h + 4 * heads * d * c + 5 * heads * c
    network = 16 * h * h + 9 * 4 * h
    norms_and_adds = 2 * 7 * h + 2 * h
    expected = h + layers * (attention + network + norms_and_adds) + 7 * h + 2 * h * vocab
    assert summarise(build_trace("gpt2-xl", context=c))["flops"] == expected


def layer_flops(trace):
    sums = {}
    for block in trace.blocks:
        for operator in block.operators:
            if operator.layer >= 0:
                sums[operator.kind] = sums.get(operator.kind, 0) + block.repeats * operator.flops
    return sums


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("gpt2", {"layers": 2}),
        ("qwen3-0.6b", {"layers": 2}),
        ("mixtral-8x7b", {"layers": 2}),
        ("gemma-3-1b", {"window.tokens": 7, "layers": 8}),
        ("mistral-7b", {"window.tokens": 1, "layers": 2}),
    ],
)
def test_prefill_does_in_its_layers_what_as_many_decodes_do(name, settings):
    model, tokens = load_model(name, settings), 20
    total = {}
    for context in range(1, tokens + 1):
        for kind, flops in layer_flops(build_trace(model, context=context)).items():
            total[kind] = total.get(kind, 0) + flops
    assert layer_flops(build_trace(model, "prefill", context=tokens)) == total


def test_prefill_raises_the_latents_of_the_new_tokens():
    model, n = load_model("deepseek-v2-lite"), 33
    trace = build_trace(model, "prefill", context=n)
    pairs = n * (n + 1) // 2
    assert flops_of(trace, "attention") == 2 * 27 * 16 * (192 + 128) * pairs
    decode = build_trace(model, context=n)
    assert layer_flops(trace)["matmul"] == n * layer_flops(decode)["matmul"]


@pytest.mark.parametrize("name", ["gpt2-xl", "gemma-3-1b", "deepseek-v3", "falcon-40b", "qwen3-30b-a3b"])
@pytest.mark.parametrize("phase", ["decode", "prefill"])
def test_split_and_fused_attention_do_the_same_work(name, phase):
    split = summarise(build_trace(name, phase, batch=2, context=1000, attention="split"))
    fused = summarise(build_trace(name, phase, batch=2, context=1000, attention="fused"))
    assert split["flops"] == fused["flops"]
    assert split["weight_bytes"] == fused["weight_bytes"]
    assert split["held_bytes"]["weight"] == fused["held_bytes"]["weight"]
    assert split["held_bytes"]["kv"] == fused["held_bytes"]["kv"]
    # The scores never leave a fused operator.
    assert fused["activation_write_bytes"] < split["activation_write_bytes"]


def test_a_ragged_batch_is_the_sum_of_its_requests():
    contexts = [3, 700, 20, 700]
    whole = build_trace("gemma-3-1b", contexts=contexts)
    parts = [build_trace("gemma-3-1b", context=context) for context in contexts]
    for kind in ("matmul", "attention", "softmax", "norm", "rope", "activation", "elementwise"):
        assert flops_of(whole, kind) == sum(flops_of(part, kind) for part in parts)
    assert summarise(whole)["kv_read_bytes"] == sum(summarise(part)["kv_read_bytes"] for part in parts)
    assert summarise(whole)["kv_write_bytes"] == sum(summarise(part)["kv_write_bytes"] for part in parts)
