"""What lookup and suffix draft, and how the planner weighs it."""

from dataclasses import replace

import pytest

from engine.config import DecodeConfig
from engine.decoding import Run
from engine.drafters import suffix
from engine.drafters.drafter import Proposal
from engine.drafters.lookup import Lookup
from engine.drafters.suffix import Suffix, SuffixMemory
from engine.pass_cost import PassCost, predicted_speed_up
from engine.planning.planner import Planner
from engine.sampling import Sampler
from engine.tree import depths
from engine.verify import Judgement
from tests.fakes import text_of, tiny_bundle, tiny_llama
from tests.tables import table_bundle

FREE = PassCost((1, 2, 4, 8, 16), (1.0, 1.0, 1.0, 1.0, 1.0))
STEEP = PassCost((1, 2, 4, 8, 16), (1.0, 2.0, 4.0, 8.0, 16.0))
MILD = PassCost((1, 2, 4, 8, 16), (1.0, 1.1, 1.2, 1.5, 2.0))


def fixed(nodes: int = 16) -> Planner:
    return Planner(DecodeConfig(tree=nodes))


def test_lookup_takes_the_longest_suffix_first():
    history = [1, 2, 3, 7, 2, 3, 8, 1, 2, 3]  # "2 3" alone would match its first place too
    proposal = Lookup(fixed()).propose(history, 4)
    assert proposal.tokens == (3, 7, 2, 3, 8)


def test_lookup_falls_back_on_shorter_suffixes_and_drafts_nothing_without_one():
    assert Lookup(fixed()).propose([5, 9, 4, 5], 2).tokens == (5, 9, 4)
    assert Lookup(fixed()).propose([1, 2, 3, 4], 2).num_drafted == 0
    assert Lookup(fixed()).propose([1], 2).num_drafted == 0


def test_lookup_goes_on_with_a_growing_history():
    lookup = Lookup(fixed())
    assert lookup.propose([1, 2], 4).num_drafted == 0
    assert lookup.propose([1, 2, 3, 1], 4).tokens == (1, 2, 3, 1)


def test_suffix_branches_by_observed_counts():
    history = [8, 1, 2, 5, 9, 1, 2, 6, 7, 1, 2, 5, 3, 1, 2]  # behind "1 2": 5 twice, 6 once
    proposal = Suffix(fixed(), SuffixMemory()).propose(history, 1)
    assert proposal.tokens == (2, 5, 6)
    assert proposal.parents == (-1, 0, 0)
    assert proposal.confidence[1:] == (pytest.approx(2 / 3), pytest.approx(1 / 3))


def test_suffix_drafts_no_deeper_than_asked_and_no_wider_than_allowed():
    history = [1, 2, 3, 4, 5, 6, 7, 8] * 3
    deep = Suffix(fixed(), SuffixMemory()).propose(history, 5)
    assert deep.tokens == (8, 1, 2, 3, 4, 5)
    assert Suffix(fixed(2), SuffixMemory()).propose(history, 5).num_drafted == 2
    assert Suffix(fixed(), SuffixMemory()).propose(history, 0).num_drafted == 0


def test_suffix_remembers_earlier_runs_and_forgets_the_oldest(monkeypatch):
    memory = SuffixMemory()
    memory.remember([1, 2, 3, 4])
    assert Suffix(fixed(), memory).propose([9, 2], 2).tokens == (2, 3, 4)
    monkeypatch.setattr(suffix, "MEMORY_TOKENS", 8)
    memory.remember([5, 6, 7, 8])
    memory.remember([5, 6, 7, 9])
    assert Suffix(fixed(), memory).propose([9, 2], 2).num_drafted == 0
    assert Suffix(fixed(), memory).propose([0, 6], 1).tokens == (6, 7)


def test_two_texts_in_memory_are_not_read_as_one():
    memory = SuffixMemory()
    memory.remember([1, 2])
    memory.remember([3, 4])
    assert Suffix(fixed(), memory).propose([0, 2], 2).num_drafted == 0


def chain(confidence: float, length: int = 8) -> Proposal:
    tokens = tuple(range(length + 1))
    parents = tuple(range(-1, length))
    return Proposal(tokens, parents, (0,) * (length + 1), (None, *(confidence,) * length))


def test_auto_drafts_all_that_is_free_and_nothing_that_cannot_pay():
    config = DecodeConfig(tree="auto")
    assert Planner(config, FREE).prune(chain(0.9)).num_drafted == 8
    assert Planner(config, STEEP).prune(chain(0.9)).num_drafted == 0
    assert 0 < Planner(config, MILD).prune(chain(0.9)).num_drafted <= 8


