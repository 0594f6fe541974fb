"""What Medusa, Hydra and Hydra++ draft, and that it never changes the target's greedy text."""

import random

import pytest
import torch

from engine.config import DecodeConfig
from engine.decoding import Run
from engine.heads.trees import TreeFile, Trees
from tests.engine.heads.guessers import GUESSING, head_bundle
from tests.engine.heads.test_best_nodes import papers
from tests.engine.test_greedy import random_tree
from tests.fakes import text_of

SAMPLED = {"temperature": 1.0, "drafting": "sampled"}
BUSHY = ((0,), (1,), (2,), (0, 0), (0, 1), (1, 0), (0, 0, 0), (1, 0, 0), (0, 0, 0, 0))

# Hydra's trees are drawn up by its confidence unless it draws.
DRAWN = {"medusa": {}} | dict.fromkeys(("hydra", "hydra++"), SAMPLED)


def hidden_states(bundle, tokens):
    """[T, H] the target's last states of one fresh pass."""
    with torch.inference_mode():
        told = bundle.target.base_model(input_ids=torch.tensor([list(tokens)]), use_cache=False)
    return told.last_hidden_state[0]


@pytest.mark.parametrize("method", GUESSING)
@pytest.mark.parametrize("seed", range(25))
def test_every_method_writes_the_targets_own_text(method, seed):
    """Random target, heads, tree, prompt and length; token 0 is an ordinary one."""
    rng = random.Random(seed)
    vocab = rng.randint(12, 40)
    options = {"num_heads": rng.randint(1, 5), "num_layers": rng.randint(1, 3)}
    if rng.random() < 0.5:
        options["draft_vocab"] = rng.randint(2, vocab)
    elif rng.random() < 0.5:
        options["speak"] = True
    if method != "medusa":
        options["grounded"] = rng.random() < 0.7
    bundle = head_bundle(method, vocab, seed * 10, **options)
    prompt = [rng.randrange(vocab) for _ in range(rng.choice([1, 2, 7]))]
    length = rng.randint(1, 24)
    config = DecodeConfig(method, length, tree=random_tree(rng), num_draft=rng.choice([None, 1, 5]))
    expected = text_of(bundle, prompt, DecodeConfig(max_new_tokens=length))
    assert text_of(bundle, prompt, config) == expected


@pytest.mark.parametrize("method", GUESSING)
def test_drafted_tokens_are_accepted_or_the_above_means_nothing(method):
    accepted = 0
    for seed in range(6):
        run = Run(head_bundle(method, 12, seed), [1, 2, 3], DecodeConfig(method, 30, tree=BUSHY))
        accepted += sum(this.nodes.num_accepted for this in run)
    assert accepted > 20


@pytest.mark.parametrize("method", GUESSING)
def test_an_end_of_sequence_ends_the_text_wherever_it_stands(method):
    whole = text_of(head_bundle(method, 13, 5), [2, 4], DecodeConfig(max_new_tokens=20))
    for eos in sorted(set(whole)):
        bundle = head_bundle(method, 13, 5, eos=eos)
        config = DecodeConfig(method, 20, tree=12)
        assert text_of(bundle, [2, 4], config) == whole[: whole.index(eos) + 1]


@pytest.mark.parametrize("method", GUESSING)
@pytest.mark.parametrize("rule", ["recursive", "block"])
def test_the_penalty_and_the_block_rule_change_nothing_either(method, rule):
    bundle = head_bundle(method, 20, 11)
    options = {"max_new_tokens": 20, "repetition_penalty": 1.7}
    expected = text_of(bundle, [3, 5], DecodeConfig(**options))
    chain = ((0,), (0, 0), (0, 0, 0))
    assert (
        text_of(bundle, [3, 5], DecodeConfig(method, tree=chain, rule=rule, **options)) == expected
    )


