"""axe-core on every tab, in both themes, from the development dependency that carries it."""

from pathlib import Path

import pytest
from axe_playwright_python.base import AXE_SCRIPT

import engine
from tests.page.conftest import Visit, serve
from tests.tables import table_bundle
from ui.loader import Loader

LETTERS = (Path(__file__).parent / "letters.js").read_text(encoding="utf-8")
FULL_ROUND = "?__theme=dark&trace=draft-tree-sky&round=21&phase=emit"
GRAVE = ("serious", "critical")
# A figure is one image with a name; its letters are read by LETTERS, which knows `fill`.
AXE = "axe.run({ exclude: ['.plot svg'] }, { resultTypes: ['violations', 'incomplete'], %s })"
LESSON = "teaching.isSettled && player.isSettled"


@pytest.fixture
def visit(browser):
    """A round whose tree branches, at rest; all tabs have a decoder behind them."""
    for address, _ in serve(Loader(table_bundle), engine):
        visit = Visit(browser, address, reduced_motion="reduce").open(FULL_ROUND)
        visit.page.evaluate(AXE_SCRIPT)
        visit.until("player.isDone && !document.querySelector('#notice .state').textContent")
        yield visit
        visit.close()


def test_no_tab_has_a_serious_fault_in_either_theme(visit):
    places = (stage, race, proof_of_a_law, proof_of_a_text, numbers, keyboard, lesson, lecture)
    assert [fault for place in places for fault in faults(visit, place)] == []


def faults(visit, place):
    """What axe and the letters' contrast have to say of a place: its name, rule and elements."""
    place(visit)
    visit.rest()
    found = grave(visit.ask(AXE % "")) + visit.ask(LETTERS)
    visit.ask("document.querySelector('#header .theme').click()")
    visit.rest()
    colours = AXE % "runOnly: ['color-contrast']"  # nothing else changes with the theme
    found += grave(visit.ask(colours)) + visit.ask(LETTERS)
    return [f"{place.__name__}: {fault}" for fault in found]


def grave(told):
    """Faults, and what axe leaves to others to judge; colours it cannot judge LETTERS does."""
    undecided = [rule for rule in told["incomplete"] if rule["id"] != "color-contrast"]
    return [
        f"{rule['id']} {node['target']}"
        for rule in (*told["violations"], *undecided)
        for node in rule["nodes"]
        if rule["impact"] in GRAVE
    ]


def stage(visit):
    """As it was opened."""


def race(visit):
    turn(visit, "Compare")
    rail = visit.page.locator("#compare-rail")
    rail.locator("textarea").first.fill("abcabdabc")
    rail.get_by_label("Tokens", exact=True).fill("24")
    choose(visit, "Lane 4", "no lane")
    visit.page.click("#race-go")
    visit.until("race.state === 'over'")


def proof_of_a_law(visit):
    turn(visit, "Proof")
    visit.page.locator("#proof-rail textarea").first.fill("abcabdabc")
    choose(visit, "Verifications", "1,000")
    choose(visit, "Rule", "soft q")
    visit.page.click("#prove")
    visit.until("proof.holds === false && proof.isDrawn")


def proof_of_a_text(visit):
    choose(visit, "Rule", "The right rule")
    visit.page.get_by_text("temperature 0", exact=True).click()
    visit.page.click("#prove")
    visit.until("proof.kind === 'texts' && proof.holds")


def numbers(visit):
    turn(visit, "Numbers")
    for plot in visit.page.locator(".numbers .plot").all():
        plot.scroll_into_view_if_needed()
    visit.until("[...document.querySelectorAll('.numbers .plot')].every((plot) => plot.data)")


def keyboard(visit):
    visit.page.click("#header .keys")


def lesson(visit):
    """A stop that asks, opened from another tab, and its answer."""
    visit.page.keyboard.press("Escape")
    visit.page.click("#header .teach")
    visit.page.locator(".lessons .list button").nth(2).click()
    visit.until("teaching.number === 3")
    visit.until(LESSON)
    visit.page.locator(".lessons .dots button").nth(4).click()
    visit.until(LESSON)
    visit.press("a")
    visit.until(LESSON)


def lecture(visit):
    visit.press("v")
    visit.until(LESSON)


def turn(visit, name):
    visit.page.get_by_role("tab", name=name).click()
    visit.until(f"window.{ {'Compare': 'race', 'Proof': 'proof'}.get(name, 'player') }")


def choose(visit, label, option):
    visit.page.get_by_label(label).locator("visible=true").click()
    visit.page.get_by_role("option", name=option).click()
