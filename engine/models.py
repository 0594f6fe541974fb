"""``load``: a target, its tokenizer and what drafts for it, from the store, a folder or the Hub.

Nothing of a model's own code is ever run, and what cannot be verified as a tree is refused by
name, with the reason.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    PretrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from engine import store
from engine.bundle import AVAILABLE, Bundle
from engine.fetch import has_network
from engine.packed import pack
from engine.records import Weights
from engine.suitability import refusal

SHIPPED_DRAFT = Path(__file__).parents[1] / "assets" / "drafters" / "draft"
METHODS = ("plain", "lookup", "suffix", "draft", "draft_tree")
# What libraries raise for files that are not what they should be.
_BROKEN = (OSError, ValueError, TypeError, KeyError, AttributeError, RuntimeError, ImportError)
_BROKEN += (SafetensorError, StrictDataclassError)


class ModelError(ValueError):
    """A model that cannot be loaded or decoded with; the message is written for the user."""


def load(
    source: str | Path | None = None,
    *,
    device: str | torch.device = "cpu",
    dtype: str | torch.dtype | None = None,
    drafters: Sequence[str] | None = None,
    draft: str | Path | None = None,
    packed: bool = True,
) -> Bundle:
    """Load a target with what drafts for it.

    Args:
        source: a folder, a Hub id, or ``None`` for the default target in the store.
        dtype: of the weights; ``None`` is fp32 on a CPU, the checkpoint's own elsewhere.
        drafters: methods to offer besides ``plain``; ``None`` offers all that fit.
        draft: folder or Hub id of a draft model; ``None`` takes the shipped one for the
            default target.
        packed: on a CPU, swap the modules that are known for fast equal ones.

    Raises:
        ModelError: says what is wrong with ``source`` and, where one is known, the remedy.
    """
    _check_methods(drafters)
    home = _default_target() if source is None else str(source)
    config = _config(home)
    _refuse(home, config)
    _check_place(device, dtype)
    target, tokenizer = _model(home, device, dtype), _tokenizer(home)
    own = draft or (SHIPPED_DRAFT if source is None and SHIPPED_DRAFT.is_dir() else None)
    helper, reason = _draft(own, target, tokenizer, device, dtype)
    weights = _weights(home, target)
    is_packed = packed and sum(pack(model) for model in (target, helper) if model is not None) > 0
    return Bundle(
        target=target,
        tokenizer=tokenizer,
        source=home,
        weights=weights,
        methods=_methods(drafters, reason),
        draft=helper,
        draft_weights=_weights(str(own), helper) if helper is not None else None,
        path="packed" if is_packed else "transformers",
    )


def _default_target() -> str:
    """The store's folder, if it is whole."""
    folder = store.target_folder()
    if not store.is_whole(folder):
        raise ModelError(
            f"{store.NAME} is not in the store {folder}: run `make setup` (or "
            f"`{store.COMMAND}`) once with a network."
        )
    return str(folder)


def _is_local(home: str) -> bool:
    """Whether ``home`` is a folder: then no network is asked for anything."""
    return os.path.isdir(home)  # False, where Path raises, for a name that no file can have


def _options(home: str) -> dict[str, bool]:
    """For every ``from_pretrained``: never run what came with a model, never wait in vain."""
    stay = _is_local(home) or not has_network()
    return {"local_files_only": stay, "trust_remote_code": False}


def _config(home: str) -> PretrainedConfig:
    """The model's configuration, or a sentence that says what ``home`` is not."""
    if _is_local(home) and not (Path(home) / "config.json").is_file():
        raise ModelError(f"The folder {home} is no model: it has no config.json.")
    try:
        return AutoConfig.from_pretrained(home, **_options(home))
    except _BROKEN as error:
        if _is_local(home):
            raise ModelError(f"The folder {home} is no model: {_first(error)}") from error
        raise ModelError(
            f"There is no model {home!r:.100} here or on the Hub: {_first(error)}"
        ) from error


def _refuse(home: str, config: PretrainedConfig) -> None:
    """Refuse by name what one masked pass cannot verify as a tree."""
    if reason := refusal(config):
        raise ModelError(f"{home} {reason}.")


