"""What a run adds up to, against rounds written out by hand."""

import subprocess
import sys
from itertools import compress
from math import comb

import pytest

from engine.records import CacheStep, Emitted, Nodes, Round, Seconds
from engine.run_facts import End, Yardstick
from engine.stats import (
    Ratio,
    Tally,
    acceptance_by_depth,
    acceptance_rate,
    drafted_kept,
    mean_accepted_length,
    speed_up,
)


def a_round(parent: tuple[int, ...], verdict: tuple[str, ...], emitted: int) -> Round:
    none = (None,) * len(parent)
    return Round(
        index=0,
        start=5,
        nodes=Nodes((0,) * len(parent), parent, (0,) * len(parent), none, none, none, verdict),
        emitted=Emitted(
            (0,) * emitted, ("accepted",) * (emitted - 1) + ("bonus",), ("",) * emitted
        ),
        laws=(),
        caches=(CacheStep("target", 4, len(parent), (4,)),),
        seconds=Seconds(draft=0.1, verify=0.3, accept=0.0, commit=0.1),
    )


PLAIN = a_round((-1,), ("root",), 1)
# root -> 1 (rejected), 2 (accepted) -> 3 (rejected); 4 hangs below 1
TREE = a_round((-1, 0, 0, 2, 1), ("root", "rejected", "accepted", "rejected", "untested"), 2)
CHAIN = a_round((-1, 0, 1), ("root", "accepted", "accepted"), 3)


def test_plain_decoding_emits_one_token_a_pass():
    assert mean_accepted_length([PLAIN, PLAIN]).value == 1.0


def test_the_extra_token_counts_into_the_mean_accepted_length():
    assert mean_accepted_length([TREE, CHAIN]) == Ratio(5, 2)


def test_untested_nodes_are_in_no_acceptance_rate():
    assert acceptance_rate([TREE]) == Ratio(1, 3)
    assert drafted_kept([TREE]) == Ratio(1, 4)


def test_acceptance_by_depth_keeps_its_denominators():
    assert acceptance_by_depth([TREE, CHAIN]) == (Ratio(2, 3), Ratio(1, 2))


def test_what_a_block_refuses_with_its_first_says_nothing_of_the_draft():
    """By any other rule nothing below a refused node is judged."""
    block = a_round((-1, 0, 1, 2), ("root", "accepted", "rejected", "rejected"), 2)
    assert block.nodes.tested == (1, 2)
    assert acceptance_by_depth([block]) == (Ratio(1, 1), Ratio(0, 1))
    assert acceptance_rate([block]) == Ratio(1, 2)


def test_nothing_measured_has_no_value_rather_than_a_zero():
    assert mean_accepted_length([]).value is None
    assert acceptance_rate([PLAIN]).value is None
    assert acceptance_by_depth([]) == ()


def test_adding_round_by_round_equals_adding_all():
    tally = Tally()
    for this in (TREE, PLAIN, CHAIN):
        tally.add(this)
    assert tally == Tally.of([TREE, PLAIN, CHAIN])
    assert tally.acceptance_rate == acceptance_rate([TREE, PLAIN, CHAIN])


def test_time_shares_are_parts_of_all_phases():
    share = Tally.of([TREE, CHAIN]).time_share("draft")
    assert share == pytest.approx((0.2, 1.0))
    shares = [Tally.of([TREE]).time_share(p).value for p in ("draft", "verify", "accept", "commit")]
    assert sum(shares) == pytest.approx(1.0)


def test_speed_up_divides_tokens_per_second():
    end = End("length", 2, 10, 1.0, Yardstick(tokens=20, seconds=4.0, same_tokens=10))
    assert speed_up(end) == Ratio(10.0, 5.0)
    assert speed_up(end).value == 2.0


@pytest.mark.parametrize(
    "end", [None, End("eos", 1, 1, 1.0), End("eos", 0, 0, 0.0, Yardstick(0, 0.0, 0))]
)
def test_speed_up_is_absent_where_plain_was_not_measured(end):
    assert speed_up(end) is None


def test_statistics_import_without_torch():
    code = "import sys; import engine.stats; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("trials", [5, 20, 80])
def test_the_interval_holds_the_true_share_nineteen_times_in_twenty(trials):
    shares = [step / 50 for step in range(1, 50)]
    covered = []
    for share in shares:
        chances = [
            comb(trials, part) * share**part * (1 - share) ** (trials - part)
            for part in range(trials + 1)
        ]
        within = [low <= share <= high for low, high in _intervals(trials)]
        covered.append(sum(compress(chances, within)))
    assert sum(covered) / len(covered) == pytest.approx(0.95, abs=0.015)
    assert min(covered) > 0.83  # the score interval's own weakness, near 0 and 1


def test_the_interval_is_narrower_the_more_was_tried_and_never_leaves_the_possible():
    assert Ratio(0, 0).interval == (0.0, 1.0)
    assert Ratio(8, 10).interval == pytest.approx((0.490, 0.943), abs=1e-3)
    assert all(0 <= low <= i / 7 <= high <= 1 for i, (low, high) in enumerate(_intervals(7)))
    few, many = Ratio(3, 4).interval, Ratio(300, 400).interval
    assert few[0] < many[0] < 0.75 < many[1] < few[1]


def _intervals(trials):
    return [Ratio(part, trials).interval for part in range(trials + 1)]
