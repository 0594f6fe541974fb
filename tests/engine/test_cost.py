from itertools import count

import pytest
from transformers import GPT2Config, GPT2LMHeadModel

from engine.cost import SIZES, calibrate, measure


def timings(*, slow=0.0, base=None):
    """A clock: a pass of n nodes takes ``base[n]``, the first of each size and some others more."""
    base = base or {1: 1.0, 2: 1.1, 8: 1.5, 16: 2.0, 64: 6.0}
    calls = {size: count() for size in base}

    def seconds_of(size):
        call = next(calls[size])
        return base[size] + (9.0 if call == 0 else slow * (call % 2))

    return seconds_of, base, calls


def test_a_cost_is_the_fastest_timing_and_the_first_of_each_size_does_not_count():
    seconds_of, base, _ = timings(slow=0.5)
    cost = measure(seconds_of, tuple(base))
    assert (cost.nodes, cost.seconds) == (tuple(base), tuple(base.values()))


def test_a_first_pass_that_is_the_fastest_by_chance_is_not_believed():
    calls = count()
    cost = measure(lambda size: 0.1 if next(calls) == 0 else 1.0, (1, 2))
    assert cost.seconds == (1.0, 1.0)


def test_a_larger_pass_is_never_cheaper():
    seconds_of, base, _ = timings(base={1: 1.0, 2: 0.8, 4: 1.2})
    assert measure(seconds_of, tuple(base)).seconds == (1.0, 1.0, 1.2)


def test_of_sizes_in_the_wrong_order_the_smaller_was_hit_by_something():
    """One slow moment is not to make all larger trees dear."""
    seconds_of, base, _ = timings(base={1: 1.0, 2: 1.1, 4: 9.0, 8: 1.5, 64: 6.0})
    assert measure(seconds_of, tuple(base)).seconds == (1.0, 1.1, 1.5, 1.5, 6.0)


def test_small_passes_are_timed_more_often_than_large_ones():
    """By their ratio a tree is drafted or not: some percent there are the whole of its gain."""
    seconds_of, base, calls = timings()
    measure(seconds_of, tuple(base))
    times = {size: next(calls[size]) for size in base}
    assert times[1] == times[2] == times[8] == times[16] > 2 * times[64] > 2


def test_a_slow_start_hits_large_passes_no_more_than_small_ones():
    """The machine is slow for the first half: each size has a timing in the other."""
    base = {1: 1.0, 8: 1.5, 64: 5.0}
    calls, total = count(), len(_made(tuple(base)))
    cost = measure(lambda size: base[size] * (3.0 if next(calls) < total / 2 else 1.0), tuple(base))
    assert cost.seconds == tuple(base.values())


def _made(sizes):
    """The sizes that are timed, in their order."""
    order = []
    measure(lambda size: order.append(size) or 1.0, sizes)
    return order


@pytest.mark.parametrize("sizes", [(1,), (64,)])
def test_one_size_alone_is_a_cost_too(sizes):
    assert measure(lambda _: 2.0, sizes).seconds == (2.0,)


@pytest.mark.parametrize(("context", "sizes"), [(100, 9), (40, 8), (3, 2), (1, 1)])
def test_a_model_that_reads_few_tokens_is_timed_at_the_sizes_that_it_reads(context, sizes):
    """Learned positions end with the table."""
    config = GPT2Config(vocab_size=14, n_positions=context, n_embd=16, n_layer=1, n_head=2)
    cost = calibrate(GPT2LMHeadModel(config).eval())
    assert cost.nodes == SIZES[:sizes]
