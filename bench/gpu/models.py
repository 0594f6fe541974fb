"""Models and heads of a given shape and random weights: they cost what trained ones do.

Their guesses say nothing of trained ones: at temperature 0 a round emits one token, as a rule,
and above it often several, for laws so flat have much in common.  What is measured is a round's
time alone.
"""

from collections.abc import Sequence

import torch
from torch import nn
from transformers import AutoModelForCausalLM, LlamaConfig, PreTrainedModel

from bench.gpu.scale import Model, Scale
from engine.attention.kernel_choice import use_kernels
from engine.bundle import AVAILABLE, Bundle
from engine.device.fuse import fuse
from engine.heads.attach_feature_head import attach_feature_head
from engine.heads.attach_guessing import attach_guessing
from engine.heads.beside import move_beside
from engine.heads.eagle import EagleHead
from engine.heads.eagle3 import Eagle3Head
from engine.heads.find import Heads
from engine.heads.head_config import layer_config, told_by
from engine.heads.hydra import HydraHeads
from engine.heads.medusa import MedusaHeads
from engine.heads.trees import TreeFile
from engine.run_facts import Weights

STD = 0.02
OWN = ("plain", "draft", "draft_tree")  # methods that need no heads
HEADS = ("medusa", "hydra", "hydra++", "eagle", "eagle2", "eagle3")


class Numbers:
    """A tokenizer whose words are the tokens' own numbers."""

    eos_token_id = None
    chat_template = None

    def decode(self, ids: Sequence[int], skip_special_tokens: bool = False) -> str:
        """Numbers with a blank behind each."""
        return "".join(f"{token} " for token in ids)

    def convert_ids_to_tokens(self, token: int) -> str:
        """One of them."""
        return str(token)


def random_bundle(scale: Scale, model: Model, draft: Model, *, is_static: bool = False) -> Bundle:
    """A target of ``model``'s shape and a draft model of ``draft``'s; the heads come later.

    Args:
        is_static: it goes through the device's loop whether there is a card or not.
    """
    target, helper = random_target(scale, model), random_target(scale, draft)
    kernels = use_kernels(target, is_static)
    if kernels.name != "sdpa":
        use_kernels(helper, is_static)
    weights = Weights(f"random {model.name}", "random", "", str(scale.dtype).split(".")[-1])
    return Bundle(
        target=target,
        tokenizer=Numbers(),
        source="random",
        weights=weights,
        methods=dict.fromkeys(OWN, AVAILABLE),
        draft=helper,
        draft_weights=weights,
        kernels=kernels,
        wants_static=is_static or None,
    )


def random_target(scale: Scale, model: Model) -> PreTrainedModel:
    """A Llama, made where it is to run."""
    config = LlamaConfig(
        vocab_size=model.vocab,
        hidden_size=model.hidden,
        intermediate_size=model.inner,
        num_hidden_layers=model.layers,
        num_attention_heads=model.heads,
        num_key_value_heads=model.kv_heads,
        head_dim=model.head_size,
        max_position_embeddings=max(scale.contexts) + 4096,
        bos_token_id=None,
        eos_token_id=None,
        initializer_range=STD,
    )
    with torch.device(scale.device):
        made = AutoModelForCausalLM.from_config(
            config, dtype=scale.dtype, attn_implementation="sdpa"
        )
    made.eval().requires_grad_(False)
    return fuse(made)  # as ``load`` does on a card


def add_heads(bundle: Bundle, method: str) -> None:
    """Random heads for ``method``, which share the target's head as their authors allow."""
    config = bundle.target.config
    with bundle.device:  # where they are to be: half a billion numbers
        heads = _heads(method, config)
    _randomise(bundle, heads)
    attach = attach_feature_head if method.startswith("eagle") else attach_guessing
    attached = attach(heads, bundle.target, packed=False)
    bundle.heads[method] = Heads(attached, TreeFile(), bundle.weights)
    bundle.methods[method] = AVAILABLE


def _heads(method: str, config: LlamaConfig) -> nn.Module:
    """As they are made: of the shapes that their authors publish."""
    told = layer_config(told_by(config))
    if method == "eagle3":
        head = Eagle3Head(told, draft_vocab=config.vocab_size)
        head.choose(torch.arange(config.vocab_size))
        return head
    if method in ("eagle", "eagle2"):
        return EagleHead(told)
    if method == "medusa":
        return MedusaHeads(config.hidden_size)
    return HydraHeads(config.hidden_size, **({"prefix": config} if method == "hydra++" else {}))


def _randomise(bundle: Bundle, heads: nn.Module) -> None:
    """Other weights than those they were made with, which may be zeros."""
    move_beside(heads, bundle.target)
    with torch.no_grad():
        for name, weight in heads.named_parameters():
            if "norm" not in name:
                weight.normal_(std=STD)
