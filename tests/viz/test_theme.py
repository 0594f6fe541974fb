"""The palette: one set of roles, text that can be read, colours that only colour keys hold."""

from itertools import combinations
from math import dist

import pytest

from viz import figure, theme

# How colours look without one kind of cone, in linear RGB (Machado et al. 2009, severity 1).
SIGHTS = {
    "whole": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}
APART = 10.8  # CIE 1976: 2.3 is just noticed side by side

MARKS = dict.fromkeys((*theme.ORIGINS, *theme.VERDICTS))


def to_linear(colour: str) -> list[float]:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    return [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]


def seen(colour: str, sight: str) -> tuple[float, float, float]:
    """A colour in CIE Lab, as that sight has it."""
    whole = to_linear(colour)
    rows = [sum(a * b for a, b in zip(row, whole, strict=True)) for row in SIGHTS[sight]]
    red, green, blue = (min(1.0, max(0.0, value)) for value in rows)
    x = (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.9505
    y = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    z = (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.0888
    x, y, z = (t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116 for t in (x, y, z))
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def luminance(colour: str) -> float:
    linear = to_linear(colour)
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


@pytest.mark.parametrize("mode", ["dark", "light"])
@pytest.mark.parametrize("sight", SIGHTS)
def test_what_no_shape_tells_apart_every_eye_does(mode, sight):
    """Origins are bars and grounds of text too, verdicts the mask's cells, laws are bars."""
    palette = theme.PALETTE[mode]
    for names in (MARKS, [name for name, _ in theme.BARS]):
        for one, other in combinations(names, 2):
            colours = [seen(palette[name], sight) for name in (one, other)]
            assert dist(*colours) >= APART, f"{one} and {other}"


def test_the_legend_names_every_verdict_and_a_shape_for_it():
    legend = theme.legend()
    assert {entry["role"] for entry in legend} >= {*theme.VERDICTS, "recovered", "bonus"}
    shapes = {entry["role"]: entry["symbol"] for entry in legend}
    assert len({shapes["accepted"], shapes["rejected"], shapes["recovered"]}) == 3


def test_roles_become_colours_under_colour_keys_only():
    drawn = {"text": ["@accepted"], "marker": {"color": ["@accepted", "@rejected/0.5"]}}
    resolved = figure.resolve(drawn, "light")
    assert resolved["text"] == ["@accepted"]
    assert resolved["marker"]["color"] == ["#007a58", "rgba(163,31,0,0.5)"]


def test_css_has_every_role_in_both_modes():
    css = theme.css_variables()
    for name in theme.PALETTE["dark"]:
        assert css.count(f"--{name.replace('_', '-')}:") == 2


def test_a_patch_reaches_into_lists_and_makes_missing_objects():
    drawn = {"data": [{"x": [1, 2]}], "layout": {}}
    figure.apply(drawn, [["data.0.x.1", 5], ["layout.xaxis.title", "a"]])
    assert drawn == {"data": [{"x": [1, 5]}], "layout": {"xaxis": {"title": "a"}}}
