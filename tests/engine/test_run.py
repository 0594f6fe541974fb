"""How a run begins and ends, and what its header and its end say."""

import json
from dataclasses import replace
from functools import partial
from threading import Event, Thread
from types import SimpleNamespace

import pytest
import torch

from engine import Trace, cost, decoding, run
from engine.clock import Clock
from engine.config import DecodeConfig
from engine.cut_short import StoppedError
from engine.decoding import Run, decode, measure_plain
from engine.heads import guess_cost, step_cost
from engine.pass_cost import PassCost
from tests.engine.heads.features import feature_bundle
from tests.engine.heads.guessers import head_bundle
from tests.fakes import METHODS, LetterTokenizer, text_of, tiny_bundle
from tests.tables import table_bundle


@pytest.mark.parametrize("method", METHODS)
def test_a_stop_string_ends_the_run_with_the_token_that_completes_it(method):
    bundle = tiny_bundle(13, 5)
    whole = text_of(bundle, [2], DecodeConfig(max_new_tokens=20))
    text = bundle.tokenizer.decode(whole)
    for start in range(18):
        stop = text[start : start + 2]
        config = DecodeConfig(method, 20, stop=("zz", stop), tree=8, num_draft=6)
        trace = Trace.record(bundle.for_visitor(), [2], config)
        assert trace.text == text[: text.index(stop) + 2]
        assert trace.end.reason == "stop"
        last = trace.rounds[-1]
        assert last.nodes.num_accepted == last.emitted.origin.count("accepted")
        assert last.caches[0].after == last.start - 1 + len(last.emitted)


@pytest.mark.parametrize("method", METHODS)
def test_a_full_context_ends_the_run(method):
    bundle = tiny_bundle(13, 5, context=16)
    trace = Trace.record(bundle, [2] * 6, DecodeConfig(method, 50, tree=8, num_draft=6))
    assert (len(trace.token_ids), trace.end.reason) == (10, "context")


def test_closing_a_run_ends_it_where_it_is():
    bundle = tiny_bundle()
    run = decode(bundle, [1, 2], DecodeConfig("suffix", 50, tree=4))
    next(run)
    run.close()
    run.close()
    assert (run.end.reason, run.end.rounds) == ("cancelled", 1)
    assert list(run) == []


def closed_within(run, name):
    """What a thread in ``run``'s next round gets that another closes while it is in ``name``."""
    inside, go_on, found = Event(), Event(), []
    work = getattr(run, name)

    def held(*told):
        inside.set()
        assert go_on.wait(20)
        return work(*told)

    setattr(run, name, held)
    rounds = Thread(target=lambda: found.append(next(run, None)))
    rounds.start()
    assert inside.wait(20)
    closing = Thread(target=run.close)
    closing.start()
    closing.join(0.2)  # as long as a close would take that waits for nothing
    assert run.end is None and closing.is_alive()
    go_on.set()
    closing.join(20), rounds.join(20)
    delattr(run, name)
    return found


def test_closing_a_run_waits_for_the_round_that_another_thread_is_in():
    run = decode(tiny_bundle(), [1, 2], DecodeConfig("draft", 50, tree=4))
    (this,) = closed_within(run, "_record")
    assert run.generated == this.emitted.token
    assert (run.end.reason, run.end.rounds) == ("cancelled", 1) and list(run) == []


def test_a_run_is_a_context_that_closes_behind_itself():
    with decode(tiny_bundle(), [1, 2], DecodeConfig(max_new_tokens=50)) as run:
        next(run)
    assert (run.end.reason, run.end.rounds) == ("cancelled", 1)


def test_a_run_that_is_left_within_its_text_has_ended():
    bundle = tiny_bundle()
    for _ in decode(bundle, [1, 2], DecodeConfig("suffix", 50)):
        break
    assert bundle.memory.tokens.count == 3  # as after a close: its text is remembered


def test_a_run_that_never_began_leaves_nothing_behind():
    """An error in ``__del__`` would be a warning, and those are errors here."""
    bundle = tiny_bundle()
    for prompt, config in (("", DecodeConfig()), ([1, 2, 3], DecodeConfig("suffix", tree=1))):
        with pytest.raises((ValueError, StoppedError)):
            decode(bundle, prompt, config, lambda: True)
    assert bundle.memory.tokens.count == 0


