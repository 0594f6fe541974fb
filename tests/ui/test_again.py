"""A run that is asked again: the form says what its header says, or why it cannot."""

import json
from dataclasses import asdict
from types import SimpleNamespace

import gradio as gr
import pytest

from engine.config import DecodeConfig
from ui import again, settings
from ui.stage_tab import Handlers

NAMES = ("method", *(name for name in settings.USUAL if name != "compare"), "compare")
CONFIGS = [
    DecodeConfig("eagle2"),
    DecodeConfig("draft", 12, 0.7, top_k=5, top_p=0.9, repetition_penalty=1.2, seed=7),
    DecodeConfig("hydra", 96, 1.0, tree=16, num_draft=4, drafting="sampled", chat=False),
    DecodeConfig("plain", 3, stop=("\n\n", "a\nb", "end")),
]


def told(config, prompt="Why is the sky blue?", **more):
    """As the browser says it: a trace's header holds tuples as arrays."""
    return json.dumps({"prompt": prompt, "method": config.method, "config": asdict(config) | more})


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.method)
def test_the_form_decodes_what_the_run_decoded(config):
    asked = again.read(told(config))
    assert asked.note == ""
    wish = settings.read(asked.prompt, asked.values | {"method": asked.method})
    assert (wish.prompt, wish.config, wish.compare) == ("Why is the sky blue?", config, True)


def test_what_the_form_cannot_say_is_said():
    paths = ((0,), (1,), (0, 0))
    asked = again.read(told(DecodeConfig("eagle", 5_000, tree=paths)))
    assert asked.values["tree"] == "3" and asked.values["max_new_tokens"] == 1024
    assert "one of 3 nodes" in asked.note and "at most 1024 tokens" in asked.note


@pytest.mark.parametrize("stop", [["a\rb"], ["x\u2028y"], ["\x0c"], ["a\\nb"], [""], [3]])
def test_stop_strings_that_the_box_cannot_hold_are_said(stop):
    assert "stop strings" in again.read(told(DecodeConfig(), stop=stop)).note


@pytest.mark.parametrize("nothing", ["", [], {}, False, None])
@pytest.mark.parametrize("name", ["top_k", "num_draft"])
def test_what_the_widgets_get_was_checked(name, nothing):
    """Whatever the browser says: a number widget that is handed a list breaks."""
    assert again.read(told(DecodeConfig(), **{name: nothing})).values[name] in (0, None)
    assert type(again.read(told(DecodeConfig(), **{name: nothing})).values[name]) is int


@pytest.mark.parametrize("nothing", [None, "", "[]", "{}", "3", '{"prompt": "a"}', "[" * 99_999])
def test_no_run_is_no_run(nothing):
    with pytest.raises(ValueError, match="no run on the stage"):
        again.read(nothing)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"temperature": -1}, "Temperature"),
        ({"temperature": [1]}, "Temperature"),
        ({"top_k": "many"}, "Top k"),
        ({"stop": ["x" * 999]}, "Stop strings"),
        ({"rule": "lucky"}, "Rule"),
        ({"seed": 1e300}, "Seed"),
        ({"max_new_tokens": True}, "Tokens"),
        ({"chat": 3, "tree": {}}, "Tree"),
    ],
    ids=str,
)
def test_a_wish_that_the_page_would_not_take_is_not_put_into_the_form(more, words):
    with pytest.raises(ValueError, match=f"cannot be asked again here.*{words}"):
        again.read(told(DecodeConfig(), **more))
    with pytest.raises(ValueError, match="Prompt|prompt"):
        again.read(told(DecodeConfig(), prompt="x" * 60_000))


def filled(told, known):
    """(what the widgets get by name, the message)."""
    handlers = Handlers(SimpleNamespace(loader=SimpleNamespace(methods=known)))
    handlers.names = NAMES
    prompt, method, meaning, *values, message = handlers.again(told)
    values = dict(zip(NAMES[1:], values, strict=True))
    return values | {"prompt": prompt, "method": method, "meaning": meaning}, json.loads(message)


def test_the_handler_fills_every_widget_with_its_own_value():
    config = CONFIGS[1]
    values, message = filled(told(config), {"draft": "available"})
    for name in ("max_new_tokens", "temperature", "top_k", "top_p", "seed", "method"):
        assert values[name] == getattr(config, name), name
    assert values["meaning"].startswith("A small model") and values["compare"] is True
    assert message["kind"] == "status" and message["text"].endswith("Decode runs them here.")


def test_a_method_that_cannot_run_here_stays_what_it_was():
    known = {"draft": "needs a draft model", "plain": "available"}
    for name, reason in (("draft", "needs a draft model"), ("lookahead", "no method 'lookahead'")):
        values, message = filled(told(DecodeConfig(name)), known)
        assert values["method"] == values["meaning"] == gr.skip()
        assert values["prompt"] == "Why is the sky blue?" and reason in message["text"]


def test_before_the_methods_are_known_only_names_of_methods_are_taken():
    assert filled(told(DecodeConfig("eagle")), None)[0]["method"] == "eagle"
    assert filled(told(DecodeConfig("lookahead")), None)[0]["method"] == gr.skip()


def test_a_refused_wish_changes_nothing():
    values, message = filled("", {"plain": "available"})
    assert all(value == gr.skip() for value in values.values())
    assert message["kind"] == "problem"