def test_auto_stops_where_nothing_is_accepted_and_tries_again_later():
    planner = Planner(DecodeConfig(tree="auto"), MILD)
    refused = Judgement((0,), (1,), 5, ())
    rounds = 0
    while planner.prune(chain(0.9)).num_drafted:
        planner.learn(chain(0.9), refused)
        rounds += 1
        assert rounds < 60
    idle = 0
    nothing = Proposal((0,), (-1,), (0,), (None,))
    while not planner.prune(chain(0.9)).num_drafted:
        planner.learn(nothing, Judgement((0,), (), 5, ()))
        idle += 1
        assert idle < 400
    assert rounds > 1 and idle > 10


def test_auto_plans_longer_drafts_the_more_is_accepted():
    def planned(accepted: bool) -> int:
        planner = Planner(DecodeConfig(tree="auto"), MILD, PassCost((1, 16), (0.05, 0.1)))
        path, rejected = ((0, 1, 2, 3, 4), ()) if accepted else ((0,), (1,))
        for _ in range(20):
            planner.learn(chain(0.9, 4), Judgement(path, rejected, 5, ()))
        return len(planner.shape(6)) - 1

    assert planned(True) > planned(False)


def test_a_number_bounds_the_nodes_of_every_planner():
    for nodes in range(10):
        planner = Planner(DecodeConfig(tree=nodes), max_rank=4)
        assert len(planner.shape(3)) - 1 == nodes
        assert planner.prune(chain(0.9)).num_drafted == min(nodes, 8)


def test_a_pass_cost_interpolates_and_goes_on_linearly():
    cost = PassCost((1, 4), (1.0, 4.0))
    assert (cost(1), cost(2), cost(4), cost(8)) == (1.0, 2.0, 4.0, 8.0)
    assert predicted_speed_up(MILD, 3, 0.0, 2.4) == pytest.approx(2.0)


def test_beyond_its_table_a_pass_costs_what_the_last_rise_says():
    assert PassCost((1, 32, 64), (1.0, 3.0, 3.0))(512) == 3.0
    assert PassCost((1, 32, 64), (1.0, 3.0, 4.0))(96) == 5.0


@pytest.mark.parametrize("method", ["lookup", "suffix"])
def test_rank_paths_hold_for_what_is_copied_too(method):
    text = [1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4]
    config = DecodeConfig(method, 12, tree=((0,), (0, 0)))
    nodes = [this.nodes for this in Run(table_bundle(8, 1, context=64), text, config)]
    assert any(these.num_drafted for these in nodes)
    assert all(max(depths(these.parent)) <= 2 and not any(these.rank) for these in nodes)


def test_no_path_is_longer_than_asked_where_the_tree_is_given_too():
    bundle = tiny_bundle()
    bundle.draft = bundle.target
    given = DecodeConfig("draft", 12, tree=((0,), (0, 0), (0, 0, 0)))
    for num_draft, longest in ((None, 3), (1, 1)):
        run = Run(bundle.for_visitor(), [1, 2], replace(given, num_draft=num_draft))
        assert max(this.nodes.num_drafted for this in run) == longest


def test_a_draft_model_that_reads_less_than_the_target_stops_drafting_there():
    bundle = tiny_bundle()
    bundle.draft = tiny_llama(bundle.vocab_size, seed=0, context=16)
    config = DecodeConfig("draft", 30, tree=4)
    run = Run(bundle, [1, 2, 3, 4], config)
    rounds = list(run)
    assert run.generated == text_of(tiny_bundle(), [1, 2, 3, 4], DecodeConfig("plain", 30))
    assert rounds[0].nodes.num_drafted == 4
    drafting = [this for this in rounds if this.nodes.num_drafted]
    assert max(this.start + this.nodes.num_drafted for this in drafting) <= 16
    assert any(not this.nodes.num_drafted for this in rounds)
    late = Run(bundle.for_visitor(), [1, 2] * 10, config)
    assert not any(this.nodes.num_drafted for this in late)


def test_texts_are_copied_only_where_a_processor_reads_them():
    history, tree = [5, 6], ((6, 7, 8), (-1, 0, 1), (0, 2))
    assert all(text is history for text in Sampler(DecodeConfig()).texts(history, *tree))
    penalised = Sampler(DecodeConfig(repetition_penalty=1.5))
    texts = penalised.texts(history, *tree)
    assert [text.before | {*text.path} for text in texts] == [{5, 6}, {5, 6, 7, 8}]
