"""What EAGLE's drafters draft: the papers' guesses, place by place, and never another text."""

import random

import pytest
import torch

from engine.config import DecodeConfig
from engine.decoding import Run
from engine.heads.trees import TreeFile, Trees
from tests.engine.heads.features import FEATURES, ByThePaper, feature_bundle
from tests.engine.test_greedy import random_tree
from tests.fakes import text_of

BUSHY = ((0,), (1,), (2,), (0, 0), (0, 1), (1, 0), (0, 0, 0), (1, 0, 0), (0, 0, 0, 0))


def path_to(nodes, node):
    """Tokens from below the root down to ``node``."""
    path = []
    while node > 0:
        path.insert(0, nodes.token[node])
        node = nodes.parent[node]
    return path


def assert_guesses_are_the_papers(method, bundle, run, shift=0):
    """Every node of every round is its parent's guess of its rank, as probable as recorded."""
    paper, seen = ByThePaper(bundle, method), 0
    for this in run:
        text = run.history[: this.start - shift]
        for node in range(1, len(this.nodes)):
            above = path_to(this.nodes, this.nodes.parent[node])
            law = paper.law(text, above)
            rank, token = this.nodes.rank[node], this.nodes.token[node]
            assert int(law.argsort(descending=True)[rank]) == token
            assert this.nodes.draft_prob[node] == pytest.approx(float(law[token]), rel=1e-3)
            seen += 1
    assert seen > 20


@pytest.mark.parametrize("method", FEATURES)
@pytest.mark.parametrize("tree", [BUSHY, 7])
@pytest.mark.parametrize("packed", [False, True])
def test_nodes_are_what_the_papers_formula_guesses_there(method, tree, packed):
    """Feature t beside token t + 1, positions by depth, true features for committed tokens.

    Several rounds, accepted paths of several lengths and the holes they leave among them.
    """
    bundle = feature_bundle(method, 14, 3)
    if packed:
        other = feature_bundle(method, 14, 3, packed=True)
        run = Run(other, [1, 2, 3, 9], DecodeConfig(method, 12, tree=tree))
    else:
        run = Run(bundle, [1, 2, 3, 9], DecodeConfig(method, 12, tree=tree))
    assert_guesses_are_the_papers(method, bundle, run)


@pytest.mark.parametrize("method", FEATURES)
def test_a_feature_that_is_one_token_old_is_found_out(method):
    """The control: pairs of feature and token that are one apart do not pass."""
    bundle = feature_bundle(method, 14, 3)
    run = Run(bundle, [1, 2, 3, 9], DecodeConfig(method, 12, tree=BUSHY))
    states = run._drafter.reader._states
    run._drafter.reader._states = lambda: states().roll(1, 0)
    next(run)
    with pytest.raises(AssertionError):
        assert_guesses_are_the_papers(method, bundle, run)


@pytest.mark.parametrize("method", FEATURES)
@pytest.mark.parametrize("seed", range(20))
def test_every_method_writes_the_targets_own_text(method, seed):
    """Random target, head, tree, prompt and length; token 0 is an ordinary one."""
    rng = random.Random(seed)
    vocab = rng.randint(12, 40)
    draft_vocab = rng.randint(2, vocab) if rng.random() < 0.5 else None
    bundle = feature_bundle(method, vocab, seed * 10, draft_vocab=draft_vocab)
    prompt = [rng.randrange(vocab) for _ in range(rng.choice([1, 2, 7]))]
    length = rng.randint(1, 24)
    config = DecodeConfig(method, length, tree=random_tree(rng), num_draft=rng.choice([None, 1, 5]))
    expected = text_of(bundle, prompt, DecodeConfig(max_new_tokens=length))
    assert text_of(bundle, prompt, config) == expected


@pytest.mark.parametrize("method", FEATURES)
def test_drafted_tokens_are_accepted_or_the_above_means_nothing(method):
    accepted = 0
    for seed in range(6):
        bundle = feature_bundle(method, 12, seed)
        accepted += sum(
            this.nodes.num_accepted
            for this in Run(bundle, [1, 2, 3], DecodeConfig(method, 30, tree=12))
        )
    assert accepted > 20


@pytest.mark.parametrize("method", FEATURES)
def test_an_end_of_sequence_ends_the_text_wherever_it_stands(method):
    whole = text_of(feature_bundle(method, 13, 5), [2, 4], DecodeConfig(max_new_tokens=20))
    for eos in sorted(set(whole)):
        bundle = feature_bundle(method, 13, 5, eos=eos)
        config = DecodeConfig(method, 20, tree=12)
        assert text_of(bundle, [2, 4], config) == whole[: whole.index(eos) + 1]


@pytest.mark.parametrize("method", FEATURES)
@pytest.mark.parametrize("rule", ["recursive", "block"])
def test_the_penalty_and_the_block_rule_change_nothing_either(method, rule):
    options = {"max_new_tokens": 20, "repetition_penalty": 1.7}
    chain = ((0,), (0, 0), (0, 0, 0))
    for draft_vocab in (None, 6):
        bundle = feature_bundle(method, 20, 11, draft_vocab=draft_vocab)
        expected = text_of(bundle, [3, 5], DecodeConfig(**options))
        config = DecodeConfig(method, tree=chain, rule=rule, **options)
        assert text_of(bundle, [3, 5], config) == expected


