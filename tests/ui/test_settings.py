import gradio as gr
import pytest

from engine.config import DecodeConfig
from ui.settings import MAX_PROMPT, USUAL, read
from ui.settings_panel import settings_panel

SHOWN = dict(
    method="suffix",
    max_new_tokens=96,
    temperature=0,
    top_k=0,
    top_p=1,
    repetition_penalty=1,
    seed=0,
    num_draft=0,
    tree="auto",
    rule="recursive",
    drafting="top",
    stop="",
    chat=True,
    compare=True,
)


def test_what_the_page_shows_at_first_is_the_default_configuration():
    wish = read("Why?", SHOWN)
    assert wish.config == DecodeConfig(method="suffix", max_new_tokens=96)
    assert wish.compare


def test_the_form_shows_what_is_read_where_a_tab_has_no_widget():
    """One source of what a visitor starts with; only the yardstick is the stage's own wish."""
    with gr.Blocks():
        widgets = settings_panel()
    assert {name: widget.value for name, widget in widgets.items()} == USUAL | {"compare": True}


def test_every_setting_reaches_the_configuration():
    values = SHOWN | dict(
        temperature=0.7,
        top_k=40.0,
        top_p=0.9,
        repetition_penalty=1.1,
        seed=7,
        num_draft=5,
        tree=" 12 ",
        rule="block",
        drafting="sampled",
        stop="one\\n\nEnd",
        chat=False,
        compare=False,
    )
    wish = read("Why?", values)
    assert wish.config == DecodeConfig(
        method="suffix",
        max_new_tokens=96,
        temperature=0.7,
        top_k=40,
        top_p=0.9,
        repetition_penalty=1.1,
        seed=7,
        num_draft=5,
        tree=12,
        rule="block",
        drafting="sampled",
        stop=("one\n", "End"),
        chat=False,
    )
    assert not wish.compare


@pytest.mark.parametrize(
    ("prompt", "word"),
    [
        ("", "empty"),
        (" \n", "empty"),
        (None, "empty"),
        (["x"], "empty"),
        ("x" * (MAX_PROMPT + 1), "characters"),
        ("a\x00b", "control character U\\+0000"),
        ("a\x1bb", "control character U\\+001B"),
        ("a\ud800b", "half of a character"),
    ],
)
def test_a_prompt_nobody_can_read_is_refused_in_a_sentence(prompt, word):
    with pytest.raises(ValueError, match=word):
        read(prompt, SHOWN)


@pytest.mark.parametrize(
    ("name", "value", "label"),
    [
        ("max_new_tokens", -3, "Tokens"),
        ("max_new_tokens", 0, "Tokens"),
        ("max_new_tokens", 10**12, "Tokens"),
        ("max_new_tokens", None, "Tokens"),
        ("max_new_tokens", 1.5, "Tokens"),
        ("max_new_tokens", True, "Tokens"),
        ("max_new_tokens", "9", "Tokens"),
        ("temperature", -0.1, "Temperature"),
        ("temperature", float("nan"), "Temperature"),
        ("temperature", float("inf"), "Temperature"),
        ("top_k", -1, r"Top k must be 0 \(off\) or between 1 and 2147483647, got -1"),
        ("top_k", 10**15, r"Top k must be 0 \(off\) or between 1 and 2147483647, got 10{15}"),
        ("top_p", 1.2, "Top p"),
        ("top_p", -1, "Top p"),
        ("repetition_penalty", 0, "Repetition penalty"),
        ("seed", -1, "Seed must be between 0 and 9007199254740991, got -1"),
        ("seed", 2**53, "Seed must be between 0 and 9007199254740991, got 9007199254740992"),
        ("seed", 1e300, "Seed must be a whole number up to 2⁵³, not 1e\\+300"),
        ("seed", 10**99, "Seed must be a whole number up to 2⁵³, not 1e\\+99"),
        ("seed", 10**400, "Seed"),
        ("temperature", 10**400, "Temperature"),
        ("num_draft", 65, "Draft length"),
        ("tree", "many", "Tree"),
        ("tree", "99999", "Tree"),
        ("tree", "-4", "Tree"),
        ("rule", "other", "Rule"),
        ("drafting", "other", "Drafting"),
        ("stop", "x" * 201, "Stop strings"),
        ("stop", "\n".join("abcdefghij"), "Stop strings"),
    ],
)
def test_a_setting_out_of_bounds_names_its_widget(name, value, label):
    with pytest.raises(ValueError, match=f"^{label}"):
        read("Why?", SHOWN | {name: value})


def test_no_rule_is_longer_than_its_box_in_the_rail():
    """What is longer would lie under the box's arrow."""
    with gr.Blocks():
        rule = settings_panel()["rule"]
    assert max(len(label) for label, _ in rule.choices) <= len("recursive rejection")
