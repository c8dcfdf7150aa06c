"""SCALE-Sim topology files: layers as matrix products.

Two kinds of table, told apart by the header: convolutions (name, input height and width, filter height and width,
channels, filters, stride) and products (name, M, N, K). A convolution becomes a product by im2col: M = output pixels,
K = filter height x width x channels, N = filters; one whose name has `DP` is depth-wise, a product for each channel
(SCALE-Sim v3, scalesim/topology_utils.py). Lines may end in a comma.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from bitline.base.errors import TraceError
from bitline.traces.dtypes import DType, accumulator_dtype, size_bytes
from bitline.traces.operator import INT64_MAX, Operator, Tensor
from bitline.traces.trace import Trace, fold

MAX_BYTES = 16 << 20

GEMM = ("m", "n", "k")
CONVOLUTION = (
    "input height", "input width", "filter height", "filter width", "channels", "filters", "stride"
)  # fmt: skip

_INTEGER = re.compile(r"[0-9]{1,12}")
_SPARSITY = re.compile(r"([0-9]+):([0-9]+)")
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_.+/()\[\]-]")


@dataclass(frozen=True)
class Layer:
    """A layer as a product of its shape, `batch` times with matrices of its own each."""

    name: str
    m: int
    n: int
    k: int
    batch: int
    input_elements: int
    """Distinct elements of the input: im2col repeats them."""


def read_topology(path: str | Path) -> tuple[Layer, ...]:
    """The layers of a topology file. Raises TraceError with file, line and column."""
    lines = _read_lines(path)
    if not lines:
        raise TraceError("is empty", file=path, expected="a header and a layer a line")
    (header_line, header), *rows = lines
    convolutions = _is_convolution(header, path, header_line)
    layers = [_layer(cells, convolutions, path, line) for line, cells in rows]
    if not layers:
        raise TraceError("holds no layers", file=path, line=header_line, expected="a layer a line after the header")
    return tuple(layers)


def topology_trace(path: str | Path, dtype: DType = "bf16") -> Trace:
    """The layers of a topology file as a trace of matmuls, one after the other. Raises TraceError."""
    layers = read_topology(path)
    operators = []
    names: dict[str, int] = {}
    for number, layer in enumerate(layers):
        name = _NOT_IN_NAMES.sub("_", layer.name)[:150]
        names[name] = names.get(name, 0) + 1
        unique = name if names[name] == 1 else f"{name}.{names[name]}"
        operators.append(_matmul(number, unique, layer, dtype))
    return Trace(
        model=Path(path).stem[:200] or "topology",
        phase="forward",
        contexts=(1,),
        batch=1,
        activation_dtype=dtype,
        weight_dtype=dtype,
        kv_dtype=dtype,
        attention="split",
        blocks=fold(operators),
    )


# --- text ---


def _read_lines(path: str | Path) -> list[tuple[int, list[str]]]:
    """(line number, cells) of every line that is not empty; an empty last cell is no cell."""
    try:
        size = Path(path).stat().st_size
        raw = Path(path).read_bytes() if size <= MAX_BYTES else None
    except (OSError, ValueError) as error:
        raise TraceError(f"cannot be read ({getattr(error, 'strerror', None) or error})", file=path) from None
    if raw is None:
        raise TraceError(f"has {size} bytes", file=path, expected=f"at most {MAX_BYTES >> 20} MiB")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TraceError(f"byte {error.start} is not UTF-8", file=path, expected="a CSV text file") from None
    found = []
    for number, line in enumerate(text.split("\n"), 1):
        cells = [cell.strip() for cell in line.split(",")]
        while cells and not cells[-1]:
            cells.pop()
        if cells:
            found.append((number, cells))
    return found


def _is_convolution(header: list[str], path: str | Path, line: int) -> bool:
    names = [name.lower() for name in header[1:]]
    if len(names) >= len(GEMM) and tuple(names[: len(GEMM)]) == GEMM:
        return False
    if len(names) >= len(CONVOLUTION) and not any(_INTEGER.fullmatch(name) for name in names):
        return True
    if any(_INTEGER.fullmatch(name) for name in names):
        raise TraceError("is a layer, not a header", file=path, line=line, expected="names of the columns first")
    raise TraceError(
        f"has {len(header)} columns", file=path, line=line, expected="'Layer, M, N, K' or the 8 columns of convolutions"
    )


def _layer(cells: list[str], convolutions: bool, path: str | Path, line: int) -> Layer:
    columns = CONVOLUTION if convolutions else GEMM
    if len(cells) <= len(columns):
        expected = f"a name and {len(columns)} numbers: {', '.join(columns)}"
        raise TraceError(f"has {len(cells)} values", file=path, line=line, expected=expected)
    name, *values = cells
    if not name:
        raise TraceError("has no name", file=path, line=line, field="layer")
    numbers = [_number(value, column, path, line) for value, column in zip(values, columns)]
    rest = values[len(columns) :]
    batch = 1
    stride_width = numbers[-1]
    for number, value in enumerate(rest):
        if ":" in value:
            _check_dense(value, path, line)
        elif number == 0 and value:
            # Products: how many; convolutions: the stride along the width.
            extra = _number(value, "stride width" if convolutions else "batch", path, line)
            batch, stride_width = (1, extra) if convolutions else (extra, stride_width)
        elif value:
            raise TraceError(f"has a value '{value}' too many", file=path, line=line)
    if convolutions:
        return _convolution(name, numbers, stride_width, path, line)
    m, n, k = numbers
    return Layer(name, m, n, k, batch, batch * m * k)


def _convolution(name: str, numbers: list[int], stride_width: int, path: str | Path, line: int) -> Layer:
    height, width, filter_height, filter_width, channels, filters, stride = numbers
    for what, filter_size, size in (("height", filter_height, height), ("width", filter_width, width)):
        if filter_size > size:
            problem = f"is {filter_size}, larger than the input's {size}"
            raise TraceError(problem, file=path, line=line, field=f"filter {what}", expected=f"at most {size}")
    out_height = -(-(height - filter_height + stride) // stride)
    out_width = -(-(width - filter_width + stride_width) // stride_width)
    pixels, window = out_height * out_width, filter_height * filter_width
    of_input = min(height * width, pixels * window) * channels
    if "DP" in name:
        return Layer(name, pixels, filters, window, channels, of_input)
    return Layer(name, pixels, filters, window * channels, 1, of_input)


def _number(text: str, column: str, path: str | Path, line: int) -> int:
    value = int(text) if _INTEGER.fullmatch(text) else 0
    if value < 1:
        problem = f"'{text}' is no size" if text else "is missing"
        raise TraceError(problem, file=path, line=line, field=column, expected="a whole number from 1")
    return value


def _check_dense(text: str, path: str | Path, line: int) -> None:
    match = _SPARSITY.fullmatch(text)
    if match is None or match[1] != match[2] or int(match[1]) < 1:
        raise TraceError(
            f"'{text}' is a sparsity that no device here has", file=path, line=line, field="sparsity", expected="1:1"
        )


# --- operators ---


def _matmul(number: int, name: str, layer: Layer, dtype: DType) -> Operator:
    m, n, k, batch = layer.m, layer.n, layer.k, layer.batch
    flops = 2 * m * n * k * batch
    # Widest first: any of them beyond 2^63 cannot be counted.
    if max(flops, 8 * batch * max(m * k, n * k, m * n)) > INT64_MAX:
        raise TraceError(f"layer '{layer.name}' counts beyond 2^63", expected="smaller sizes")
    x = Tensor(f"{name}.input", "activation", (m, batch * k), dtype)
    weight = Tensor(f"{name}.weight", "weight", (batch * n, k), dtype)
    y = Tensor(f"{name}.output", "activation", (m, batch * n), dtype)
    return Operator(
        id=number,
        name=name,
        kind="matmul",
        part="",
        phase="forward",
        layer=-1,
        inputs=(x, weight),
        outputs=(y,),
        batch=1,
        m=m,
        n=n,
        k=k,
        heads=batch if batch > 1 else 0,
        kv_heads=0,
        head_dim=0,
        contexts=(),
        window=0,
        function="",
        experts=0,
        experts_per_token=0,
        expert_load=(),
        activation_dtype=dtype,
        weight_dtype=dtype,
        accumulator_dtype=accumulator_dtype(dtype, dtype),
        flops=flops,
        weight_bytes=weight.bytes,
        activation_read_bytes=size_bytes(layer.input_elements, dtype),
        activation_write_bytes=y.bytes,
        kv_read_bytes=0,
        kv_write_bytes=0,
        dependencies=(number - 1,) if number else (),
    )
