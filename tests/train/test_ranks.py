"""The walker against a decoder that really runs, and against counting by hand."""

import numpy as np
import pytest
import torch

from engine.config import DecodeConfig
from engine.trace import Trace
from tests.engine.heads.guessers import GUESSING, head_bundle
from train.corpus import Row
from train.hydra import Hydra
from train.labels import LabelStore
from train.medusa import Medusa
from train.ranks import NOWHERE, accepted, chain_paths, ranks, tree_figures, walk
from train.state_feed import Part
from train.states import StateStore, read_states

TREE = ((0,), (1,), (2,), (0, 0), (0, 1), (1, 0), (0, 0, 0), (0, 0, 1), (0, 0, 0, 0))
FAMILIES = {"medusa": Medusa(), "hydra": Hydra(), "hydra++": Hydra(has_prefix=True)}
PROMPT, NEW = [3, 1, 4, 1, 5], 40


def part_of(target, ids, first, folder):
    """Labels and states of one text."""
    labels = LabelStore.create(folder, [Row(ids, first, True)], 2, {})
    states = StateStore.create(folder, labels, target.config.hidden_size)
    ((_, kept),) = read_states(target, [np.array(ids)])
    states.write(0, labels.span(0), kept)
    labels.done[0] = True
    return Part(labels, states)


@pytest.mark.parametrize("method", GUESSING)
@pytest.mark.parametrize("seed", range(3))
def test_rounds_are_those_of_a_decoder_with_the_same_tree(method, seed, tmp_path):
    bundle = head_bundle(method, vocab=6, seed=seed)
    words = bundle.target.get_input_embeddings().weight
    with torch.no_grad():
        bundle.target.lm_head.weight.copy_(words)  # a tied head, as the walker takes it
    config = DecodeConfig(method=method, max_new_tokens=NEW, temperature=0.0, tree=TREE)
    trace = Trace.record(bundle, PROMPT, config)
    part = part_of(bundle.target, [*PROMPT, *trace.token_ids], len(PROMPT), tmp_path)
    head = bundle.heads[method].attached.head
    found = ranks(FAMILIES[method], head, part, 0, words)
    lengths, at = accepted(found, frozenset(TREE)), 0
    told = []
    while at < NEW:
        told.append(min(int(lengths[at]), NEW - at - 1) + 1)
        at += told[-1]
    assert told == [len(each.emitted) for each in trace.rounds]
    assert max(told) > 1  # something was accepted: the comparison says something


def test_a_round_goes_as_far_as_the_trees_paths():
    found = np.array([[0, 1, 0], [1, 0, 0], [0, NOWHERE, 0], [3, 0, 0]])
    assert accepted(found, frozenset({(0,), (1,), (0, 1)})).tolist() == [2, 1, 1, 0]
    assert accepted(found, frozenset(chain_paths(2))).tolist() == [1, 0, 1, 0]


def test_rounds_are_walked_to_the_answers_end():
    assert walk(np.array([2, 0, 0, 0, 1, 0])) == 3  # 3 tokens, 1, 2
    assert walk(np.array([9])) == 1 and walk(np.array([], int)) == 0


def test_figures_have_their_denominators():
    told = tree_figures([np.array([[0], [1], [0]]), np.array([[1]])], chain_paths(1))
    assert (told.tokens, told.rounds) == (4, 3)
    assert told.agreement == pytest.approx(0.5) and told.accepted_length == pytest.approx(4 / 3)
