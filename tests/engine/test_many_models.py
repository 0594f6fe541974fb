"""Hundreds of random models, trees, prompts, ends and lengths: the text is always the target's."""

import random

import pytest

from engine.config import DecodeConfig
from engine.decoding import Run
from engine.drafters.drafter import Proposal
from engine.planning.planner import Planner
from tests.fakes import METHODS
from tests.tables import table_bundle


class Bush:
    """Drafts a random tree of point masses in random order, right wherever ``truth`` decides.

    Nodes of a path need not stand together and the right child may have any rank: what no
    static shape does, a drafter may.
    """

    max_depth = 6

    def __init__(self, rng, target, truth):
        self.rng, self.target, self.truth = rng, target, truth

    def build(self, order):
        return Planner(order.config), self

    def propose(self, history, max_depth):
        tokens, parents, ranks, texts = [history[-1]], [-1], [0], [tuple(history)]
        for _ in range(self.rng.randint(0, 10)):
            parent = self.rng.randrange(len(tokens))
            siblings = [t for t, above in zip(tokens, parents, strict=True) if above == parent]
            token = self._token(texts[parent], siblings)
            if token is not None and len(texts[parent]) - len(history) < max_depth:
                texts.append((*texts[parent], token))
                tokens.append(token)
                parents.append(parent)
                ranks.append(len(siblings))
        confidence = (None, *(0.5,) * (len(tokens) - 1))
        return Proposal(tuple(tokens), tuple(parents), tuple(ranks), confidence)

    def _token(self, text, siblings):
        """One that no sibling has; ``None`` where the right one is taken."""
        if self.rng.random() < self.truth:
            token = int(self.target.logits_after(text).argmax())
            return None if token in siblings else token
        return self.rng.choice([t for t in range(self.target.vocab) if t not in siblings])

    def commit(self, path):
        return ()


def random_paths(rng) -> tuple[tuple[int, ...], ...]:
    """A prefix-closed set of rank paths."""
    paths = [()]
    for _ in range(rng.randint(1, 10)):
        parent = rng.choice([path for path in paths if len(path) < 4])
        paths.append((*parent, sum(path[:-1] == parent for path in paths if path)))
    return tuple(paths[1:])


def generated(run) -> tuple[int, ...]:
    """What a run generates, its caches being whole to the end and all that is kept emitted."""
    for this in run:
        assert this.nodes.num_accepted == this.emitted.origin.count("accepted")
        room = run.config.max_new_tokens - (this.start - len(run.prompt))
        assert max(this.nodes.depth) < room, "a drafted token that leaves none for the target"
        target, *drafters = this.caches
        assert target.after == len(run.history) - 1
        assert all(step.after in (target.after, target.after - 1) for step in drafters)
    return run.generated


@pytest.mark.parametrize("block", range(8))
def test_every_method_writes_the_targets_own_text(block):
    """240 models: every tree setting, prompts of one token and more, ends wherever they fall."""
    for seed in range(block * 30, block * 30 + 30):
        rng = random.Random(seed)
        vocab, length = rng.randint(12, 40), rng.randint(1, 16)
        ends = rng.choice([None, 0, rng.randrange(vocab)])
        bundle = table_bundle(vocab, seed, noise=rng.choice([0.0, 0.3, 1.0, 9.0]), ends=ends)
        prompt = [rng.randrange(vocab) for _ in range(rng.choice([1, 2, 5, 9]))]
        expected = bundle.target.greedy(prompt, length)
        if ends in expected:
            expected = expected[: expected.index(ends) + 1]
        for method in METHODS:
            config = DecodeConfig(
                method,
                length,
                tree=rng.choice([rng.randint(0, 12), random_paths(rng)]),
                num_draft=rng.choice([None, 1, 2, 5]),
                rule=rng.choice(["recursive", "block"]),
            )
            run = Run(bundle.for_visitor(), prompt, config)
            assert generated(run) == expected, (seed, config)
            assert run.end.reason == ("eos" if expected[-1] == ends else "length")


@pytest.mark.parametrize("truth", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("rule", ["recursive", "block"])
def test_trees_in_any_order_are_verified_and_committed_rightly(truth, rule):
    moved = 0
    for seed in range(30):
        rng = random.Random(seed)
        bundle = table_bundle(rng.randint(12, 40), seed)
        prompt = [rng.randrange(12) for _ in range(rng.choice([1, 4]))]
        config = DecodeConfig(max_new_tokens=20, rule=rule)
        run = Run(bundle, prompt, config, Bush(rng, bundle.target, truth).build)
        for this in run:
            moved += len(this.caches[0].moved)
            assert this.caches[0].after == len(run.history) - 1
        assert run.generated == bundle.target.greedy(prompt, 20)
    assert moved > 20


@pytest.mark.parametrize("method", METHODS)
def test_every_length_ends_where_it_should_wherever_the_end_of_sequence_stands(method):
    """Lengths 1 to 12 times an end at each of the first 12 places, the first ones drafted."""
    bundle = table_bundle(40, 77, noise=0.1)
    whole = bundle.target.greedy([5], 12)
    for ends in whole:
        bundle.target.config.eos_token_id = ends
        stop = whole.index(ends) + 1
        for length in range(1, 13):
            config = DecodeConfig(method, length, tree=7, num_draft=6)
            run = Run(bundle.for_visitor(), [5], config)
            assert generated(run) == whole[: min(length, stop)]
            assert run.end.reason == ("eos" if stop <= length else "length")
