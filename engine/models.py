"""``load``: a target, its tokenizer and what drafts for it, from the store, a folder or the Hub.

Nothing of a model's own code is ever run, and what cannot be verified as a tree is refused by
name, with the reason.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from huggingface_hub.utils import HFValidationError
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
from engine.packed import pack
from engine.records import Weights

SHIPPED_DRAFT = Path(__file__).parents[1] / "assets" / "drafters" / "draft"
METHODS = ("plain", "lookup", "suffix", "draft", "draft_tree")
_FULL = {"full_attention", "attention"}


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
    target, tokenizer = _model(home, device, dtype), _tokenizer(home)
    own = draft or (SHIPPED_DRAFT if source is None and SHIPPED_DRAFT.is_dir() else None)
    helper, reason = _draft(own, target, device, dtype)
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
    return Path(home).is_dir()


def _config(home: str) -> PretrainedConfig:
    """The model's configuration, or a sentence that says what ``home`` is not."""
    if _is_local(home) and not (Path(home) / "config.json").is_file():
        raise ModelError(f"The folder {home} is no model: it has no config.json.")
    try:
        return AutoConfig.from_pretrained(home, local_files_only=_is_local(home))
    except (OSError, ValueError, KeyError, HFValidationError) as error:
        raise ModelError(
            f"There is no model {home!r} here or on the Hub: {_first(error)}"
        ) from error


def _refuse(home: str, config: PretrainedConfig) -> None:
    """Refuse by name what one masked pass cannot verify as a tree."""
    if config.is_encoder_decoder:
        raise ModelError(f"{home} is an encoder-decoder; a causal language model is needed.")
    text = config.get_text_config()
    kinds = set(getattr(text, "layer_types", None) or _FULL)
    length = getattr(text, "max_position_embeddings", None)
    if length is None:
        raise ModelError(
            f"{home} ({config.model_type}) keeps a recurrent state instead of keys and values: "
            "rejected tokens could not be taken back from it."
        )
    window = getattr(text, "sliding_window", None)
    slides = "sliding_attention" in kinds or (
        getattr(text, "layer_types", None) is None and getattr(text, "use_sliding_window", True)
    )
    if slides and window is not None and window < length:
        raise ModelError(
            f"{home} has a sliding window of {window:,} tokens, shorter than its context of "
            f"{length:,}: its cache forgets slots that a tree still needs."
        )
    if other := kinds - _FULL - {"sliding_attention"}:
        raise ModelError(
            f"{home} has layers of type {', '.join(sorted(other))}; every layer must have full "
            "attention, for rejected tokens have to be taken back from the cache."
        )


def _model(home: str, device: str | torch.device, dtype: Any) -> PreTrainedModel:
    """The weights, evaluated only."""
    on_cpu = torch.device(device).type == "cpu"
    options = {"dtype": dtype or (torch.float32 if on_cpu else "auto")}
    try:
        model = AutoModelForCausalLM.from_pretrained(
            home, attn_implementation="sdpa", local_files_only=_is_local(home), **options
        )
    except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
        raise ModelError(f"{home} could not be loaded: {_first(error)}") from error
    return model.to(device).eval().requires_grad_(False)


def _tokenizer(home: str) -> PreTrainedTokenizerBase:
    try:
        return AutoTokenizer.from_pretrained(home, local_files_only=_is_local(home))
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise ModelError(f"{home} has no tokenizer that can be read: {_first(error)}") from error


def _draft(
    home: str | Path | None, target: PreTrainedModel, device: str | torch.device, dtype: Any
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
        return _model(str(home), device, dtype), ""
    except ModelError as error:
        return None, f"needs a draft model, but this one does not load: {error}"


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
    """What ran, for the record; the hash only where the store has it on file."""
    known = store.manifest(Path(home)) if _is_local(home) else None
    digest = known["files"].get(store.WEIGHTS, (0, ""))[1] if known else ""
    origin = known["origin"] if known else Path(home).name if _is_local(home) else home
    name = Path(home).name
    return Weights(name, origin, digest, str(model.dtype).removeprefix("torch."))


def _first(error: Exception) -> str:
    """The first line of a library's message: the rest is advice for its own users."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
