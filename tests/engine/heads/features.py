"""Bundles whose target has random EAGLE heads, and what those must draft by the papers."""

import torch

from engine.bundle import AVAILABLE, Bundle
from engine.heads.attach_feature_head import attach_feature_head
from engine.heads.eagle import EagleHead
from engine.heads.eagle3 import Eagle3Head
from engine.heads.find import Heads
from engine.heads.head_config import layer_config, told_by
from engine.heads.trees import TreeFile
from engine.run_facts import Weights
from tests.engine.heads import eagle_paper as paper
from tests.fakes import tiny_bundle

FEATURES = ("eagle", "eagle2", "eagle3")
WEIGHTS = Weights("heads", "random", "", "float32")


def random_head(method, config, seed, draft_vocab=None):
    """A head for a target of ``config`` with random weights; norms stay near one."""
    torch.manual_seed(seed)
    told = layer_config(told_by(config))
    if method == "eagle3":
        head = Eagle3Head(told, draft_vocab=draft_vocab or config.vocab_size)
        ids = torch.randperm(config.vocab_size)[: head.draft_vocab].sort().values
        head.choose(ids)
    else:
        keys = {"fc.bias"} | ({"token_map"} if draft_vocab else set())
        head = EagleHead(told, frozenset(keys), draft_vocab)
        if draft_vocab:
            head.token_map.copy_(torch.randperm(config.vocab_size)[:draft_vocab])
    with torch.no_grad():
        for name, weight in head.named_parameters():
            if "norm" not in name:
                weight.normal_(std=0.3)
    return head


def feature_bundle(
    method: str,
    vocab: int = 12,
    seed: int = 0,
    *,
    eos: int | None = None,
    trees: TreeFile | None = None,
    dtype: torch.dtype = torch.float32,
    packed: bool = False,
    draft_vocab: int | None = None,
) -> Bundle:
    """A tiny target with a head for ``method``."""
    bundle = tiny_bundle(vocab, seed, eos=eos)
    bundle.target.to(dtype)
    head = random_head(method, bundle.target.config, seed + 7, draft_vocab)
    attached = attach_feature_head(head, bundle.target, packed=packed)
    bundle.heads[method] = Heads(attached, trees or TreeFile(), WEIGHTS)
    bundle.methods[method] = AVAILABLE
    return bundle


class ByThePaper:
    """What a head must guess behind a text, from fresh passes and the papers' formulas alone."""

    def __init__(self, bundle: Bundle, method: str) -> None:
        self.attached, self.target = bundle.heads[method].attached, bundle.target
        self.weights = {k: t.double() for k, t in self.attached.head.state_dict().items()}
        self.is_three = isinstance(self.attached.head, Eagle3Head)

    def features(self, text):
        """[T, H] the target's features of every token but the last."""
        ids = torch.tensor([list(text[:-1])])
        with torch.inference_mode():
            told = self.target.base_model(ids, use_cache=False, output_hidden_states=True)
        states = torch.cat([told.hidden_states[tap][0] for tap in self.attached.taps], -1)
        return paper.linear(self.weights, "fc", states.double()) if self.is_three else states

    def law(self, text, path=()):
        """[V] the head's law behind ``text``, and ``path`` below its last token, self-fed."""
        embed, config = self.target.get_input_embeddings(), self.target.config
        rotation = config.rope_parameters["rope_theta"], config.rms_norm_eps
        heads = config.num_attention_heads, config.num_key_value_heads
        tokens, features = [*text[1:], *path], self.features(text).double()
        read = paper.eagle3 if self.is_three else paper.eagle
        for count in range(len(text) - 1, len(tokens) + 1):
            words = embed(torch.tensor(tokens[:count])).double()
            behind = read(self.weights, features, words, *heads, *rotation)
            features = torch.cat([features, behind[-1:]])
        return self._speak(features[-1], config)

    def _speak(self, feature, config):
        if not self.is_three:
            logits = paper.linear(self._target_head(), "lm_head", feature)
            ids = self.attached.vocab.ids
            if ids is not None:
                logits = torch.full_like(logits, -torch.inf).scatter(0, ids, logits[ids])
            return logits.softmax(-1)
        normed = paper.normed(feature, self.weights["norm.weight"], config.rms_norm_eps)
        logits = paper.linear(self.weights, "lm_head", normed)
        law = torch.zeros(config.vocab_size, dtype=torch.float64)
        d2t = self.weights["d2t"].long()
        return law.scatter(0, torch.arange(len(d2t)) + d2t, logits.softmax(-1))

    def _target_head(self):
        return {"lm_head.weight": self.target.get_output_embeddings().weight}
