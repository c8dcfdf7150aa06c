"""One operator from text: `matmul m=512 n=512 k=512 dtype=bf16`."""

from __future__ import annotations

import re

from bitline.base.errors import SpecError, did_you_mean
from bitline.traces.dtypes import DTYPES, DType, accumulator_dtype, size_bytes
from bitline.traces.operator import Operator, Tensor
from bitline.traces.trace import Trace, fold

NUMBERS = {"matmul": ("m", "n", "k", "batch"), "softmax": ("m", "n"), "norm": ("m", "n"), "activation": ("m", "n"),
           "elementwise": ("m", "n")}  # fmt: skip
FUNCTIONS = {"softmax": "softmax", "norm": "layernorm", "activation": "gelu", "elementwise": "add"}
WORK_OF_ELEMENT = {"softmax": 5, "norm": 5, "activation": 1, "elementwise": 1}
MOST = 1 << 31


def operator_trace(text: str, dtype: DType = "bf16") -> Trace:
    """The operator as a trace of its own. `function=` names what a vector operator does. Raises SpecError."""
    kind, *words = text.split() or [""]
    if kind not in NUMBERS:
        raise SpecError(f"unknown operator '{kind}'", file="--operator", expected=did_you_mean(kind, NUMBERS))
    given: dict[str, str] = {}
    for word in words:
        name, sign, value = word.partition("=")
        known = (*NUMBERS[kind], "dtype", "function")
        if not sign or name not in known:
            expected = f"{' '.join(f'{n}=..' for n in NUMBERS[kind])}; {did_you_mean(name, known)}"
            raise SpecError(f"'{word}' is not known", file="--operator", expected=expected)
        given[name] = value
    numbers = {name: _number(name, given.get(name, "1" if name == "batch" else "")) for name in NUMBERS[kind]}
    chosen = next((known for known in DTYPES if known == given.get("dtype", dtype)), None)
    if chosen is None:
        expected = did_you_mean(given["dtype"], DTYPES)
        raise SpecError(
            f"unknown number format '{given['dtype']}'", file="--operator", field="dtype", expected=expected
        )
    operator = _matmul(numbers, chosen) if kind == "matmul" else _vector(kind, given.get("function"), numbers, chosen)
    return Trace(
        model=kind, phase="forward", contexts=(1,), batch=1, activation_dtype=chosen, weight_dtype=chosen,
        kv_dtype=chosen, attention="split", blocks=fold([operator]),
    )  # fmt: skip


def _number(name: str, text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,10}", text) or not 1 <= int(text) <= MOST:
        raise SpecError(
            f"{name} is '{text}'" if text else f"{name} is missing", file="--operator", expected=f"{name}=1 to {MOST}"
        )
    return int(text)


def _operator(kind: str, tensors: tuple[Tensor, ...], output: Tensor, dtype: DType, **numbers: object) -> Operator:
    values: dict[str, object] = {
        "id": 0, "name": kind, "kind": kind, "part": "", "phase": "forward", "layer": -1, "inputs": tensors,
        "outputs": (output,), "batch": 1, "k": 0, "heads": 0, "kv_heads": 0, "head_dim": 0, "contexts": (), "window": 0,
        "function": "", "experts": 0, "experts_per_token": 0, "expert_load": (), "activation_dtype": dtype,
        "weight_dtype": dtype, "accumulator_dtype": accumulator_dtype(dtype, dtype),
        "weight_bytes": sum(t.bytes for t in tensors if t.role == "weight"),
        "activation_read_bytes": sum(t.bytes for t in tensors if t.role == "activation"),
        "activation_write_bytes": output.bytes, "kv_read_bytes": 0, "kv_write_bytes": 0, "dependencies": (),
    }  # fmt: skip
    return Operator(**{**values, **numbers})  # type: ignore[arg-type]


def _matmul(numbers: dict[str, int], dtype: DType) -> Operator:
    m, n, k, batch = (numbers[name] for name in ("m", "n", "k", "batch"))
    many = (batch,) if batch > 1 else ()
    x, w = Tensor("x", "activation", (*many, m, k), dtype), Tensor("w", "weight", (*many, n, k), dtype)
    y = Tensor("y", "activation", (*many, m, n), dtype)
    return _operator(
        "matmul", (x, w), y, dtype, m=m, n=n, k=k, heads=batch if batch > 1 else 0, flops=2 * batch * m * n * k,
        weight_bytes=size_bytes(batch * n * k, dtype),
    )  # fmt: skip


def _vector(kind: str, function: str | None, numbers: dict[str, int], dtype: DType) -> Operator:
    m, n = numbers["m"], numbers["n"]
    inputs = tuple(Tensor(name, "activation", (m, n), dtype) for name in ("x", "z")[: 1 + (kind == "elementwise")])
    y = Tensor("y", "activation", (m, n), dtype)
    flops = WORK_OF_ELEMENT[kind] * m * n
    return _operator(kind, inputs, y, dtype, m=m, n=n, flops=flops, function=function or FUNCTIONS[kind])
