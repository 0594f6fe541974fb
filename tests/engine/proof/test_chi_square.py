import math

import pytest
import torch

from engine.proof.chi_square import LEAST, fit, survival
from engine.proof.results import ALPHA


@pytest.mark.parametrize(
    ("statistic", "freedom", "expected"),  # the quantiles that tables print
    [(3.841459, 1, 0.05), (5.991465, 2, 0.05), (16.918978, 9, 0.05), (29.588298, 10, 0.001)],
)
def test_survival_is_what_tables_of_the_chi_square_law_say(statistic, freedom, expected):
    assert survival(statistic, freedom) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("statistic", [0.0, 0.7, 12.0, 90.0])
def test_survival_with_two_degrees_of_freedom_is_an_exponential(statistic):
    assert survival(statistic, 2) == pytest.approx(math.exp(-statistic / 2), rel=1e-12)


def test_the_statistic_is_the_sum_one_does_by_hand():
    law = torch.tensor([0.5, 0.3, 0.2])
    found = fit("first", law, {0: 60, 1: 25, 2: 15}, 100, str)
    assert found.statistic == pytest.approx(100 / 50 + 25 / 30 + 25 / 20, rel=1e-6)
    assert (found.freedom, found.token, found.piece) == (2, (0, 1, 2), ("0", "1", "2"))
    assert found.p_value == pytest.approx(math.exp(-found.statistic / 2))


def test_rare_tokens_are_pooled_until_enough_are_expected():
    law = torch.tensor([0.5, 0.4, *[0.01] * 10], dtype=torch.float64)
    found = fit("first", law, {0: 52, 1: 38, 5: 7, 9: 3}, 100, str)
    assert found.token == (0, 1)
    assert (found.pooled_tokens, found.pooled_observed) == (10, 10)
    assert found.pooled_expected == pytest.approx(10)
    thin = torch.tensor([0.6, 0.37, 0.01, 0.01, 0.01], dtype=torch.float64)
    found = fit("first", thin, {0: 60, 1: 37, 4: 3}, 100, str)
    assert found.token == (0,) and found.pooled_expected == pytest.approx(40)
    assert min(found.expected) >= LEAST


def test_a_token_without_mass_counts_against_the_rule():
    law = torch.tensor([0.5, 0.5, 0.0])
    found = fit("first", law, {0: 450, 1: 450, 2: 100}, 1000, str)
    assert found.is_refuted and found.p_value < ALPHA
    assert sum(found.observed) + found.pooled_observed == 1000


@pytest.mark.parametrize("counts", [{}, {1: 50}])
def test_a_law_of_one_token_or_no_counts_prove_nothing_and_say_so(counts):
    found = fit("bonus", torch.tensor([0.0, 1.0]), counts, 60, str)
    assert found.p_value is None and not found.is_refuted
    assert (found.counted, found.freedom) == (sum(counts.values()), 0)
