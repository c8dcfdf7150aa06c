"""Transformer models as data: shapes by name, from YAML, or from a Hugging Face config.json."""
