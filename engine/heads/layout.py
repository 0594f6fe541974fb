"""From a file's tensors to a module's weights, by names; sizes are checked before any memory is.

It knows names and shapes, and nothing of what the weights are for.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

import torch
from torch import Tensor, nn

from engine.heads.checkpoint import HeadError, HeadFile
from engine.heads.claims import Claims, tensor

Renames = Sequence[tuple[str, str]]  # a regular expression at a key's beginning -> what it means
Module = TypeVar("Module", bound=nn.Module)

_NO_WEIGHT = re.compile(r"(.*\.)?rotary_emb\.inv_freq$")  # a buffer that older libraries wrote


def names_in(file: HeadFile, renames: Renames) -> dict[str, str]:
    """The layout's name of every weight in the file -> its key there.

    Raises:
        HeadError: two keys mean the same weight.
    """

    def meaning(name: str) -> str:
        for pattern, meant in renames:
            name = re.sub(f"^(?:{pattern})", meant, name)
        return name

    return renamed({key: key for key in file.shapes}, meaning, file)


def renamed(
    names: Mapping[str, str], meaning: Callable[[str], str], file: HeadFile
) -> dict[str, str]:
    """``names`` by what ``meaning`` makes of each.

    Raises:
        HeadError: two keys mean the same weight.
    """
    found: dict[str, str] = {}
    for name, key in names.items():
        name = meaning(name)
        if name in found:
            raise HeadError(f"{file.path.name} has {name} twice: as {found[name]} and as {key}")
        found[name] = key
    return found


def drop_ones(file: HeadFile, names: Mapping[str, str], dummies: Sequence[str]) -> dict[str, str]:
    """``names`` without those of ``dummies`` that are all ones: norms that are never applied."""
    return {
        name: key
        for name, key in names.items()
        if not (name in dummies and bool((tensor(file, key) == 1).all()))
    }


def count(pattern: str, names: Iterable[str]) -> int:
    """How many there are of what ``pattern`` numbers in some of ``names``, up to the last one.

    Any key of a part counts it: what that part lacks is then missing, and no other is blamed.
    """
    found = (re.match(pattern, name) for name in names)
    return 1 + max((int(match[1]) for match in found if match), default=-1)


def rows_of(
    file: HeadFile, names: Mapping[str, str], wanted: Iterable[str], dimensions: int = 2
) -> int | None:
    """Rows of the first of ``wanted`` that the file has; ``None`` where it has none."""
    key = next((names[name] for name in wanted if name in names), None)
    return None if key is None else file.sizes(key, dimensions)[0]


def filled(
    build: Callable[[], Module],
    file: HeadFile,
    names: Mapping[str, str],
    key_of: Callable[[str], str] = str,
) -> Module:
    """The module that ``build`` makes, with the weights of the file.

    Args:
        build: makes the module; called once without memory, to ask for its shapes.
        names: the layout's name -> key of every weight that must be used.
        key_of: the key that a missing name should have had.

    Raises:
        HeadError: a weight is missing, not known, of another shape or not finite.
    """
    claims, used = Claims(file), set(names.values())
    with torch.device("meta"):
        wanted = build().state_dict()
    for key in file.shapes:
        if key not in used or _NO_WEIGHT.match(key):
            claims.skip(key)
    weights = {
        name: claims.take(names[name], weight.shape, is_weight=weight.is_floating_point())
        if name in names  # a missing name may be the key of another weight
        else claims.lack(key_of(name), weight.shape)
        for name, weight in wanted.items()
    }
    claims.finish()
    module = build()
    module.load_state_dict(weights)
    return module


def check_ids(ids: Tensor, vocab: int, key: str) -> None:
    """Refuse target ids [Vd] that are no different tokens of a vocabulary of ``vocab``."""
    wrong = ((ids < 0) | (ids >= vocab)).nonzero()
    if len(wrong):
        row = int(wrong[0])
        raise HeadError(
            f"{key}, row {row}: names token {int(ids[row])}, the vocabulary has {vocab}"
        )
    if len(ids.unique()) != len(ids):
        raise HeadError(f"{key} names a token twice")
