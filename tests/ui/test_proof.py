import json

import pytest

import engine
from engine.config import DecodeConfig
from tests.tables import table_bundle
from ui.examples import EXAMPLES
from ui.proof_rules import RULES
from ui.proof_run import CHAIN, DEPTH, prove, read

SHOWN = dict(
    method="draft",
    temperature=0.7,
    seed=0,
    rule="right",
    count=1000,
    max_new_tokens=12,
    drafting="sampled",
)


def played(bundle=None, cancel_after=10**6, **more):
    """The messages of a proof that is stopped after so many looks; one more says it is over."""
    looks = iter(range(10**9))
    wish = read("abcabdabc", SHOWN | more)
    stopped = lambda: next(looks) >= cancel_after  # noqa: E731
    *shown, over = map(json.loads, prove(engine, bundle or table_bundle(), wish, stopped))
    assert over == {"kind": "over"}
    return shown


def test_what_the_tab_shows_at_first_is_a_proof_of_shallow_rounds():
    wish = read("Why?", SHOWN)
    assert wish.config == DecodeConfig(
        method="draft",
        temperature=0.7,
        max_new_tokens=12,
        tree=8,
        num_draft=DEPTH,
        drafting="sampled",
    )
    assert (wish.rule, wish.count) == ("right", 1000)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("temperature", -1, "Temperature"),
        ("temperature", None, "Temperature"),
        ("seed", 1.5, "Seed"),
        ("max_new_tokens", 0, "Tokens"),
        ("rule", "other", "Rule"),
        ("rule", ["right"], "Rule"),
        ("count", 7, "Verifications"),
        ("count", True, "Verifications"),
        ("count", "1000", "Verifications"),
        ("count", None, "Verifications"),
        ("drafting", "x", "Drafting"),
    ],
)
def test_what_cannot_be_proven_names_its_widget(name, value, words):
    with pytest.raises(ValueError, match=f"^{words}"):
        read("Why?", SHOWN | {name: value})


@pytest.mark.parametrize("rule", [name for name, words in RULES.items() if words.says])
def test_a_mistake_cannot_show_at_temperature_0(rule):
    with pytest.raises(ValueError, match="raise the temperature"):
        read("Why?", SHOWN | {"temperature": 0, "rule": rule})


@pytest.mark.parametrize("method", ["draft", "lookup", "suffix", "eagle"])
@pytest.mark.parametrize("temperature", [0, 0.7])
def test_a_block_is_a_chain_judged_by_the_decoders_own_block_rule(method, temperature):
    more = {"rule": "block", "method": method, "temperature": temperature}
    config = read("Why?", SHOWN | more).config
    assert (config.rule, config.tree, config.num_draft) == ("block", CHAIN, DEPTH)


def test_a_prompt_nobody_can_read_is_refused():
    with pytest.raises(ValueError, match="empty"):
        read(" ", SHOWN)


def test_a_method_that_is_not_there_is_refused_with_its_reason():
    bundle = table_bundle()
    bundle.methods["draft"] = "needs a draft model"
    with pytest.raises(ValueError, match="needs a draft model"):
        played(bundle)


def test_at_temperature_0_every_token_of_both_texts_is_sent_and_then_the_verdict():
    messages = played(temperature=0)
    sides = {"method": [], "plain": []}
    for message in messages[1:-1]:
        assert message["start"] == len(sides[message["side"]])
        sides[message["side"]] += message["tokens"]
    ids = [[token for token, *_ in rows] for rows in sides.values()]
    assert ids[0] == ids[1] and len(ids[0]) == 12
    assert messages[-1]["value"] == "12 of 12 tokens equal" and messages[-1]["holds"]


def test_above_it_the_counts_grow_and_the_last_message_has_the_verdict():
    messages = played()
    fits = [m for m in messages if m["kind"] == "fits"]
    assert [m["done"] for m in fits] == list(range(100, 1001, 100))
    assert [m for m in fits if "verdict" in m] == fits[-1:]
    assert fits[-1]["verdict"]["holds"]
    assert messages[0]["warning"] == ""


def test_a_broken_rule_is_called_broken_before_anything_is_counted():
    messages = played(rule="soft")
    assert messages[0]["kind"] == "begin"
    assert messages[0]["warning"].startswith("Broken on purpose")
    assert not messages[-1]["verdict"]["holds"]


@pytest.mark.parametrize("method", ["draft", "draft_tree"])
@pytest.mark.parametrize("rule", [name for name, words in RULES.items() if words.says])
def test_every_broken_rule_is_refuted(rule, method):
    messages = played(rule=rule, method=method)
    assert messages[-1]["verdict"]["holds"] is False
    says = next(m for m in messages if m["kind"] == "subject")["says"]
    assert ("draws 3 from its q" in says) == (rule == "siblings" and method == "draft")


@pytest.mark.model
def test_every_broken_rule_is_refuted_with_what_the_tab_shows_at_first():
    bundle = engine.load()
    for rule in (name for name, words in RULES.items() if words.says):
        wish = read(EXAMPLES[0].prompt, SHOWN | {"rule": rule, "count": 5000})
        *_, last, _ = prove(engine, bundle.for_visitor(), wish, lambda: False)
        assert json.loads(last)["verdict"]["holds"] is False, rule


@pytest.mark.parametrize(("rule", "holds"), [("block", True), ("block_stop", False)])
def test_a_block_is_proven_by_its_first_two_tokens_together(rule, holds):
    messages = played(rule=rule)
    subject = next(m for m in messages if m["kind"] == "subject")
    assert subject["drafted"] == "drafted as one block" and len(subject["siblings"]) == 2
    places = [place["title"] for place in messages[-1]["places"]]
    assert places == ["First token of the round", "First two tokens together"]
    assert messages[-1]["verdict"]["holds"] is holds
    assert bool(messages[0]["warning"]) is not holds


def test_at_temperature_0_texts_judged_by_blocks_are_plain_decodings():
    *_, last = played(temperature=0, rule="block", max_new_tokens=24)
    assert last["holds"] and last["value"] == "24 of 24 tokens equal"


def test_a_block_that_cannot_be_drawn_anew_is_a_sentence():
    bundle = table_bundle()
    with pytest.raises(ValueError, match="drafted nothing|drafted a chain"):
        played(bundle, rule="block", method="plain")


@pytest.mark.parametrize("temperature", [0, 0.7])
@pytest.mark.parametrize("looks", [0, 3])
def test_a_stop_is_obeyed_at_the_next_look_and_said(temperature, looks):
    messages = played(cancel_after=looks, temperature=temperature)
    assert messages[-1]["kind"] == "status" and "Stopped" in messages[-1]["text"]
    told = messages[-2].get("verdict", messages[-2])
    assert (told["holds"], told["value"]) == (None, "stopped before a verdict")
    assert len(messages) < 12


def test_a_stop_among_verifications_says_how_many_there_were():
    messages = played(cancel_after=18)
    assert messages[-1]["text"].startswith("Stopped after")
    assert "verdict" in messages[-2]
