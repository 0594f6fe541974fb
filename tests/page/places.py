"""Ways to every place of the page, for pictures and for what is checked everywhere.

A way is a function of the open page; it leaves the page at rest. Open the page with
``FULL_ROUND`` and reduced motion, and go to the places in the order of this file.
"""

from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Page

FULL_ROUND = "?__theme=dark&trace=eagle-code&round=1&phase=emit"
LESSON = "teaching.isSettled && player.isSettled"


@dataclass(frozen=True, slots=True)
class Wish:
    """What is decoded on the tabs that decode; a prompt of ``None`` is the page's own."""

    prompt: str | None
    tokens: int
    verifications: str
    without: str | None = None  # the lane whose method this decoder lacks


REAL = Wish(None, 64, "5,000")
TABLES = Wish("abcabdabc", 24, "1,000", "Lane 4")


def arrive(page: Page, address: str) -> None:
    """A round whose tree branches, and the model loaded."""
    page.goto(address + FULL_ROUND)
    page.wait_for_function("window.player && player.isDone && player.isSettled")
    page.wait_for_function("!document.querySelector('#notice .state').textContent")


def places(wish: Wish) -> dict[str, Callable[[Page], None]]:
    """Every place by its name, in an order that can be walked."""
    return {
        "stage": stage,
        "compare": lambda page: race(page, wish),
        "proof": lambda page: law(page, wish),
        "proof_broken": broken,
        "proof_text": text,
        "numbers": numbers,
        "keyboard": keyboard,
        "lesson": lesson,
        "lecture": lecture,
    }


def stage(page: Page) -> None:
    """As it was opened."""


def race(page: Page, wish: Wish) -> None:
    """All lanes at the finish."""
    _turn(page, "Compare", "window.race")
    rail = page.locator("#compare-rail")
    if wish.prompt:
        rail.locator("textarea").first.fill(wish.prompt)
    rail.get_by_label("Tokens", exact=True).fill(str(wish.tokens))
    if wish.without:
        choose(page, wish.without, "no lane")
    page.click("#race-go")
    page.wait_for_function("race.state === 'over'")


def law(page: Page, wish: Wish) -> None:
    """A proof that holds, above temperature 0."""
    _turn(page, "Proof", "window.proof")
    if wish.prompt:
        page.locator("#proof-rail textarea").first.fill(wish.prompt)
    choose(page, "Verifications", wish.verifications)
    _prove(page, "proof.holds && proof.isDrawn")


def broken(page: Page) -> None:
    """One that fails, its rule broken on purpose."""
    choose(page, "Rule", "soft q")
    _prove(page, "proof.holds === false && proof.isDrawn")


def text(page: Page) -> None:
    """Two equal texts at temperature 0."""
    choose(page, "Rule", "The right rule")
    page.get_by_text("temperature 0", exact=True).click()
    _prove(page, "proof.kind === 'texts' && proof.holds")


def numbers(page: Page) -> None:
    """Every figure drawn: that happens where one sees it."""
    _turn(page, "Numbers", "player.isSettled")
    draw_numbers(page)


def draw_numbers(page: Page) -> None:
    """Scroll through the figures once, as a reader would."""
    for plot in page.locator(".numbers .plot").all():
        plot.scroll_into_view_if_needed()
        page.wait_for_timeout(100)
        page.wait_for_function("player.isSettled")
    page.evaluate("scrollTo(0, 0)")


def keyboard(page: Page) -> None:
    """The list of keys."""
    page.click("#header .keys")


def lesson(page: Page) -> None:
    """A stop that asks, opened from another tab, and its answer."""
    page.keyboard.press("Escape")
    page.click("#header .teach")
    page.locator(".lessons .list button").nth(2).click()
    page.wait_for_function("teaching.number === 3")
    page.wait_for_function(LESSON)
    page.locator(".lessons .dots button").nth(4).click()
    page.wait_for_function(LESSON)
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("a")
    page.wait_for_function(LESSON)


def lecture(page: Page) -> None:
    """The same stop in large type."""
    page.keyboard.press("v")
    page.wait_for_function(LESSON)


def _turn(page: Page, name: str, ready: str) -> None:
    page.get_by_role("tab", name=name).click()
    page.wait_for_function(ready)


def choose(page: Page, label: str, option: str) -> None:
    """Take an option of a box."""
    page.get_by_label(label).locator("visible=true").click()
    page.get_by_role("listbox").get_by_role("option", name=option).click()


def _prove(page: Page, found: str) -> None:
    page.click("#prove")
    page.wait_for_function(found)
