"""Stand-ins: a tokenizer of letters, tiny random Llamas, drafters that follow a script."""

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from engine.bundle import AVAILABLE, Bundle
from engine.config import DecodeConfig
from engine.decoding import Run
from engine.drafters.drafter import Proposal, root_only
from engine.planning.planner import Planner
from engine.run_facts import Weights

METHODS = ("plain", "lookup", "suffix", "draft", "draft_tree")


class LetterTokenizer:
    """Token i is the i-th letter from "a" on; there is no chat template."""

    eos_token_id = None
    chat_template = None

    def decode(self, ids, skip_special_tokens=False):
        return "".join(chr(97 + token) for token in ids)

    def convert_ids_to_tokens(self, token):
        return chr(97 + token)

    def __call__(self, text):
        return {"input_ids": [ord(letter) - 97 for letter in text]}


def tiny_llama(vocab: int, seed: int, layers: int = 2, context: int = 256) -> LlamaForCausalLM:
    """A random Llama whose next tokens are far from uniform."""
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=vocab,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=context,
        initializer_range=0.3,
        eos_token_id=None,
        bos_token_id=None,
        pad_token_id=None,
    )
    return LlamaForCausalLM(config).eval().requires_grad_(False)


def tiny_bundle(
    vocab: int = 14, seed: int = 0, eos: int | None = None, context: int = 256
) -> Bundle:
    """A tiny target and a tinier draft model of the same vocabulary."""
    target = tiny_llama(vocab, seed, context=context)
    target.config.eos_token_id = target.generation_config.eos_token_id = eos
    weights = Weights("tiny", "random", "", "float32")
    methods = dict.fromkeys(METHODS, AVAILABLE)
    draft = tiny_llama(vocab, seed + 1, layers=1, context=context)
    return Bundle(target, LetterTokenizer(), "tiny", weights, methods, draft, weights)


def text_of(bundle: Bundle, prompt, config: DecodeConfig) -> tuple[int, ...]:
    """What a run generates."""
    run = Run(bundle.for_visitor(), prompt, config)
    for _ in run:
        pass
    return run.generated


class Scripted:
    """Drafts chains from a known text: ``right`` tokens of it, then a wrong one."""

    max_depth = 8

    def __init__(self, text, vocab: int, prompt: int, right: int) -> None:
        self.text, self.vocab, self.prompt, self.right = text, vocab, prompt, right

    def propose(self, history, max_depth):
        start = len(history) - self.prompt
        coming = list(self.text[start : start + max_depth])
        if self.right < len(coming):
            coming[self.right] = (coming[self.right] + 1) % self.vocab
        if not coming:
            return root_only(history)
        count = len(coming)
        confidence = (None, *(0.5,) * count)
        return Proposal(
            (history[-1], *coming), tuple(range(-1, count)), (0,) * (count + 1), confidence
        )

    def commit(self, path):
        return ()

    def build(self, order):
        """As ``build_drafter`` would."""
        return Planner(order.config), self
