"""Pictures of the page in both themes and three sizes: ``python -m tests.page.screenshots``.

They show a round of a recorded run whose tree branches, so no model is needed.
"""

import os
import sys
from pathlib import Path

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

from playwright.sync_api import Page, sync_playwright

import app
from tests.browser import FLAGS, find
from tests.page import fakes
from ui.loader import Loader
from ui.runner import Runner

SIZES = {"wide": (1440, 900), "small": (1024, 768), "phone": (390, 844)}
FOLDER = Path("screenshots")
TRACE, ROUND = "draft-tree-sky", 21


def main() -> None:
    """Serve the page, and take every picture."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(exist_ok=True)
    loader = Loader(fakes.bundle)
    loader.start()
    page = app.build(Runner(loader, fakes.FakeDecoder()))
    app.launch(page)
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=find(), args=list(FLAGS))
        for theme in ("dark", "light"):
            for name, (width, height) in SIZES.items():
                tab = browser.new_page(viewport={"width": width, "height": height})
                tab.goto(f"{page.local_url}?__theme={theme}")
                _to_a_full_round(tab)
                tab.screenshot(path=folder / f"stage_{theme}_{name}.png", full_page=True)
                _to_the_numbers(tab)
                tab.screenshot(path=folder / f"numbers_{theme}_{name}.png", full_page=True)
                tab.close()
        browser.close()
    page.close(verbose=False)


def _to_a_full_round(tab: Page) -> None:
    """The end of the round, drawn to the last panel."""
    tab.wait_for_function("window.player && player.isDone")
    tab.select_option("#header .shelf", TRACE)
    tab.wait_for_function(f"player.run === '{TRACE}' && player.isDone")
    tab.evaluate("document.activeElement.blur()")
    tab.keyboard.press("Home")
    for _ in range(ROUND - 1):
        tab.keyboard.press("PageDown")
    tab.wait_for_function("player.isSettled")


def _to_the_numbers(tab: Page) -> None:
    """The tab of numbers, scrolled through once: figures are drawn where they are seen."""
    tab.get_by_role("tab", name="Numbers").click()
    for plot in tab.locator(".numbers .plot").all():
        plot.scroll_into_view_if_needed()
        tab.wait_for_timeout(100)
        tab.wait_for_function("player.isSettled")
    tab.evaluate("scrollTo(0, 0)")


if __name__ == "__main__":
    main()