@pytest.mark.parametrize("method", GUESSING)
def test_a_prompt_of_one_token_has_no_state_to_draft_from(method):
    run = Run(head_bundle(method), [5], DecodeConfig(method, 9, tree=8))
    rounds = list(run)
    assert rounds[0].nodes.num_drafted == 0
    assert all(this.nodes.num_drafted == 8 for this in rounds[1:4])


def test_medusas_heads_guess_from_the_state_whose_law_gave_the_root():
    """Head i's candidates stand below every node of level i, best first."""
    bundle = head_bundle("medusa", 14, 3, num_heads=3)
    heads = bundle.heads["medusa"].attached
    run = Run(bundle, [1, 2, 3], DecodeConfig("medusa", 20, tree=BUSHY[:-1]))
    for this in run:
        if not this.nodes.num_drafted:
            continue
        state = hidden_states(bundle, run.history[: this.start - 1])[-1]
        with torch.inference_mode():
            laws = heads.head.logits(heads.head(state[None]), heads.lm_head)[0].softmax(-1)
        depth = this.nodes.depth
        for node, token in enumerate(this.nodes.token[1:], start=1):
            law = laws[depth[node] - 1]
            rank = this.nodes.rank[node]
            assert int(law.argsort(descending=True)[rank]) == token
            assert this.nodes.draft_prob[node] == pytest.approx(float(law[token]), rel=1e-4)


@pytest.mark.parametrize("method", ["hydra", "hydra++"])
def test_hydras_heads_read_the_state_and_the_words_down_to_the_node(method):
    bundle = head_bundle(method, 14, 3, num_heads=4, num_layers=2)
    attached = bundle.heads[method].attached
    heads, embed = attached.head, attached.embed
    run = Run(bundle, [1, 2, 3], DecodeConfig(method, 20, tree=BUSHY))
    for this in run:
        if not this.nodes.num_drafted:
            continue
        states = hidden_states(bundle, run.history[: this.start - 1])
        with torch.inference_mode():
            state = (heads.prefix(states[None])[0] if method == "hydra++" else states)[-1]
            for node in range(1, len(this.nodes.token)):
                above, words = this.nodes.parent[node], []
                depth = this.nodes.depth[node]
                while above >= 0:
                    words.insert(0, embed(torch.tensor(this.nodes.token[above])))
                    above = this.nodes.parent[above]
                hidden = heads.guess(depth - 1, torch.cat([state, *words])[None])
                law = heads.logits(depth - 1, hidden, attached.lm_head)[0].softmax(-1)
                rank, token = this.nodes.rank[node], this.nodes.token[node]
                assert int(law.argsort(descending=True)[rank]) == token
                assert this.nodes.draft_prob[node] == pytest.approx(float(law[token]), rel=1e-3)


@pytest.mark.parametrize("method", ["hydra", "hydra++"])
@pytest.mark.parametrize("options", [{}, {"grounded": False}, {"draft_vocab": 7}])
@pytest.mark.parametrize("size", [1, 9, 40])
def test_hydras_tree_holds_the_best_nodes_that_its_heads_can_tell(method, options, size):
    """Against the paper's rule with a law computed for every path by itself."""
    bundle = head_bundle(method, 14, 3, num_heads=3, **options)
    attached, prompt = bundle.heads[method].attached, [1, 2, 3]
    this = next(Run(bundle, prompt, DecodeConfig(method, 20, tree=size)))
    states, heads = hidden_states(bundle, prompt[:-1]), attached.head

    class Table:
        def children(self, path, width):
            with torch.inference_mode():
                state = heads.prefix(states[None])[0, -1] if heads.prefix else states[-1]
                words = attached.embed(torch.tensor([prompt[-1], *path])).flatten()
                row = torch.cat([state, words]) if heads.grounded else state
                hidden = heads.guess(len(path), row[None])
                logits = heads.logits(len(path), hidden, attached.lm_head)
                (tokens,), (chances,) = attached.vocab.top(logits, min(width, size))
            return list(zip(tokens, chances, strict=True))

    paths = [()]
    for node in range(1, len(this.nodes)):
        paths.append((*paths[this.nodes.parent[node]], this.nodes.token[node]))
    assert sorted(paths[1:]) == sorted(path for path, _ in papers(Table(), 10, 3, size))


