"""Above temperature 0 the texts of every method follow the target's law, all processors on."""

import math
from itertools import product

import pytest
import torch

from engine import rule
from engine.config import DecodeConfig
from engine.decoding import Run
from engine.sampling import Sampler
from tests.fakes import METHODS
from tests.tables import table_bundle

VOCAB, PROMPT, DRAWS = 12, [3, 7, 3, 5, 3], 1500
PROCESSORS = {"temperature": 0.9, "top_k": 6, "top_p": 0.9, "repetition_penalty": 1.3}
CASES = {
    "plain": {},
    "lookup": {"method": "lookup", "tree": 2},
    "lookup by block": {"method": "lookup", "tree": 2, "rule": "block"},
    "suffix": {"method": "suffix", "tree": 4},  # 7 and 5 have followed 3
    "draft": {"method": "draft", "tree": 2},
    "draft by block": {"method": "draft", "tree": 2, "rule": "block"},
    "draft_tree": {"method": "draft_tree", "tree": ((0,), (1,), (0, 0), (0, 1))},
}


@pytest.fixture(scope="module")
def bundle():
    return table_bundle(VOCAB, 51)


@pytest.fixture(scope="module")
def expected(bundle) -> dict[tuple[int, int], float]:
    """The exact law of the first two tokens, from the target's own logits."""
    sampler, found = Sampler(DecodeConfig(**PROCESSORS)), {}

    def law(text):
        return sampler.laws(bundle.target.logits_after(text)[None], [text])[0]

    first = law(PROMPT)
    for one in range(VOCAB):
        second = law([*PROMPT, one])
        for two in range(VOCAB):
            found[one, two] = float(first[one] * second[two])
    assert sum(found.values()) == pytest.approx(1.0, abs=1e-9)
    return found


def counts(bundle, case: str) -> dict[tuple[int, int], int]:
    """First two tokens of many runs, by seed."""
    found = dict.fromkeys(product(range(VOCAB), repeat=2), 0)
    for seed in range(DRAWS):
        config = DecodeConfig(
            max_new_tokens=3, seed=seed, num_draft=2, record=False, **PROCESSORS, **CASES[case]
        )
        run = Run(bundle.for_visitor(), PROMPT, config)
        while len(run.generated) < 2:
            next(run)
        found[run.generated[:2]] += 1
    return found


def p_value(observed, expected) -> float:
    """Of Pearson's chi-square, cells under 5 pooled (Wilson and Hilferty's approximation)."""
    cells = [(observed[key], DRAWS * chance) for key, chance in expected.items()]
    assert all(mean > 0 or seen == 0 for seen, mean in cells), "a text of probability 0 came out"
    large = [cell for cell in cells if cell[1] >= 5]
    small = [cell for cell in cells if cell[1] < 5]
    large.append((sum(seen for seen, _ in small), sum(mean for _, mean in small)))
    statistic = sum((seen - mean) ** 2 / mean for seen, mean in large if mean > 0)
    degrees = len(large) - 1
    normal = (statistic / degrees) ** (1 / 3) - (1 - 2 / (9 * degrees))
    return 0.5 * math.erfc(normal / math.sqrt(2 / (9 * degrees)) / math.sqrt(2))


@pytest.mark.parametrize("case", CASES)
def test_the_first_two_tokens_follow_the_targets_law(case, bundle, expected):
    """Seeds are fixed: a right decoder fails never, a wrong one (below) always."""
    assert p_value(counts(bundle, case), expected) > 0.001


def test_a_verifier_that_draws_from_the_target_instead_of_the_residual_is_found_out(
    bundle, expected, monkeypatch
):
    """The control: what the chi-square of this size can see."""

    def wrong(tokens, parents, draft_laws, target_laws, uniforms, ends):
        judgement = decoding_judge(tokens, parents, draft_laws, target_laws, uniforms, ends)
        if judgement.extra is None:
            return judgement
        law = target_laws[judgement.path[-1]]
        extra = int(torch.searchsorted(law.double().cumsum(-1), uniforms[0]).clamp_max(VOCAB - 1))
        return judgement._replace(extra=extra)

    decoding_judge = rule.judge
    monkeypatch.setattr(rule, "judge", wrong)
    assert p_value(counts(bundle, "draft_tree"), expected) < 1e-6


@pytest.mark.parametrize("method", METHODS)
def test_the_same_seed_gives_the_same_text(method, bundle):
    config = DecodeConfig(method, 20, seed=5, tree=4, num_draft=3, **PROCESSORS)
    one, two = Run(bundle.for_visitor(), PROMPT, config), Run(bundle.for_visitor(), PROMPT, config)
    for first, second in zip(one, two, strict=True):
        assert (first.nodes, first.emitted, first.laws) == (
            second.nodes,
            second.emitted,
            second.laws,
        )


@pytest.mark.parametrize("method", METHODS)
def test_the_text_of_suffix_decoding_alone_depends_on_what_was_decoded_before(method, bundle):
    visitor, config = bundle.for_visitor(), DecodeConfig(method, 20, 1.0, seed=3, tree=4)
    texts = []
    for _ in range(3):
        run = Run(visitor, PROMPT, config)
        list(run)
        texts.append(run.generated)
    assert (len({*texts}) == 1) == (method != "suffix")
