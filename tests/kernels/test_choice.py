"""Which implementation runs: what was asked for, only where it is right."""

import pytest
import torch
from torch.nn.attention import flex_attention

import kernels.judging_trials
import kernels.moving_trials
import kernels.row_trials
import kernels.trials
from kernels.attention_shape import AttentionShape
from kernels.choice import choose
from kernels.tiles import table_of
from kernels.trials import fault, flex_fault

SHAPE = AttentionShape(torch.device("cpu"), torch.float32, 64, 3, 64)
HOMES = pytest.mark.parametrize(
    ("home", "name"),
    [
        (kernels.trials, "tree_attention_triton"),
        (kernels.moving_trials, "commit_triton"),
        (kernels.moving_trials, "rotary_write_triton"),
        (kernels.row_trials, "add_norm_triton"),
        (kernels.row_trials, "gated_triton"),
        (kernels.judging_trials, "accept_triton"),
        (kernels.judging_trials, "accept_greedy_triton"),
        (kernels.judging_trials, "top_entries_triton"),
    ],
)


@pytest.fixture(autouse=True)
def _afresh(monkeypatch):
    fault.cache_clear()
    flex_fault.cache_clear()
    monkeypatch.setenv("SPECULOSCOPE_KERNELS", "triton")
    monkeypatch.setattr("kernels.device._refused", {})
    monkeypatch.setattr(flex_attention, "_FLEX_ATTENTION_DISABLE_COMPILE_DEBUG", True)
    yield
    fault.cache_clear()
    flex_fault.cache_clear()


def test_kernels_that_are_right_are_chosen():
    assert choose(SHAPE) == ("triton", "asked for")


@HOMES
def test_a_kernel_that_fails_is_not_used_and_the_reason_is_told(home, name, monkeypatch):
    def failing(*_, **__):
        raise RuntimeError("first line\nptxas gave up")

    monkeypatch.setattr(home, name, failing)
    path, reason = choose(SHAPE)
    assert path == "reference" and "ptxas gave up" in reason


@HOMES
def test_a_kernel_that_is_wrong_is_not_used(home, name, monkeypatch):
    right = getattr(home, name)

    def wrong(*arguments, **options):
        found = right(*arguments, **options)
        changed = arguments[0] if found is None else found[0]
        changed.view(-1)[changed.numel() // 2] += 1
        return found

    monkeypatch.setattr(home, name, wrong)
    path, reason = choose(SHAPE)
    assert path == "reference" and "wrong result" in reason
    assert choose(SHAPE).path == "reference"


@pytest.mark.parametrize("rows", [tile.rows for tile in table_of(9)[4, 64]])
def test_every_tile_that_trees_of_that_size_take_is_tried(rows, monkeypatch):
    """Wrong with one tile only, as a compiler may be."""
    right = kernels.trials.tree_attention_triton

    def wrong(*arguments, **options):
        found = right(*arguments, **options)
        if arguments[7].rows == rows:
            found.out[0] += 1
        return found

    monkeypatch.setattr(kernels.trials, "tree_attention_triton", wrong)
    assert "wrong result" in choose(SHAPE).reason


@pytest.mark.parametrize("part", [0, 1], ids=["mean", "share"])
def test_no_numbers_at_all_are_wrong(part, monkeypatch):
    right = kernels.trials.tree_attention_triton

    def wrong(*arguments, **options):
        found = right(*arguments, **options)
        found[part][0] = torch.nan
        return found

    monkeypatch.setattr(kernels.trials, "tree_attention_triton", wrong)
    assert "wrong result" in choose(SHAPE).reason


def test_the_tiles_of_larger_trees_are_not_compiled_for_small_ones(monkeypatch):
    tried, right = [], kernels.trials.tree_attention_triton

    def noted(*arguments, **options):
        tried.append((len(arguments[0]), arguments[7].rows))
        return right(*arguments, **options)

    monkeypatch.setattr(kernels.trials, "tree_attention_triton", noted)
    fault(SHAPE._replace(group=4, nodes=4))
    assert {tile for _, tile in tried} == {16} and max(rows for rows, _ in tried) == 4
    fault(SHAPE._replace(group=4, nodes=256))
    assert {tile for _, tile in tried} == {16, 32} and max(rows for rows, _ in tried) == 65


def test_a_mask_that_is_wrong_behind_its_first_word_is_seen(monkeypatch):
    right = kernels.trials.tree_attention_triton

    def wrong(query, keys, values, length, count, bits, *more, **options):
        bits = bits.clone()
        bits[:, 1:] = 0
        return right(query, keys, values, length, count, bits, *more, **options)

    monkeypatch.setattr(kernels.trials, "tree_attention_triton", wrong)
    assert "of 64 rows gave a wrong result" in choose(SHAPE).reason


def test_what_was_asked_for_is_what_runs(monkeypatch):
    for asked in ("reference", "flex"):
        monkeypatch.setenv("SPECULOSCOPE_KERNELS", asked)
        assert choose(SHAPE) == (asked, "asked for")
