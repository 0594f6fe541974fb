"""Settings that make no sense are refused in a sentence that names them."""

import math

import pytest

from engine.config import MAX_NEW_TOKENS, MAX_NODES, DecodeConfig


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("max_new_tokens", 1, MAX_NEW_TOKENS),
        ("temperature", 0.0, 100.0),
        ("repetition_penalty", 0.01, 100.0),
        ("seed", 0, 2**53 - 1),
        ("num_draft", 1, 64),
        ("top_k", 1, 2**31 - 1),
        ("top_p", 1e-9, 1.0),
        ("tree", 0, MAX_NODES),
    ],
)
def test_numbers_stay_within_their_bounds(name, low, high):
    step = 1 if isinstance(low, int) else 0.001
    DecodeConfig(**{name: low})
    DecodeConfig(**{name: high})
    for value in (low - step, high + step, -(10**400), 10**400):
        with pytest.raises(ValueError, match=f"^{name} must be between"):
            DecodeConfig(**{name: value})
    for value in (True, "7", math.nan, [1], 1j):
        with pytest.raises(ValueError, match=f"^{name} must be"):
            DecodeConfig(**{name: value})
    for value in (math.inf, -math.inf):
        with pytest.raises(ValueError, match=f"^{name} must be"):
            DecodeConfig(**{name: value})


@pytest.mark.parametrize("name", ["max_new_tokens", "seed", "num_draft", "top_k"])
def test_a_fraction_is_no_whole_number(name):
    with pytest.raises(ValueError, match=f"^{name} must be a whole number, got 2.0"):
        DecodeConfig(**{name: 2.0})


@pytest.mark.parametrize("name", ["num_draft", "top_k", "top_p"])
def test_none_switches_a_setting_off(name):
    assert getattr(DecodeConfig(**{name: None}), name) is None


@pytest.mark.parametrize(
    ("field", "reason"),
    [
        ({"method": None}, "method must be a name"),
        ({"method": ["plain"]}, "method must be a name"),
        ({"temperature": 1e-45}, "temperature must be 0 or at least 0.001"),
        ({"rule": "greedy"}, "rule must be 'recursive' or 'block', got 'greedy'"),
        ({"rule": None}, "rule must be"),
        ({"drafting": "best"}, "drafting must be 'top' or 'sampled', got 'best'"),
        ({"chat": "no"}, "chat and record must be yes or no"),
        ({"record": 3}, "chat and record must be yes or no"),
        ({"tree": ((False,),)}, "must hold ranks from 0 up"),
        ({"stop": ("",)}, "stop must be a tuple of non-empty strings"),
        ({"stop": "end"}, "stop must be a tuple"),
        ({"stop": 5}, "stop must be a tuple"),
        ({"stop": (5,)}, "stop must be a tuple"),
        ({"stop": ("\udc00",)}, "stop holds half a character"),
        ({"stop": ("a" * 10_001,)}, "stop must hold at most 10,000 characters, got 10,001"),
        ({"stop": ("a",) * 10**6}, "stop must hold at most 10,000 characters"),
        ({"max_new_tokens": 10**5000}, "max_new_tokens must be .* of too many digits"),
        ({"tree": 10**5000}, "tree must be between 0 and 256, got a number of too many"),
        ({"tree": ((10**5000,),)}, "tree path a number of too many digits lacks its elder"),
        ({"tree": (([1],),)}, r"tree path \(\[1\],\) must hold ranks from 0 up"),
        ({"method": {"a": "b" * 500}}, r"method must be a name, got .{60,90}$"),
        ({"tree": "best"}, "tree must be 'auto', a number of nodes or rank paths, got 'best'"),
        ({"tree": 3.5}, "tree must be 'auto'"),
        ({"tree": None}, "tree must be 'auto'"),
        ({"tree": [(0,)]}, "tree must be .* a tuple of tuples"),
        ({"tree": ([0],)}, "tree must be .* a tuple of tuples"),
        ({"tree": ((),)}, r"tree path \(\) must hold ranks"),
        ({"tree": ((-1,),)}, r"tree path \(-1,\) must hold ranks from 0 up"),
        ({"tree": (("0",),)}, "must hold ranks"),
        ({"tree": ((0,), (1, 0))}, r"tree path \(1, 0\) lacks its parent \(1,\)"),
        ({"tree": ((1,),)}, r"tree path \(1,\) lacks its elder sibling \(0,\)"),
        ({"tree": ((0,), (0, 0), (0, 2))}, r"path \(0, 2\) lacks its elder sibling \(0, 1\)"),
        ({"tree": tuple((i,) for i in range(257))}, "tree must have at most 256 nodes, got 257"),
    ],
)
def test_what_has_no_meaning_is_refused(field, reason):
    with pytest.raises(ValueError, match=reason):
        DecodeConfig(**field)


def test_a_tree_may_name_its_paths_in_any_order_and_twice():
    DecodeConfig(tree=((0, 0), (0,), (1,), (0,)))
    DecodeConfig(tree=())


def test_only_temperature_0_is_greedy():
    assert DecodeConfig().is_greedy
    assert not DecodeConfig(temperature=0.001).is_greedy
