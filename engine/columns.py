"""Records that hold columns: one fact each, a value a row."""

from dataclasses import fields
from typing import Any


def same_length(record: Any) -> None:
    """Refuse columns of different lengths."""
    columns = {column.name: getattr(record, column.name) for column in fields(record)}
    lengths = {name: len(value) for name, value in columns.items() if isinstance(value, tuple)}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"columns differ in length: {lengths}")
