"""Records that hold columns: one fact each, a value a row."""

from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any

ROUNDING = 1e-4  # a law in half precision may add up to a little more than one


def same_length(record: Any) -> None:
    """Refuse columns of different lengths."""
    columns = {column.name: getattr(record, column.name) for column in fields(record)}
    lengths = {name: len(value) for name, value in columns.items() if isinstance(value, tuple)}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"columns differ in length: {lengths}")


def are_chances(name: str, values: Iterable[float | None]) -> None:
    """Refuse what is no probability; ``None`` stands where there is none."""
    for value in values:
        if value is not None and not 0 <= value <= 1 + ROUNDING:
            raise ValueError(f"{name} holds {value}: a probability lies between 0 and 1")


def are_ids(name: str, tokens: Sequence[int]) -> None:
    """Refuse token ids below 0."""
    if tokens and min(tokens) < 0:
        raise ValueError(f"{name} holds {min(tokens)}: token ids are not negative")
