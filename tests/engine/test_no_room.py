"""What memory does not hold is said in a sentence, and what was played before it stands.

The models are tables whose keys are views of one number that nothing could store: it is the
machine's own allocator that refuses.
"""

import pytest
import torch

from engine import NoRoomError
from engine.attention.tree_attention import use_tree_attention
from engine.config import MAX_NODES, DecodeConfig
from engine.decoding import decode
from engine.device.cache import StaticCache
from engine.no_room import cache_fits, passes_fit
from engine.trace import Trace
from tests.engine.device.test_run import bundle_for
from tests.engine.heads.features import feature_bundle
from tests.engine.heads.guessers import head_bundle
from tests.tables import TableModel, table_bundle

HUGE = 2**50  # numbers a key: more than an address can name, for any number of slots
CARD = "CUDA out of memory. Tried to allocate 2.00 GiB.\nAdvice for torch's own users."


def keeps(cache, rows, dtype):
    """Ask ``cache`` to keep so many rows: their keys need no memory until it does."""
    keys = torch.zeros(1, 1, 1, 1, dtype=dtype).expand(1, 1, rows, HUGE)
    cache.update(keys, keys, 0)


class Boundless(TableModel):
    """A model whose keys nothing can store."""

    def forward(self, input_ids, position_ids, attention_mask, past_key_values, **_):
        keeps(past_key_values, input_ids.shape[1], self.dtype)


class Tired(TableModel):
    """Its passes fail from the ``last`` one on, in the words of ``error``."""

    passes, last, error = 0, 4, torch.OutOfMemoryError(CARD)

    def forward(self, *args, **more):
        self.passes += 1
        if self.passes >= self.last:
            raise self.error
        return super().forward(*args, **more)


def boundless(name):
    """A bundle one of whose caches no memory holds."""
    if name == "eagle":
        bundle = feature_bundle("eagle", 14, 3)
        bundle.heads["eagle"].attached.head.config.head_dim = HUGE
    elif name == "hydra++":
        bundle = head_bundle("hydra++", 14, 3)
        bundle.heads["hydra++"].attached.head.prefix.config.head_dim = HUGE
    else:
        bundle = table_bundle()
        setattr(bundle, name, Boundless(12))
    return bundle


@pytest.mark.parametrize("prompt", [[1, 2, 3], [1]], ids=["with the prompt", "in a round"])
@pytest.mark.parametrize("tree", [4, "auto"])
@pytest.mark.parametrize(("name", "method"), [("target", "lookup"), ("draft", "draft")])
def test_a_cache_that_memory_does_not_hold_is_named_by_its_size(prompt, name, method, tree):
    bundle = boundless(name)
    with pytest.raises(NoRoomError) as caught:
        list(decode(bundle, prompt, DecodeConfig(method, 20, tree=tree)))
    said = str(caught.value)
    slots = len(prompt) + 20 + MAX_NODES + 1
    assert said.startswith(f"The {name} cache does not fit in memory: {slots} slots (the prompt")
    assert "of 16,384 TiB each take" in said and "on cpu, in float64" in said
    assert said.endswith("Fewer new tokens, a shorter prompt or a smaller dtype would take less.")


@pytest.mark.parametrize("method", ["eagle", "hydra++"])
def test_so_is_the_cache_of_heads(method):
    with pytest.raises(NoRoomError, match="cache does not fit in memory: .* in float32\\."):
        decode(boundless(method), [1, 2, 3], DecodeConfig(method, 20, tree=4))


def test_a_smaller_dtype_is_no_advice_where_there_is_none():
    row = torch.zeros(1, dtype=torch.bfloat16)
    told = pytest.raises(NoRoomError, match=r"take 3\.5 KiB .* Fewer new tokens or a shorter prom")
    with told, cache_fits("draft", 7, 512, row):
        torch.zeros(HUGE)


def test_memory_that_gives_out_later_leaves_the_rounds_before_and_an_end(tmp_path):
    bundle = table_bundle()
    bundle.target = Tired(12)
    run, played = decode(bundle, [1, 2], DecodeConfig("plain", 20)), []
    with pytest.raises(NoRoomError) as caught:
        played.extend(run)  # a list keeps what it was given before
    said = "Memory gave out in round 3 (CUDA out of memory. Tried to allocate 2.00 GiB). Fewer"
    assert str(caught.value).startswith(said) and "\n" not in str(caught.value)
    assert len(played) == 2 == len(run.generated)
    assert (run.end.reason, run.end.rounds, run.end.tokens) == ("memory", 2, 2)
    assert not run.end.is_whole and list(run) == []
    cut = Trace(run.header, tuple(played), run.end)
    cut.save(tmp_path / "cut.jsonl")
    assert Trace.load(tmp_path / "cut.jsonl") == cut


def test_a_recorded_trace_keeps_the_rounds_before_memory_gave_out():
    bundle = table_bundle()
    bundle.target = Tired(12)
    trace = Trace.record(bundle, [1, 2], DecodeConfig("plain", 20))
    assert (len(trace.rounds), len(trace.token_ids), trace.end.reason) == (2, 2, "memory")


def test_a_recorded_trace_of_no_round_at_all_is_none():
    bundle = table_bundle()
    bundle.target = Tired(12)
    bundle.target.last = 2
    with pytest.raises(NoRoomError, match="in round 1"):
        Trace.record(bundle, [1, 2], DecodeConfig("plain", 20))


def test_another_error_of_a_library_is_not_taken_for_a_want_of_memory():
    bundle = table_bundle()
    bundle.target = Tired(12)
    bundle.target.error = RuntimeError("the device is gone")
    with pytest.raises(RuntimeError, match="^the device is gone$"):
        list(decode(bundle, [1, 2], DecodeConfig("plain", 20)))


def test_the_hosts_own_allocator_is_quoted_without_its_source_file():
    told = pytest.raises(NoRoomError, match=r"while it read \(can't allocate memory: you tried")
    with told, passes_fit("while it read"):
        torch.zeros(HUGE)


def test_a_lane_that_does_not_fit_is_the_ordinary_loop_even_so(monkeypatch, capsys):
    bundle = bundle_for("draft")
    use_tree_attention(bundle.target)
    bundle.wants_static = True

    def refused(cache, key, value):
        torch.zeros(HUGE)

    monkeypatch.setattr(StaticCache, "allocate", refused)
    run = decode(bundle, [1, 2, 3], DecodeConfig("plain", 6))
    assert len(list(run)) == 6
    assert "wait for the host: The target cache does not fit in memory: 1,024 slots" in (
        capsys.readouterr().err
    )
