"""At temperature 0 every method's text is the target's own, token by token."""

import random

import pytest

from engine.config import DecodeConfig
from engine.decoding import Run
from tests.fakes import METHODS, Scripted, text_of, tiny_bundle

SPECULATIVE = METHODS[1:]


def random_tree(rng: random.Random) -> tuple[tuple[int, ...], ...] | int:
    """A number of nodes, or a prefix-closed set of rank paths."""
    if rng.random() < 0.4:
        return rng.randint(0, 9)
    paths = [()]
    for _ in range(rng.randint(1, 9)):
        parent = rng.choice(paths)
        rank = sum(1 for path in paths if path[:-1] == parent and path)
        if len(parent) < 4:
            paths.append((*parent, rank))
    return tuple(paths[1:])


@pytest.mark.parametrize("method", SPECULATIVE)
@pytest.mark.parametrize("seed", range(25))
def test_every_method_writes_the_targets_own_text(method, seed):
    """Random target, draft model, tree, prompt and length; token 0 is an ordinary one."""
    rng = random.Random(seed)
    vocab = rng.randint(12, 40)
    bundle = tiny_bundle(vocab, seed * 10)
    prompt = [rng.randrange(vocab) for _ in range(rng.choice([1, 2, 7]))]
    length = rng.randint(1, 24)
    config = DecodeConfig(method, length, tree=random_tree(rng), num_draft=rng.randint(1, 5))
    expected = text_of(bundle, prompt, DecodeConfig(max_new_tokens=length))
    assert len(expected) == length
    assert text_of(bundle, prompt, config) == expected


@pytest.mark.parametrize("method", SPECULATIVE)
def test_every_length_is_exact(method):
    bundle = tiny_bundle(13, 3)
    whole = text_of(bundle, [1, 0], DecodeConfig(max_new_tokens=15))
    for length in range(1, 16):
        config = DecodeConfig(method, length, tree=6, num_draft=5)
        assert text_of(bundle, [1, 0], config) == whole[:length]


@pytest.mark.parametrize("method", SPECULATIVE)
def test_an_end_of_sequence_ends_the_text_wherever_it_stands(method):
    whole = text_of(tiny_bundle(13, 5), [2], DecodeConfig(max_new_tokens=20))
    for eos in sorted(set(whole)):
        bundle = tiny_bundle(13, 5, eos=eos)
        config = DecodeConfig(method, 20, tree=8, num_draft=6)
        assert text_of(bundle, [2], config) == whole[: whole.index(eos) + 1]


@pytest.mark.parametrize("right", range(9))
@pytest.mark.parametrize("eos_at", [None, 0, 3, 10])
def test_a_drafter_that_is_right_k_times_saves_k_passes_and_changes_nothing(right, eos_at):
    """An oracle (8 of 8), an always-wrong one (0), and all between."""
    vocab, prompt = 17, [4, 4]
    plain = text_of(tiny_bundle(vocab, 9), prompt, DecodeConfig(max_new_tokens=30))
    eos = None if eos_at is None else plain[eos_at]
    bundle = tiny_bundle(vocab, 9, eos=eos)
    expected = text_of(bundle, prompt, DecodeConfig(max_new_tokens=30))
    drafter = Scripted(plain, vocab, len(prompt), right)
    run = Run(bundle, prompt, DecodeConfig("lookup", 30, tree=8), drafter.build)
    rounds = list(run)
    assert run.generated == expected
    assert all(len(this.emitted) == right + 1 for this in rounds[:-1])
    assert run.end.tokens == len(expected)


@pytest.mark.parametrize("method", SPECULATIVE)
def test_the_penalty_acts_per_position_so_that_it_changes_nothing_either(method):
    bundle = tiny_bundle(20, 11)
    options = {"max_new_tokens": 20, "repetition_penalty": 1.7}
    expected = text_of(bundle, [3, 5], DecodeConfig(**options))
    assert expected != text_of(bundle, [3, 5], DecodeConfig(max_new_tokens=20))
    assert text_of(bundle, [3, 5], DecodeConfig(method, tree=8, **options)) == expected


@pytest.mark.parametrize("method", ["lookup", "draft"])
def test_block_verification_writes_the_targets_own_text(method):
    bundle = tiny_bundle(14, 21)
    expected = text_of(bundle, [1], DecodeConfig(max_new_tokens=25))
    config = DecodeConfig(method, 25, tree=5, num_draft=5, rule="block")
    assert text_of(bundle, [1], config) == expected
