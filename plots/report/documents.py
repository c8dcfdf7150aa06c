"""Plain data as YAML for people to read."""

from __future__ import annotations

from typing import Any


def yaml_text(data: Any) -> str:
    """Data in block style, keys in their own order, short lists on a line."""
    import yaml

    text: str = yaml.safe_dump(data, sort_keys=False, default_flow_style=None, allow_unicode=True, width=100)
    return text
