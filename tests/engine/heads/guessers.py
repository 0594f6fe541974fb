"""Bundles whose target has random heads; their guesses are far from uniform, and seldom right."""

import torch
from transformers import LlamaConfig

from engine.bundle import AVAILABLE, Bundle
from engine.heads.attach_guessing import attach_guessing
from engine.heads.find import Heads
from engine.heads.hydra import HydraHeads
from engine.heads.medusa import MedusaHeads
from engine.heads.trees import TreeFile
from engine.run_facts import Weights
from tests.fakes import tiny_bundle

GUESSING = ("medusa", "hydra", "hydra++")
WEIGHTS = Weights("heads", "random", "", "float32")
SIZE = 32  # hidden size of the tiny target


def random_heads(method: str, config: LlamaConfig, seed: int, **options):
    """Heads of ``method`` for a target of ``config`` with random weights everywhere."""
    torch.manual_seed(seed)
    size = config.hidden_size
    if method == "medusa":
        heads = MedusaHeads(size, **options)
    else:
        prefix = {"prefix": config} if method == "hydra++" else {}
        heads = HydraHeads(size, **prefix, **options)
    with torch.no_grad():
        for name, weight in heads.named_parameters():
            if "norm" not in name:
                weight.normal_(std=0.3)
    return heads.eval()


def head_bundle(
    method: str,
    vocab: int = 12,
    seed: int = 0,
    *,
    eos: int | None = None,
    trees: TreeFile | None = None,
    dtype: torch.dtype = torch.float32,
    speak: bool = False,
    **options,
) -> Bundle:
    """A tiny target with heads for ``method``; ``options`` are the heads' own.

    Args:
        speak: with output layers of their own.
    """
    bundle = tiny_bundle(vocab, seed, eos=eos)
    bundle.target.to(dtype)
    options |= {"vocab": vocab} if speak else {}
    heads = random_heads(method, bundle.target.config, seed + 7, **options)
    attached = attach_guessing(heads, bundle.target, packed=False)
    bundle.heads[method] = Heads(attached, trees or TreeFile(), WEIGHTS)
    bundle.methods[method] = AVAILABLE
    return bundle
