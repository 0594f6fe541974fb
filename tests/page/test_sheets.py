"""The style sheets: what Gradio makes of their selectors, and what one sees of the transport."""

import re

import pytest

from tests.page import synthetic
from tests.page.conftest import SHIPPED
from tests.page.test_export import File
from viz.standalone import standalone
from viz.theme import PALETTE

ASSETS = SHIPPED.parent
BLOCKS = re.compile(r"([^{};]+)\{")
NOTES = re.compile(r"/\*.*?\*/", re.DOTALL)
GROUPS = re.compile(r"\((?:[^()]|\([^()]*\))*\)")
STYLE = "((name, property) => getComputedStyle(document.querySelector(name))[property])"
LOOK = """name => {
    const { color, backgroundColor, borderColor } = getComputedStyle(document.querySelector(name));
    return [color, backgroundColor, borderColor];
}"""


def colour(role, theme="dark"):
    """As a browser writes it."""
    value = PALETTE[theme][role]
    return f"rgb({', '.join(str(int(value[at : at + 2], 16)) for at in (1, 3, 5))})"


@pytest.mark.parametrize(
    "sheet", sorted(ASSETS.rglob("*.css")), ids=lambda path: str(path.relative_to(ASSETS))
)
def test_no_selector_has_a_comma_in_parentheses(sheet):
    """Gradio cuts there as well, and what it makes of ``:is(a, b)`` outweighs other rules."""
    text = NOTES.sub("", sheet.read_text(encoding="utf-8"))
    selectors = [found.strip() for found in BLOCKS.findall(text)]
    assert len(selectors) > 3
    for selector in selectors:
        if not selector.startswith("@"):
            assert not any("," in group for group in GROUPS.findall(selector)), selector


def test_play_is_green_and_the_lists_of_the_bar_have_a_border(visit):
    assert visit.ask(f"{STYLE}('.bar .play', 'backgroundColor')") == colour("accepted")
    for name in (".bar .speed", ".bar .pause", "#header .shelf"):
        assert visit.ask(f"{STYLE}('{name}', 'borderColor')") == colour("line"), name


def test_a_button_that_is_pressed_looks_so_also_under_the_pointer(visit):
    button = visit.page.locator(".stage .bar .loop")
    visit.page.mouse.move(700, 300)
    loose = visit.page.evaluate(LOOK, ".stage .bar .loop")
    button.click()
    assert button.get_attribute("aria-pressed") == "true"
    under = visit.page.evaluate(LOOK, ".stage .bar .loop")
    visit.page.mouse.move(700, 300)
    pressed = visit.page.evaluate(LOOK, ".stage .bar .loop")
    assert pressed[2] == under[2] == colour("accepted") != loose[2]
    assert pressed[1] != loose[1]


@pytest.mark.parametrize(
    "name", ["#header .theme", "#header .teach", ".stage .bar .play", ".stage .bar .next", ".speed"]
)
def test_what_one_points_at_looks_other_than_before(visit, name):
    visit.page.mouse.move(700, 300)
    before = visit.page.evaluate(LOOK, name)
    visit.page.hover(name)
    assert visit.page.evaluate(LOOK, name) != before


def test_in_an_exported_file_the_transport_looks_the_same(file_tab, tmp_path):
    path = tmp_path / "run.html"
    path.write_text(standalone(synthetic.trace(2, 4)), encoding="utf-8")
    file = File(file_tab, path, color_scheme="dark").open()
    assert file.ask(f"{STYLE}('.bar .play', 'backgroundColor')") == colour("accepted")
    file.page.click(".stage .bar .loop")
    assert file.ask(f"{STYLE}('.stage .bar .loop', 'borderColor')") == colour("accepted")
    file.close()