@pytest.mark.parametrize("method", FEATURES)
def test_a_prompt_of_one_token_has_no_feature_to_draft_from(method):
    rounds = list(Run(feature_bundle(method), [5], DecodeConfig(method, 9, tree=8)))
    assert rounds[0].nodes.num_drafted == 0 and len(rounds[0].caches) == 1
    assert all(this.nodes.num_drafted == 8 for this in rounds[1:4])


@pytest.mark.parametrize("method", ["eagle2", "eagle3"])
def test_a_dynamic_tree_holds_the_best_nodes_that_the_head_can_tell(method):
    """Against a search of all paths: no node left out is better than one that is in."""
    bundle, size = feature_bundle(method, 12, 3), 9
    run = Run(bundle, [1, 2, 3], DecodeConfig(method, 12, tree=size, num_draft=3))
    paper = ByThePaper(bundle, method)
    this = next(run)
    values, level = {}, {(): 1.0}
    for _ in range(3):
        laws = {path: paper.law([1, 2, 3], path) for path in level}
        level = {
            (*path, token): value * float(laws[path][token])
            for path, value in level.items()
            for token in laws[path].topk(10).indices.tolist()
        }
        values |= level
        level = dict(sorted(level.items(), key=lambda item: -item[1])[:10])
    best = sorted(values, key=lambda path: -values[path])[:size]
    assert {tuple(path_to(this.nodes, node)) for node in range(1, size + 1)} == set(best)


@pytest.mark.parametrize("method", FEATURES)
def test_a_stored_tree_shapes_static_drafts_and_leaves_dynamic_ones_alone(method):
    chain, star = ((0,), (0, 0), (0, 0, 0)), ((0,), (1,), (2,))
    trees = TreeFile(Trees(by_size={3: star}), Trees(by_size={3: chain}))
    bundle = feature_bundle(method, trees=trees)
    drawn = {"temperature": 1.0, "drafting": "sampled"}
    run = Run(bundle, [1, 2, 3], DecodeConfig(method, 20, tree=3, **drawn))
    assert next(run).nodes.parent == (-1, 0, 1, 2)
    run = Run(bundle, [1, 2, 3], DecodeConfig(method, 20, tree=3))
    assert (next(run).nodes.parent == (-1, 0, 0, 0)) == (method == "eagle")


@pytest.mark.parametrize("method", FEATURES)
def test_drawn_nodes_are_as_probable_as_the_papers_law_says(method):
    bundle = feature_bundle(method, 14, 3, draft_vocab=9)
    options = {"temperature": 1.0, "drafting": "sampled", "seed": 4}
    run = Run(bundle, [1, 2, 3, 9], DecodeConfig(method, 12, tree=BUSHY, **options))
    paper = ByThePaper(bundle, method)
    for this in run:
        for node in range(1, len(this.nodes)):
            above = path_to(this.nodes, this.nodes.parent[node])
            law = paper.law(run.history[: this.start], above)
            chance = float(law[this.nodes.token[node]])
            assert this.nodes.draft_prob[node] == pytest.approx(chance, rel=1e-3)


@pytest.mark.parametrize("method", FEATURES)
def test_the_header_names_the_head_and_the_record_its_cache(method):
    bundle = feature_bundle(method)
    run = Run(bundle, [1, 2], DecodeConfig(method, 8, tree=2, temperature=1.0))
    assert run.header.draft == bundle.heads[method].weights and run.header.has_point_mass
    assert run.header.slot_bytes["eagle"] > 0
    assert [step.name for step in next(run).caches] == ["target", "eagle"]
    drawn = DecodeConfig(method, 4, tree=2, temperature=1.0, drafting="sampled")
    assert not Run(bundle, [1, 2], drawn).header.has_point_mass


@pytest.mark.parametrize("method", FEATURES)
def test_a_draft_vocabulary_of_two_words_drafts_no_others(method):
    bundle = feature_bundle(method, 12, 3, draft_vocab=2)
    known = set(bundle.heads[method].attached.vocab.ids.tolist())
    for options in ({}, {"temperature": 1.0}, {"temperature": 1.0, "drafting": "sampled"}):
        for this in Run(bundle, [1, 2], DecodeConfig(method, 12, tree=6, **options)):
            assert set(this.nodes.token[1:]) <= known


def test_two_runs_of_one_head_do_not_meet():
    bundle = feature_bundle("eagle", 14, 3)
    config = DecodeConfig("eagle", 20, tree=6)
    alone = [this.nodes for this in Run(bundle, [1, 2, 3], config)]
    one, other = Run(bundle, [1, 2, 3], config), Run(bundle, [4, 4], config)
    both = []
    for this in one:
        both.append(this.nodes)
        next(other, None)
    assert both == alone


def test_half_precision_runs():
    bundle = feature_bundle("eagle3", 14, 3, dtype=torch.bfloat16, packed=True)
    assert len(list(Run(bundle, [1, 2, 3], DecodeConfig("eagle3", 9, tree=6)))) > 1


@pytest.mark.parametrize("method", ["eagle2", "eagle3"])
@pytest.mark.parametrize("num_draft", [32, 40, 64])
def test_a_deep_dynamic_tree_finds_room_for_all_that_it_reads(method, num_draft):
    """Nodes that are read and then displaced by better ones outnumber those that are verified."""
    bundle = feature_bundle(method, 32, 0)
    config = DecodeConfig(method, 66, tree=256, num_draft=num_draft)
    assert text_of(bundle, [1, 2, 3], config) == text_of(
        bundle, [1, 2, 3], DecodeConfig("plain", 66)
    )
