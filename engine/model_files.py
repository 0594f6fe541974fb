"""A model's files: found in a folder or on the Hub, read without running what came with them."""

import os
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
from engine.fetch import has_network
from engine.suitability import refusal
from kernels.reason import first_line

# What libraries raise for files that are not what they should be.
_BROKEN = (OSError, ValueError, TypeError, KeyError, AttributeError, RuntimeError, ImportError)
_BROKEN += (SafetensorError, StrictDataclassError)

DEVICES = ("cpu", "cuda")


class ModelError(ValueError):
    """A model that cannot be loaded or decoded with; the message is written for the user."""


def default_target() -> str:
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


def read_config(home: str) -> PretrainedConfig:
    """The model's configuration, or a sentence that says what ``home`` is not."""
    if os.path.isfile(home):
        raise ModelError(f"{home} is a file: give the folder that it stands in.")
    if home.startswith(("/", ".", "~")) and not _is_local(home):
        raise ModelError(f"There is no folder {home:.200}.")
    if _is_local(home) and not (Path(home) / "config.json").is_file():
        raise ModelError(f"The folder {home} is no model: it has no config.json.")
    try:
        return AutoConfig.from_pretrained(home, **_options(home))
    except _BROKEN as error:
        if _is_local(home):
            raise ModelError(f"The folder {home} is no model: {first_line(error)}") from error
        raise ModelError(
            f"There is no model {home!r:.100} here or on the Hub: {first_line(error)}"
        ) from error


def refuse(home: str, config: PretrainedConfig) -> None:
    """Refuse by name what one masked pass cannot verify as a tree."""
    if reason := refusal(config):
        raise ModelError(f"{home} {reason}.")


def check_place(device: str | torch.device, dtype: Any) -> None:
    """Before anything is loaded: whether one decodes on such a device, and in such a dtype."""
    if not isinstance(
        getattr(torch, str(dtype or "float32").removeprefix("torch."), None), torch.dtype
    ):
        raise ModelError(f"There is no dtype {dtype!r}; use float32, bfloat16 or float16.")
    try:
        kind = torch.device(device).type
        if kind not in DEVICES:
            raise ModelError(
                f"Device {kind!r} may lack the 64-bit numbers that tokens are drawn with; "
                "use cpu or cuda."
            )
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ModelError(f"There is no device {str(device)!r} here: {first_line(error)}") from error


def read_model(home: str, device: str | torch.device, dtype: Any) -> PreTrainedModel:
    """The weights, evaluated only; all of them, for transformers would draw lots for the rest."""
    on_cpu = torch.device(device).type == "cpu"
    options = _options(home) | {"dtype": dtype or (torch.float32 if on_cpu else "auto")}
    options |= {"weights_only": True, "output_loading_info": True}
    read = AutoModelForCausalLM.from_pretrained
    try:
        try:
            model, report = read(home, attn_implementation="sdpa", **options)
        except ValueError as error:  # before any weights were read
            if "scaled_dot_product_attention" not in str(error):
                raise
            model, report = read(home, attn_implementation="eager", **options)
    except _BROKEN as error:
        raise ModelError(f"{home} could not be loaded: {first_line(error)}") from error
    if missing := sorted(report["missing_keys"]):
        raise ModelError(
            f"{home} could not be loaded: its weights lack {missing[0]} ({len(missing)} in all)."
        )
    try:
        return model.to(device).eval().requires_grad_(False)
    except RuntimeError as error:  # of an allocator or a driver
        size = sum(parameter.nbytes for parameter in model.parameters()) / 2**30
        raise ModelError(
            f"{home} has {size:.1f} GiB of weights, which do not go to {device}: "
            f"{first_line(error)}"
        ) from error


def expanded(home: Any) -> Any:
    """A path with the user's own folder in the place of a "~"; what is no path, as it is."""
    return os.path.expanduser(home) if isinstance(home, str | Path) else home


def read_tokenizer(home: str) -> PreTrainedTokenizerBase:
    """The tokenizer in the folder or repository."""
    try:
        tokenizer = AutoTokenizer.from_pretrained(home, **_options(home))
    except _BROKEN as error:
        raise ModelError(
            f"{home} has no tokenizer that can be read: {first_line(error)}"
        ) from error
    tokenizer.clean_up_tokenization_spaces = False  # it takes letters out of text that grows
    return tokenizer
