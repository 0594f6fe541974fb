"""The palette: one set of roles, text that can be read, colours that only colour keys hold."""

import pytest

from viz import figure, theme


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_both_modes_have_the_same_roles():
    assert theme.PALETTE["dark"].keys() == theme.PALETTE["light"].keys()


@pytest.mark.parametrize("mode", ["dark", "light"])
@pytest.mark.parametrize("ground", ["ground", "panel"])
@pytest.mark.parametrize("name", theme.TEXT_ROLES)
def test_text_meets_wcag_aa_on_every_ground(mode, ground, name):
    palette = theme.PALETTE[mode]
    assert contrast(palette[name], palette[ground]) >= 4.5


@pytest.mark.parametrize("mode", ["dark", "light"])
@pytest.mark.parametrize("name", ["untested", "root", "draft", "target"])
def test_marks_stand_out_from_the_panel(mode, name):
    palette = theme.PALETTE[mode]
    assert contrast(palette[name], palette["panel"]) >= 3


@pytest.mark.parametrize("mode", ["dark", "light"])
def test_the_label_of_a_button_can_be_read(mode):
    palette = theme.PALETTE[mode]
    assert contrast(palette["on_accent"], palette["accepted"]) >= 4.5


def test_the_legend_names_every_verdict_and_a_shape_for_it():
    legend = theme.legend()
    assert {entry["role"] for entry in legend} >= {*theme.VERDICTS, "recovered", "bonus"}
    shapes = {entry["role"]: entry["symbol"] for entry in legend}
    assert len({shapes["accepted"], shapes["rejected"], shapes["recovered"]}) == 3


def test_roles_become_colours_under_colour_keys_only():
    drawn = {"text": ["@accepted"], "marker": {"color": ["@accepted", "@rejected/0.5"]}}
    resolved = figure.resolve(drawn, "light")
    assert resolved["text"] == ["@accepted"]
    assert resolved["marker"]["color"] == ["#007a58", "rgba(194,65,12,0.5)"]


def test_css_has_every_role_in_both_modes():
    css = theme.css_variables()
    for name in theme.PALETTE["dark"]:
        assert css.count(f"--{name.replace('_', '-')}:") == 2


def test_a_patch_reaches_into_lists_and_makes_missing_objects():
    drawn = {"data": [{"x": [1, 2]}], "layout": {}}
    figure.apply(drawn, [["data.0.x.1", 5], ["layout.xaxis.title", "a"]])
    assert drawn == {"data": [{"x": [1, 5]}], "layout": {"xaxis": {"title": "a"}}}
