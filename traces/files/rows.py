"""The table that all forms of a trace file share, and what is checked when one is read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from bitline.base.document import Document, dotted
from bitline.base.errors import TraceError, did_you_mean
from bitline.traces.dtypes import DType
from bitline.traces.operator import FIELDS, Operator, Phase, Positive, Tensor
from bitline.traces.trace import AttentionForm, Trace, fold

MAX_BYTES = 256 << 20

Header = dict[str, Any]
Row = dict[str, Any]

_ROWS = TypeAdapter(tuple[Operator, ...])


class TraceHeader(Document):
    """What a trace file says about the whole trace."""

    schema_: Literal[1] = Field(alias="schema")
    model: Annotated[str, Field(min_length=1, max_length=200)]
    phase: Phase
    contexts: Annotated[tuple[Positive, ...], Field(min_length=1)]
    batch: Positive
    activation_dtype: DType
    weight_dtype: DType
    kv_dtype: DType
    attention: AttentionForm


def header_of(trace: Trace) -> Header:
    """The header as plain data."""
    names = [name for name in TraceHeader.model_fields if name != "schema_"]
    return {"schema": 1, **{name: getattr(trace, name) for name in names}}


def plain(operator: Operator) -> Row:
    """An operator as plain data."""
    row = {name: getattr(operator, name) for name in FIELDS}
    row["inputs"] = [_plain_tensor(tensor) for tensor in operator.inputs]
    row["outputs"] = [_plain_tensor(tensor) for tensor in operator.outputs]
    return row


def _plain_tensor(tensor: Tensor) -> Row:
    return {"name": tensor.name, "role": tensor.role, "shape": tensor.shape, "dtype": tensor.dtype}


def check_trace(header: Header, rows: list[Row], file: str | Path) -> Trace:
    """The trace of a file's plain data. Raises TraceError with the row and field."""
    try:
        checked = TraceHeader.model_validate_json(json.dumps(header))
    except ValidationError as error:
        raise _first_problem(error, file, "", list(TraceHeader.model_fields)) from None
    try:
        operators = _ROWS.validate_json(json.dumps(rows), strict=True)
    except ValidationError as error:
        raise _first_problem(error, file, "operators", list(FIELDS)) from None
    if len(checked.contexts) not in (1, checked.batch):
        problem = f"has {len(checked.contexts)} entries"
        raise TraceError(problem, file=file, field="contexts", expected="1, or one a request")
    _check_rows(operators, file)
    fields = {name: getattr(checked, name) for name in TraceHeader.model_fields if name != "schema_"}
    return Trace(**fields, blocks=fold(operators))


def _check_rows(operators: tuple[Operator, ...], file: str | Path) -> None:
    """What no single field shows: ids count up, dependencies point back, a tensor is the same wherever it is named."""
    if not operators:
        raise TraceError("holds no operators", file=file)
    tensors: dict[str, Tensor] = {}
    for row, operator in enumerate(operators):
        where = f"operators[{row}]"
        if operator.id != row:
            expected = f"{row}: ids count up from 0"
            raise TraceError(f"is {operator.id}", file=file, field=f"{where}.id", expected=expected)
        for dependency in operator.dependencies:
            if not 0 <= dependency < row:
                field = f"{where}.dependencies"
                raise TraceError(f"names operator {dependency}", file=file, field=field, expected="an earlier operator")
        if len(set(operator.dependencies)) < len(operator.dependencies):
            raise TraceError("names an operator twice", file=file, field=f"{where}.dependencies")
        if len(operator.contexts) not in (0, 1, operator.batch):
            problem = f"has {len(operator.contexts)} entries"
            raise TraceError(problem, file=file, field=f"{where}.contexts", expected="none, one, or one a request")
        if operator.experts_per_token > operator.experts and operator.experts:
            raise TraceError("is more than experts", file=file, field=f"{where}.experts_per_token")
        for tensor in operator.inputs + operator.outputs:
            if tensors.setdefault(tensor.name, tensor) != tensor:
                problem = f"tensor '{tensor.name}' has another role, shape or dtype than in an earlier row"
                raise TraceError(problem, file=file, field=where)


def _first_problem(error: ValidationError, file: str | Path, start: str, known: list[str]) -> TraceError:
    problem = error.errors(include_url=False)[0]
    path = tuple(part for part in problem["loc"] if isinstance(part, (int, str)))
    expected = None
    if problem["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        text, expected = "unknown field", did_you_mean(str(path[-1]), known)
    elif problem["type"] in ("missing", "missing_argument"):
        text = "is missing"
    else:
        shown = json.dumps(problem.get("input"), default=str)
        text = problem["msg"][:1].lower() + problem["msg"][1:] + (f", got {shown}" if len(shown) <= 60 else "")
    field = dotted((start, *path) if start else path)
    return TraceError(text, file=file, field=field or None, expected=expected)