@pytest.mark.parametrize("method", GUESSING)
def test_a_stored_tree_of_the_size_asked_for_shapes_static_drafts(method):
    """Hydra's most probable tokens make a dynamic tree, whatever is stored."""
    chain, star = ((0,), (0, 0), (0, 0, 0)), ((0,), (1,), (2,))
    trees = TreeFile(Trees(by_size={3: star}), Trees(by_size={3: chain}))
    bundle = head_bundle(method, trees=trees)
    run = Run(bundle, [1, 2, 3], DecodeConfig(method, 20, tree=3, **SAMPLED))
    assert next(run).nodes.parent == (-1, 0, 1, 2)
    for temperature in (0.0, 1.0):
        run = Run(bundle, [1, 2, 3], DecodeConfig(method, 20, tree=3, temperature=temperature))
        assert (next(run).nodes.parent == (-1, 0, 0, 0)) == (method == "medusa")
    run = Run(bundle, [1, 2, 3], DecodeConfig(method, 20, tree=2))
    assert next(run).nodes.num_drafted == 2


@pytest.mark.parametrize("method", GUESSING)
def test_measured_chances_shape_the_tree(method):
    for chances, parents in (
        (((0.9, 0.05), (0.9, 0.05), (0.9, 0.05)), (-1, 0, 1, 2)),
        (((0.4, 0.3, 0.2), (0.1, 0.1), (0.1, 0.1)), (-1, 0, 0, 0)),
    ):
        bundle = head_bundle(method, trees=TreeFile(Trees(chances)))
        run = Run(bundle, [1, 2, 3], DecodeConfig(method, 20, tree=3, **DRAWN[method]))
        assert next(run).nodes.parent == parents


@pytest.mark.parametrize("method", GUESSING)
def test_the_header_names_the_heads_and_says_how_their_children_are_judged(method):
    bundle = head_bundle(method)
    header = Run(bundle, [1, 2], DecodeConfig(method, 4, tree=2, temperature=1.0)).header
    assert header.draft == bundle.heads[method].weights and header.has_point_mass
    drawn = DecodeConfig(method, 4, tree=2, temperature=1.0, drafting="sampled")
    assert not Run(bundle, [1, 2], drawn).header.has_point_mass
    assert ("hydra++" in header.slot_bytes) == (method == "hydra++")


@pytest.mark.parametrize("method", GUESSING)
def test_a_run_leaves_nothing_behind_in_the_target(method):
    """Masks and hooks of a run must not reach whoever uses the model next."""
    bundle = head_bundle(method)
    tokens = torch.tensor([[1, 2, 3, 4]])
    before = bundle.target(input_ids=tokens)
    run = Run(bundle, [1, 2, 3], DecodeConfig(method, 12, tree=BUSHY))
    next(run), next(run)
    after = bundle.target(input_ids=tokens)
    assert torch.equal(before.logits, after.logits) and after.hidden_states is None


@pytest.mark.parametrize("method", GUESSING)
def test_the_same_seed_gives_the_same_trace_and_another_another(method):
    def play(seed):
        config = DecodeConfig(
            method, 24, temperature=1.0, tree=BUSHY, drafting="sampled", seed=seed
        )
        return [(this.nodes, this.emitted, this.laws) for this in Run(bundle, [1, 2, 3], config)]

    bundle = head_bundle(method)
    assert play(5) == play(5) != play(6)


def test_heads_run_in_the_targets_dtype():
    """What a GPU would run: the states' dtype is the target's, and so is the heads'."""
    bundle = head_bundle("hydra++", dtype=torch.bfloat16)
    run = Run(bundle, [1, 2, 3], DecodeConfig("hydra++", 12, tree=BUSHY))
    cache = run._drafter.context.cache
    assert sum(this.nodes.num_drafted for this in run) > 0
    assert cache.keys.dtype == torch.bfloat16