def _check_place(device: str | torch.device, dtype: Any) -> None:
    """Before anything is loaded: whether there is such a device, and such a dtype."""
    if not isinstance(
        getattr(torch, str(dtype or "float32").removeprefix("torch."), None), torch.dtype
    ):
        raise ModelError(f"There is no dtype {dtype!r}; use float32, bfloat16 or float16.")
    try:
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ModelError(f"There is no device {str(device)!r} here: {_first(error)}") from error


def _model(home: str, device: str | torch.device, dtype: Any) -> PreTrainedModel:
    """The weights, evaluated only; all of them, for transformers would draw lots for the rest."""
    on_cpu = torch.device(device).type == "cpu"
    options = _options(home) | {"dtype": dtype or (torch.float32 if on_cpu else "auto")}
    try:
        model, report = AutoModelForCausalLM.from_pretrained(
            home, attn_implementation="sdpa", weights_only=True, output_loading_info=True, **options
        )
    except _BROKEN as error:
        raise ModelError(f"{home} could not be loaded: {_first(error)}") from error
    if missing := sorted(report["missing_keys"]):
        raise ModelError(
            f"{home} could not be loaded: its weights lack {missing[0]} ({len(missing)} in all)."
        )
    return model.to(device).eval().requires_grad_(False)


def _tokenizer(home: str) -> PreTrainedTokenizerBase:
    try:
        return AutoTokenizer.from_pretrained(home, **_options(home))
    except _BROKEN as error:
        raise ModelError(f"{home} has no tokenizer that can be read: {_first(error)}") from error


def _draft(
    home: str | Path | None,
    target: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    device: str | torch.device,
    dtype: Any,
) -> tuple[PreTrainedModel | None, str]:
    """The draft model, or why there is none; the target stays usable either way."""
    if home is None:
        return None, "needs a draft model with the same vocabulary, and none was given"
    try:
        config = _config(str(home))
        _refuse(str(home), config)
        own, other = (c.get_text_config().vocab_size for c in (target.config, config))
        if own != other:
            return None, f"needs a draft model with the same vocabulary: {other} vs {own}"
        if differing := _differing(str(home), tokenizer):
            return None, (
                f"needs a draft model with the same vocabulary: {differing} of {own} tokens differ"
            )
        return _model(str(home), device, dtype), ""
    except ModelError as error:
        return None, f"needs a draft model, but this one does not load: {error}"


def _differing(home: str, tokenizer: PreTrainedTokenizerBase) -> int:
    """Tokens that mean something else in ``home``'s tokenizer, if it brings one."""
    try:
        other = _tokenizer(home)
    except ModelError:  # weights alone, as the shipped draft model: the sizes have to do
        return 0
    return len(tokenizer.get_vocab().items() - other.get_vocab().items())


def _check_methods(wanted: Sequence[str] | None) -> None:
    """Before anything is loaded: weights take long."""
    if unknown := set(wanted or ()) - set(METHODS):
        raise ModelError(f"There is no method {min(unknown)!r}; there are {', '.join(METHODS)}.")


def _methods(wanted: Sequence[str] | None, draft_reason: str) -> dict[str, str]:
    """Per method whether it is available, or why not."""
    states = dict.fromkeys(METHODS, AVAILABLE)
    if draft_reason:
        states |= dict.fromkeys(("draft", "draft_tree"), draft_reason)
    if wanted is None:
        return states
    return {name: state for name, state in states.items() if name in {"plain", *wanted}}


def _weights(home: str, model: PreTrainedModel) -> Weights:
    """What ran, for the record; the hash is the store's own, or that of a folder's one file."""
    known = store.manifest(Path(home)) if _is_local(home) else None
    digest, file = "", Path(home) / store.WEIGHTS
    if known:
        digest = known["files"].get(store.WEIGHTS, (0, ""))[1]
    elif _is_local(home) and file.is_file():
        digest = store.sha256(file)
    origin = known["origin"] if known else Path(home).name if _is_local(home) else home
    name = Path(home).name
    return Weights(name, origin, digest, str(model.dtype).removeprefix("torch."))


def _first(error: Exception) -> str:
    """The first line of a library's message: the rest is advice for its own users."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
