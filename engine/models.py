"""``load``: a target, its tokenizer and what drafts for it, from the store, a folder or the Hub.

Nothing of a model's own code is ever run, and what cannot be verified as a tree is refused by
name, with the reason.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from engine.attention.kernel_choice import use_kernels, use_kernels_beside
from engine.bundle import AVAILABLE, Bundle
from engine.device.fuse import fuse
from engine.draft_rows import fit_rows
from engine.drafters.costs import DRAFT_METHODS
from engine.heads import kinds
from engine.heads.checkpoint import HeadError
from engine.heads.find import find_heads, shipped_heads
from engine.heads.kinds import KINDS
from engine.heads.trees import TreeFile, read_trees
from engine.model_files import (
    ModelError,
    check_place,
    default_target,
    expanded,
    read_config,
    read_model,
    read_tokenizer,
    refuse,
)
from engine.packed import pack
from engine.place import set_up
from engine.weights_used import weights_of
from kernels.language import wish

SHIPPED_DRAFT = Path(__file__).parents[1] / "assets" / "drafters" / "draft"
METHODS = ("plain", "lookup", "suffix", *DRAFT_METHODS, *kinds.METHODS)


def load(
    source: str | Path | None = None,
    *,
    device: str | torch.device = "cpu",
    dtype: str | torch.dtype | None = None,
    drafters: Sequence[str] | None = None,
    draft: str | Path | None = None,
    heads: Mapping[str, str | Path] | None = None,
    packed: bool = True,
    static: bool | None = None,
) -> Bundle:
    """Load a target with what drafts for it.

    Args:
        source: a folder, a Hub id, or ``None`` for the default target in the store.
        dtype: of the weights; ``None`` is fp32 on a CPU, the checkpoint's own elsewhere.
        drafters: methods to offer besides ``plain``; ``None`` offers all that fit.
        draft: folder or Hub id of a draft model; ``None`` takes the shipped one for the
            default target.
        heads: kind (``medusa``, ``hydra``, ``hydra++``, ``eagle``, ``eagle3``) -> folder, file
            or Hub id; ``None`` takes all shipped ones for the default target.  What does not
            fit is not offered, and ``Bundle.methods`` says why.
        packed: swap the modules that are known for fast equal ones.
        static: play a round as one step of the device, captured where it can be; ``None`` does
            so on CUDA.  On a CPU it is slower, and there for tests.

    Raises:
        ModelError: says what is wrong with ``source`` and, where one is known, the remedy.
        ValueError: the environment asks for kernels that there are none of.
    """
    wish()  # before anything is loaded
    _check_methods(drafters)
    _check_kinds(heads or {})
    home = default_target() if source is None else expanded(source)
    refuse(home, read_config(home))
    check_place(device, dtype)
    set_up(device)
    target, tokenizer = read_model(home, device, dtype), read_tokenizer(home)
    own = expanded(draft) if draft else _shipped_draft(source)
    own = own if drafters is None or set(DRAFT_METHODS) & set(drafters) else None
    helper, trees, reason = _draft(own, target, tokenizer, device, dtype)
    for model in (target, helper):
        if packed and model is not None and model.device.type == "cuda":
            fuse(model)
    weights, kernels = weights_of(home, target), use_kernels(target, bool(static))
    if helper is not None:
        use_kernels_beside(helper, bool(static))
    is_packed = packed and pack(target) > 0
    if packed and helper is not None:
        pack(helper)
    given = shipped_heads() if heads is None and source is None else heads or {}
    given = {kind: expanded(place) for kind, place in given.items()}
    found, reasons = find_heads(_wanted(given, drafters), target, packed=packed)
    return Bundle(
        target=target,
        tokenizer=tokenizer,
        source=home,
        weights=weights,
        methods=_methods(drafters, reasons | dict.fromkeys(DRAFT_METHODS, reason)),
        draft=helper,
        draft_weights=weights_of(str(own), helper) if helper is not None else None,
        draft_trees=trees,
        heads=found,
        path="packed" if is_packed else "transformers",
        kernels=kernels,
        wants_static=static,
    )


def _shipped_draft(source: str | Path | None) -> str | None:
    """The one that ships, which is the default target's."""
    return str(SHIPPED_DRAFT) if source is None and SHIPPED_DRAFT.is_dir() else None


def _draft(
    home: str | Path | None,
    target: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    device: str | torch.device,
    dtype: Any,
) -> tuple[PreTrainedModel | None, TreeFile, str]:
    """The draft model and what was measured of it, or why there is none; the target stays."""
    none = None, TreeFile()
    if home is None:
        return *none, "needs a draft model with the same vocabulary, and none was given"
    try:
        config = read_config(str(home))
        refuse(str(home), config)
        own, other = (c.get_text_config().vocab_size for c in (target.config, config))
        if differing := _differing(str(home), tokenizer, own, other):
            return *none, f"needs a draft model with the same vocabulary: {differing}"
        model = read_model(str(home), device, dtype)
        fit_rows(model, own)
        return model, read_trees(home), ""
    except (ModelError, HeadError) as error:
        return *none, f"needs a draft model, but this one does not load: {error}"


def _differing(home: str, tokenizer: PreTrainedTokenizerBase, own: int, other: int) -> str:
    """What differs in ``home``'s vocabulary; empty where it is the target's.

    Tokens that only one of them has are no difference: what a draft model guesses is judged in
    any case.

    Args:
        own, other: rows of the target and of the model in ``home``.
    """
    try:
        theirs = _words(read_tokenizer(home))
    except ModelError:  # weights alone, as the shipped draft model: the sizes have to do
        return "" if own == other else f"{other} vs {own}"
    mine, shared = _words(tokenizer), min(own, other)
    both = (number for number in mine.keys() & theirs.keys() if number < shared)
    differing = sum(mine[number] != theirs[number] for number in both)
    return f"{differing} of {shared} tokens differ" if differing else ""


def _words(tokenizer: PreTrainedTokenizerBase) -> dict[int, str]:
    return {number: word for word, number in tokenizer.get_vocab().items()}


def _check_methods(wanted: Sequence[str] | None) -> None:
    """Before anything is loaded: weights take long."""
    if isinstance(wanted, str):
        raise ModelError(f"Drafters are given as a list of names, not as {wanted!r:.60}.")
    if unknown := set(wanted or ()) - set(METHODS):
        raise ModelError(f"There is no method {min(unknown)!r}; there are {', '.join(METHODS)}.")


def _check_kinds(heads: Mapping[str, str | Path]) -> None:
    """Likewise for the kinds of heads."""
    if not isinstance(heads, Mapping):
        raise ModelError(f"Heads are given by their kind, as a dict, not as {heads!r:.60}.")
    if unknown := set(heads) - set(KINDS):
        raise ModelError(
            f"There are no heads of kind {min(map(str, unknown))!r}; there are {', '.join(KINDS)}."
        )


def _wanted(
    heads: Mapping[str, str | Path], drafters: Sequence[str] | None
) -> dict[str, str | Path]:
    """Those heads that a wanted method drafts with."""
    return {
        kind: home
        for kind, home in heads.items()
        if drafters is None or set(KINDS[kind].methods) & set(drafters)
    }


def _methods(wanted: Sequence[str] | None, reasons: Mapping[str, str]) -> dict[str, str]:
    """Per method whether it is available, or why not."""
    states = {name: reasons.get(name) or AVAILABLE for name in METHODS}
    if wanted is None:
        return states
    return {name: state for name, state in states.items() if name in {"plain", *wanted}}
