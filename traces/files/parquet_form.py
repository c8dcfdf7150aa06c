"""The .parquet form: columns of Arrow types, the header as JSON in the schema's metadata. Needs pyarrow."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bitline.base.errors import MissingExtraError, TraceError
from bitline.traces.files.columns import LISTS, TENSORS, TEXTS, check_columns
from bitline.traces.files.rows import MAX_BYTES, Header, Row
from bitline.traces.operator import FIELDS
from bitline.traces.strict_json import parse_json

KEY = b"bitline.trace"


def encode(header: Header, rows: list[Row]) -> bytes:
    """The file's bytes. Raises MissingExtraError."""
    arrow, parquet = _arrow("writing Parquet")
    schema = _schema(arrow).with_metadata({KEY: json.dumps(header).encode()})
    sink = arrow.BufferOutputStream()
    parquet.write_table(arrow.Table.from_pylist(rows, schema=schema), sink, compression="zstd")
    content: bytes = sink.getvalue().to_pybytes()
    return content


def decode(raw: bytes, file: str | Path) -> tuple[Header, list[Row]]:
    """Header and rows, unchecked. Raises TraceError, MissingExtraError."""
    arrow, parquet = _arrow("reading Parquet")
    try:
        source = parquet.ParquetFile(arrow.BufferReader(raw))
        groups = range(source.metadata.num_row_groups)
        unpacked = sum(source.metadata.row_group(group).total_byte_size for group in groups)
        if unpacked > MAX_BYTES:
            raise TraceError(f"unpacks to {unpacked} bytes", file=file, expected=f"at most {MAX_BYTES >> 20} MiB")
        check_columns(source.schema_arrow.names, file)
        table = source.read().select(list(FIELDS)).cast(_schema(arrow))
        rows: list[Row] = table.to_pylist()
        metadata: dict[bytes, bytes] = source.schema_arrow.metadata or {}
    except (arrow.ArrowException, OSError, ValueError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise TraceError(f"is no trace in Parquet ({reason})", file=file) from None
    if KEY not in metadata:
        raise TraceError("has no header", file=file, expected=f"metadata '{KEY.decode()}' in the schema")
    return parse_json(metadata[KEY], file, TraceError), rows


def _arrow(purpose: str) -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise MissingExtraError("pyarrow", "parquet", purpose) from None
    return pyarrow, pyarrow.parquet


def _schema(arrow: Any) -> Any:
    numbers = arrow.list_(arrow.int64())
    tensor = arrow.struct(
        [("name", arrow.string()), ("role", arrow.string()), ("shape", numbers), ("dtype", arrow.string())]
    )
    types = {
        **dict.fromkeys(TEXTS, arrow.string()),
        **dict.fromkeys(LISTS, numbers),
        **dict.fromkeys(TENSORS, arrow.list_(tensor)),
    }
    return arrow.schema([arrow.field(name, types.get(name, arrow.int64())) for name in FIELDS])
