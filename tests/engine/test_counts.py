"""Suffix decoding and prompt lookup against counting by hand, over random texts of few words."""

import random

import pytest

from engine.config import DecodeConfig
from engine.drafters import suffix
from engine.drafters.lookup import MAX_NGRAM, Lookup
from engine.drafters.suffix import (
    LEAST_CHANCE,
    MAX_DRAFTED,
    MAX_LENGTH,
    MEMORY_TOKENS,
    Suffix,
    SuffixMemory,
)
from engine.planning.planner import Planner
from engine.tree import depths


def planner() -> Planner:
    return Planner(DecodeConfig(tree=256))


def random_text(seed: int, words: int, length: int) -> list[int]:
    rng = random.Random(seed)
    return [rng.randrange(words) for _ in range(length)]


def count(text, run) -> int:
    """How often ``run`` stands in ``text``."""
    size = len(run)
    return sum(list(text[i : i + size]) == list(run) for i in range(len(text) - size + 1))


def longest_continued_suffix(text, history) -> list[int]:
    """The longest end of ``history`` that is followed by something in ``text``."""
    for size in range(min(MAX_LENGTH - 1, len(history)), 0, -1):
        if count(text[:-1], history[-size:]):
            return list(history[-size:])
    return []


def assert_drafts_by_counts(proposal, text, context) -> None:
    """Every node's confidence is a share of counts behind ``context``, every likely one there."""
    paths = [context]
    for node in range(1, len(proposal.tokens)):
        paths.append([*paths[proposal.parents[node]], proposal.tokens[node]])
    seen_words = sorted(set(text))
    chance = [1.0]
    for node in range(1, len(paths)):
        above = paths[proposal.parents[node]]
        total = sum(count(text, [*above, word]) for word in seen_words)
        share = count(text, paths[node]) / total
        assert proposal.confidence[node] == pytest.approx(share)
        chance.append(chance[proposal.parents[node]] * share)
    assert min(chance) >= LEAST_CHANCE - 1e-9
    assert chance == sorted(chance, reverse=True)
    assert proposal.num_drafted <= MAX_DRAFTED


@pytest.mark.parametrize("words", [2, 3, 8])
@pytest.mark.parametrize("seed", range(15))
def test_suffix_drafts_what_followed_the_longest_suffix_by_its_counts(seed, words):
    text = random_text(seed, words, 60)
    drafter = Suffix(planner(), SuffixMemory())
    for length in (1, 2, 20, 40, 60):
        history = text[:length]
        proposal, context = drafter.propose(history, 4), longest_continued_suffix(history, history)
        assert (proposal.num_drafted > 0) == bool(context)
        if context:
            assert_drafts_by_counts(proposal, history, context)
            assert max(depths(proposal.parents)) <= min(4, len(context) + 1)


@pytest.mark.parametrize("seed", range(15))
def test_suffix_takes_the_memory_where_that_matches_further(seed):
    memory, remembered = SuffixMemory(), random_text(seed + 50, 3, 80)
    memory.remember(remembered)
    history = [7, *remembered[20:32]]  # 7 never stands in the memory
    proposal = Suffix(planner(), memory).propose(history, 3)
    assert_drafts_by_counts(proposal, remembered, longest_continued_suffix(remembered, history))
    assert len(longest_continued_suffix(remembered, history)) == 12
    assert remembered[32] in proposal.tokens[1:]


@pytest.mark.parametrize("seed", range(30))
def test_lookup_copies_from_the_first_place_of_the_longest_suffix(seed):
    text = random_text(seed, 4, 50)
    lookup = Lookup(planner())
    for length in range(1, 51):
        history, expected = text[:length], []
        for size in range(MAX_NGRAM, 0, -1):
            places = [i for i in range(size, length) if history[i - size : i] == history[-size:]]
            if size <= length and places:
                expected = history[places[0] : places[0] + 5]
                break
        assert list(lookup.propose(history, 5).tokens[1:]) == expected


def test_a_text_longer_than_the_memory_is_remembered_by_its_end(monkeypatch):
    monkeypatch.setattr(suffix, "MEMORY_TOKENS", 12)
    memory = SuffixMemory()
    memory.remember([1, 2, 3, *[9] * 40, 4, 5, 6])
    assert Suffix(planner(), memory).propose([0, 1], 1).num_drafted == 0
    assert Suffix(planner(), memory).propose([0, 4], 1).tokens == (4, 5)


def test_a_long_repetition_is_drafted_as_deep_as_asked():
    drafter = Suffix(planner(), SuffixMemory())
    assert drafter.propose([*range(60), *range(40)], 16).tokens == tuple(range(39, 56))
    assert drafter.propose([*range(60), *range(41)], 64).num_drafted == MAX_LENGTH


def test_a_run_that_grows_token_by_token_drafts_as_one_read_at_once():
    text, memory = random_text(3, 3, 300), SuffixMemory()
    memory.remember(random_text(4, 3, 200))
    growing = Suffix(planner(), memory)
    for length in range(1, len(text)):
        at_once = Suffix(planner(), memory)
        assert growing.propose(text[:length], 6) == at_once.propose(text[:length], 6)


def test_only_the_newest_places_are_compared_and_counted(monkeypatch):
    unlike = [token for before in range(10, 19) for token in (before, 1, 2, 4)]
    text = [9, 1, 2, 3, *unlike, 20, 1, 2]  # behind "1 2": 3 once, long ago, then 4 nine times
    assert Suffix(planner(), SuffixMemory()).propose(text, 1).tokens == (2, 4, 3)
    for bound in ("COUNTED", "CANDIDATES"):
        with monkeypatch.context() as patched:
            patched.setattr(suffix, bound, 9)
            assert Suffix(planner(), SuffixMemory()).propose(text, 1).tokens == (2, 4)
    monkeypatch.setattr(suffix, "REACH", 5)  # 2, 4, 20, 1 and the 2 to be found
    assert Suffix(planner(), SuffixMemory()).propose(text, 1).tokens == (2, 4)
    monkeypatch.setattr(suffix, "REACH", 4)
    assert Suffix(planner(), SuffixMemory()).propose(text, 1).num_drafted == 0


def test_a_full_memory_holds_its_newest_tokens_in_few_bytes():
    memory, texts = SuffixMemory(), [random_text(seed, 50, 3_000) for seed in range(12)]
    for text in texts:
        memory.remember(text)
    assert len(memory.tokens) == MEMORY_TOKENS
    assert memory.tokens.newest(3_001).tolist() == [*texts[-1], suffix.END]
    assert memory.tokens.nbytes < 10 * MEMORY_TOKENS
    assert Suffix(planner(), memory).propose(texts[-1][500:520], 8).tokens[1:] == tuple(
        texts[-1][520:528]
    )