@pytest.mark.parametrize("method", ["plain", "draft_tree"])
def test_a_run_that_is_interrupted_within_a_round_ends_there(method, monkeypatch):
    """Its caches hold half a round: what followed would not be the target's own."""
    bundle, config = table_bundle(), DecodeConfig(method=method, tree=4, max_new_tokens=20)
    run = decode(bundle, "abcabdabc", config)
    first = next(run)

    def interrupt(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(run, "_record", interrupt)
        with pytest.raises(KeyboardInterrupt):
            next(run)
    assert list(run) == [] and (run.end.reason, run.end.rounds) == ("cancelled", 1)
    assert run.generated == first.emitted.token


def test_the_record_says_what_was_done():
    bundle = tiny_bundle()
    config = DecodeConfig("draft_tree", 20, temperature=1.0, tree=((0,), (1,), (0, 0)), seed=4)
    trace = Trace.record(bundle, [1, 2, 3], config)
    assert trace.header.prompt_token == (1, 2, 3) and trace.header.draft is not None
    assert trace.header.config["tree"] == [[0], [1], [0, 0]]
    assert trace.header.slot_bytes == {"target": 2 * 2 * 2 * 8 * 4, "draft": 2 * 2 * 8 * 4}
    assert not trace.header.has_point_mass and trace.header.is_exact
    assert trace.end.tokens == len(trace.token_ids) == 20
    start = 3
    for index, this in enumerate(trace.rounds):
        assert (this.index, this.start) == (index, start)
        start += len(this.emitted)
        for law in this.laws:
            assert set(law.token) <= this.pieces.keys()
            assert len(set(law.token)) == len(law.token)
        assert set(this.nodes.token) <= this.pieces.keys()


def test_verdicts_follow_from_the_recorded_numbers():
    """Somebody else's check of a run: u * q < p for the first child, from the record alone."""
    bundle, checked = tiny_bundle(), 0
    config = DecodeConfig("draft", 200, temperature=1.0, tree=4, num_draft=4, seed=2)
    for this in Trace.record(bundle, [1, 2], config).rounds:
        nodes = this.nodes
        for node in range(1, len(nodes)):
            if nodes.verdict[node] == "untested":
                continue
            bound = nodes.uniform[node] * nodes.draft_prob[node]
            assert (bound < nodes.target_prob[node]) == (nodes.verdict[node] == "accepted")
            checked += 1
    assert checked > 100


def test_origins_tell_recovered_bonus_and_sampled_apart():
    bundle = tiny_bundle()
    origins = set()
    config = DecodeConfig("draft", 200, temperature=1.0, tree=2, num_draft=2)
    for this in Trace.record(bundle, [1, 2], config).rounds:
        last, nodes = this.emitted.origin[-1], this.nodes
        origins.add(last)
        if last == "bonus":
            assert nodes.num_accepted == nodes.num_drafted > 0
        elif last == "recovered":
            assert "rejected" in nodes.verdict
        elif last == "sampled":
            assert nodes.num_drafted == 0
        assert list(this.emitted.origin[:-1]) == ["accepted"] * (len(this.emitted) - 1)
    assert {"bonus", "recovered"} <= origins


def test_recording_off_decodes_the_same_text_with_a_bare_record():
    bundle = tiny_bundle()
    options = {"method": "draft_tree", "max_new_tokens": 20, "temperature": 0.8, "tree": 5}
    full = Trace.record(bundle, [1, 2], DecodeConfig(**options))
    bare = Trace.record(bundle, [1, 2], DecodeConfig(record=False, **options))
    assert bare.token_ids == full.token_ids
    for this, whole in zip(bare.rounds, full.rounds, strict=True):
        assert not this.laws and not this.pieces and this.mass is None
        left_out = {"target_prob": (None,) * len(this.nodes), "accept_prob": None}
        assert this.nodes == replace(whole.nodes, **left_out)  # uniforms, the drafter's: all there


def first_draft_prob(**settings):
    config = DecodeConfig("medusa", 8, tree=((0,), (1,)), **settings)
    return next(decode(head_bundle("medusa"), [1, 2], config)).nodes.draft_prob[1:]


def test_what_heads_hang_as_most_probable_has_their_bare_softmax_at_any_temperature():
    cold, filtered = first_draft_prob(), {"temperature": 0.5, "top_k": 1}
    assert first_draft_prob(drafting="top", **filtered) == cold and len(cold) == 2
    assert first_draft_prob(drafting="sampled", **filtered) == (1.0,)  # of the law drawn from


def test_the_yardstick_counts_the_tokens_that_are_the_same():
    bundle, config = tiny_bundle(), DecodeConfig("lookup", 12, tree=4)
    made = list(text_of(bundle, [1, 2], config))
    assert measure_plain(bundle, [1, 2], config, made).same_tokens == 12
    made[5] = (made[5] + 1) % 14
    assert measure_plain(bundle, [1, 2], config, made).same_tokens == 5
    assert measure_plain(bundle, [1, 2], config, made, lambda: True) is None
    looks = iter([False, True])  # it began, and then somebody wanted another run
    assert measure_plain(bundle, [1, 2], config, made, lambda: next(looks)) is None


def test_the_yardstick_of_a_block_is_the_plain_decoding_that_is_offered(monkeypatch):
    """The device's loop does not know blocks; plain decoding has none."""
    asked = []
    monkeypatch.setattr(decoding, "_kind", lambda _, config: asked.append(config.rule) or Run)
    config = DecodeConfig("lookup", 4, tree=4, rule="block")
    measure_plain(tiny_bundle(), [1, 2], config, [1, 2, 3, 4])
    assert asked == ["recursive"]


def test_a_method_that_is_not_available_is_refused_with_its_reason():
    bundle = tiny_bundle()
    bundle.methods["draft"] = "needs a draft model with the same vocabulary: 7 vs 14"
    with pytest.raises(ValueError, match="needs a draft model with the same vocabulary: 7 vs 14"):
        Run(bundle, [1], DecodeConfig("draft"))
    with pytest.raises(ValueError, match="There is no method 'magic'; there are plain, lookup"):
        Run(bundle, [1], DecodeConfig("magic"))


def test_visitors_do_not_draft_from_each_others_texts():
    bundle = tiny_bundle()
    one, two = bundle.for_visitor(), bundle.for_visitor()
    config = DecodeConfig("suffix", 20, tree=8)
    first = Trace.record(one, [1, 2], config)
    again = Trace.record(one, [1, 2], config)
    other = Trace.record(two, [1, 2], config)
    assert len(again.rounds) < len(first.rounds) == len(other.rounds)
    assert first.token_ids == again.token_ids == other.token_ids


def remembered(bundle, method) -> list[int]:
    """What each of two headers in a row tells, and a line of the file."""
    told = [Trace.record(bundle, [1, 2], DecodeConfig(method, 20, tree=8)) for _ in range(2)]
    written = [json.loads(next(trace.lines())).get("remembered", 0) for trace in told]
    assert written == [trace.header.remembered for trace in told]
    return written


def test_a_suffix_run_tells_how_much_it_remembers_of_earlier_runs():
    """Behind the same prompt it replays the finished text: without this its header were equal."""
    bundle = tiny_bundle()
    Trace.record(bundle, [1, 2], DecodeConfig("plain", 20))
    assert remembered(bundle, "suffix") == [22, 44]  # every run's prompt and text
    assert remembered(bundle, "lookup") == [0, 0]  # copies from its own text alone
    assert remembered(bundle, "draft") == [0, 0]
    assert remembered(bundle.for_visitor(), "suffix") == [0, 22]


def test_a_suffix_run_drafts_from_what_was_remembered_when_it_began():
    bundle = tiny_bundle()
    lone, config = bundle.for_visitor(), DecodeConfig("suffix", 20, tree=8)
    run = decode(bundle, [1, 2], config)
    Trace.record(bundle, [1, 2], config)  # ends while the other is under way
    assert [this.nodes for this in run] == [this.nodes for this in decode(lone, [1, 2], config)]


def calibrations(monkeypatch):
    """What is measured of this machine from now on, and when a run's clock starts, in order."""
    found = []

    def measure(_, sizes):
        found.append("measured")
        return PassCost(tuple(sizes), tuple(map(float, sizes)))

    class Started(Clock):
        def __init__(self):
            found.append("clock")
            super().__init__()

    for module in (cost, step_cost, guess_cost):
        monkeypatch.setattr(module, "measure", measure)
    monkeypatch.setattr(run, "Clock", Started)
    return found


def test_a_method_that_cannot_run_is_refused_before_anything_is_measured(monkeypatch):
    bundle = head_bundle("medusa")
    bundle.methods |= {"medusa": "needs heads that fit", "draft": "needs a draft model"}
    found = calibrations(monkeypatch)
    for method in ("medusa", "draft", "magic"):
        with pytest.raises(ValueError, match=f"ethod '{method}'"):
            decode(bundle, [1, 2], DecodeConfig(method))
    assert found == []


BUNDLES = {
    **dict.fromkeys(METHODS, tiny_bundle),
    **{method: partial(head_bundle, method) for method in ("medusa", "hydra")},
    **{method: partial(feature_bundle, method) for method in ("eagle", "eagle2", "eagle3")},
}


@pytest.mark.parametrize("method", BUNDLES)
@pytest.mark.parametrize("tree", ["auto", 4])
def test_what_passes_cost_is_measured_before_the_clock_starts_and_once(method, tree, monkeypatch):
    """Seconds before the first round are those of reading the prompt."""
    bundle = BUNDLES[method]()
    found = calibrations(monkeypatch)
    for _ in range(2):
        list(decode(bundle, [1, 2, 3], DecodeConfig(method, 4, tree=tree)))
    counted = 0 if method == "plain" or tree == 4 else 1 if method in ("lookup", "suffix") else 2
    begun = found.index("clock")
    assert found[:begun] == ["measured"] * counted
    assert "measured" not in found[begun:]


@pytest.mark.parametrize("method", BUNDLES)
def test_a_slots_bytes_are_told_though_nothing_of_the_prompt_is_cached(method):
    sizes = [
        decode(BUNDLES[method](), prompt, DecodeConfig(method, 4, tree=3)).header.slot_bytes
        for prompt in ([5], [5, 6])
    ]
    assert sizes[0] == sizes[1] and all(sizes[0].values())


class SpecialTokenizer(LetterTokenizer):
    """The first token is special, as ``<|endoftext|>`` is: it leaves no text behind."""

    added_tokens_decoder = {0: SimpleNamespace(special=True)}

    def decode(self, ids, skip_special_tokens=False):
        return "".join(
            "" if not token and skip_special_tokens else "<end>" if not token else "x"
            for token in ids
        )


@pytest.mark.parametrize(
    ("stop", "reason"), [(("<end>",), "stop"), (("nd", "y"), "stop"), (("y",), "length")]
)
def test_a_stop_string_may_be_a_special_tokens_own_spelling(stop, reason):
    bundle = tiny_bundle(14)
    bundle.tokenizer = SpecialTokenizer()
    with torch.no_grad():
        bundle.target.lm_head.weight.zero_()  # writes the first token, always
    end = Trace.record(bundle, [5, 6], DecodeConfig("plain", 10, stop=stop)).end
    assert (end.reason, end.tokens) == (reason, 1 if reason == "stop" else 10)


def test_a_run_is_recorded_with_the_usual_settings_unless_told():
    told, usual = (
        Trace.record(tiny_bundle(14, context=12), [1, 2], *settings).header.config
        for settings in ((), (DecodeConfig(),))
    )
    assert told == usual


def test_a_run_whose_prompt_is_not_to_be_read_is_none():
    with pytest.raises(StoppedError):
        decode(tiny_bundle(), [1, 2, 3], DecodeConfig(), lambda: True)


def test_a_stop_is_heard_while_a_draft_model_reads_the_prompt():
    looks = iter([False, True])  # the target has read it by then
    with pytest.raises(StoppedError):
        decode(tiny_bundle(), [1, 2, 3], DecodeConfig("draft"), lambda: next(looks))
