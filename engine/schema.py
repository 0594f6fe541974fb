"""Records from untrusted JSON values, checked by the records' own annotations.

Knows dataclasses, tuples, mappings, literals, unions and the JSON scalars; whatever else a
record might hold is a mistake of ours, not of the file's.
"""

import math
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

MAX_TEXT = 1_000_000  # characters of one string
MAX_INT = 2**53 - 1  # what JavaScript can count to
MAX_FLOAT = 1e24  # no second, rate or probability of a machine is larger; sums stay finite
RARE = {"rare": True}  # metadata of a field that is written only where it is not the default
MAX_DEPTH = 4  # of a value whose kind no annotation tells


def plain(value: Any) -> Any:
    """``value`` as what JSON has: records become objects, tuples arrays."""
    if is_dataclass(value):
        return {name: plain(item) for name, item in written(value).items()}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    return value


def written(record: Any) -> dict[str, Any]:
    """The fields of ``record`` that are written: all but the rare ones that are their default."""
    rare = _rare(type(record))
    told = ((name, getattr(record, name)) for name in _names(type(record)))
    return {name: item for name, item in told if name not in rare or item != rare[name]}


def read(kind: Any, value: Any, place: str = "") -> Any:
    """``value`` as an instance of ``kind``.

    Raises:
        ValueError: names the place (``nodes.token[3]``) and what was expected there.
    """
    if is_dataclass(kind):
        return _record(kind, value, place)
    origin = get_origin(kind)
    if origin is tuple:
        return _array(get_args(kind)[0], value, place)
    if origin is Mapping:
        return _mapping(*get_args(kind), value, place)
    if origin is Literal:
        if value not in get_args(kind):
            raise ValueError(f"{place}: expected one of {get_args(kind)}, got {_short(value)}")
        return value
    if origin in (UnionType, Union):
        return None if value is None else read(_not_none(kind), value, place)
    return _any(value, place) if kind is Any else _scalar(kind, value, place)


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


@cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(column.name for column in fields(kind))


@cache
def _rare(kind: type) -> dict[str, Any]:
    """Fields that are written only where they are not their default."""
    return {column.name: column.default for column in fields(kind) if "rare" in column.metadata}


@cache
def _required(kind: type) -> frozenset[str]:
    free = (
        column.default is MISSING and column.default_factory is MISSING for column in fields(kind)
    )
    return frozenset(name for name, needed in zip(_names(kind), free, strict=True) if needed)


def _not_none(kind: Any) -> Any:
    """The one alternative to ``None``."""
    (other,) = (option for option in get_args(kind) if option is not NoneType)
    return other


def _record(kind: type, value: Any, place: str) -> Any:
    if not isinstance(value, dict):
        raise ValueError(f"{place or kind.__name__}: expected an object, got {_short(value)}")
    unknown = value.keys() - set(_names(kind))
    missing = _required(kind) - value.keys()
    if unknown or missing:
        what = f"unknown field {min(unknown)!r:.60}" if unknown else f"no field {min(missing)!r}"
        raise ValueError(f"{place or kind.__name__}: {what}")
    hints = _hints(kind)
    dot = f"{place}." if place else ""
    try:
        return kind(**{name: read(hints[name], item, dot + name) for name, item in value.items()})
    except ValueError as error:
        text = str(error)
        raise ValueError(text if text.startswith(dot) else f"{place}: {text}") from None


def _array(kind: Any, value: Any, place: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise ValueError(f"{place}: expected an array, got {_short(value)}")
    return tuple([read(kind, item, f"{place}[{i}]") for i, item in enumerate(value)])


def _mapping(key_kind: Any, kind: Any, value: Any, place: str) -> dict[Any, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{place}: expected an object, got {_short(value)}")
    return {_key(key_kind, key, place): read(kind, item, place) for key, item in value.items()}


def _key(kind: Any, key: str, place: str) -> Any:
    """JSON knows text keys only; ours may be token ids."""
    if kind is int:
        if not (key.isascii() and key.isdigit() and len(key) < 19 and key == str(int(key))):
            raise ValueError(f"{place}: expected a token id as key, got {_short(key)}")
        return int(key)
    return _scalar(str, key, place)


def _scalar(kind: type, value: Any, place: str) -> Any:
    if kind is float and type(value) is int and abs(value) <= MAX_INT:
        value = float(value)
    if type(value) is not kind:  # not isinstance: True is no token id
        raise ValueError(f"{place}: expected {kind.__name__}, got {_short(value)}")
    if kind is float and not math.isfinite(value):
        raise ValueError(f"{place}: expected a finite number, got {value}")
    if kind is float and abs(value) > MAX_FLOAT:
        raise ValueError(f"{place}: expected a number below {MAX_FLOAT:g}, got {value}")
    if kind is int and abs(value) > MAX_INT:
        raise ValueError(f"{place}: number too large")
    if kind is str and (len(value) > MAX_TEXT or any("\ud800" <= c <= "\udfff" for c in value)):
        raise ValueError(f"{place}: text too long or with a lone surrogate")
    return value


def _any(value: Any, place: str, depth: int = 0) -> Any:
    """A value of any kind, such as a setting's: shallow, and its scalars checked."""
    if depth > MAX_DEPTH:
        raise ValueError(f"{place}: nested too deeply")
    if isinstance(value, dict | list):
        for item in (*value, *value.values()) if isinstance(value, dict) else value:
            _any(item, place, depth + 1)
    elif value is not None and not isinstance(value, bool):
        _scalar(type(value), value, place)
    return value


def _short(value: Any) -> str:
    """A value as it may stand in a message."""
    text = repr(value) if not isinstance(value, dict | list) else type(value).__name__
    return text if len(text) <= 60 else text[:57] + "..."
