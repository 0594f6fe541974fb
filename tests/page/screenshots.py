"""Pictures of every place of the page, both themes: ``python -m tests.page.screenshots [FOLDER]``.

With the default target in the store they show what it really decodes, else tables of tests.
"""

import os
import sys
from pathlib import Path

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

from playwright.sync_api import Page, sync_playwright

import app
import engine
from engine import store
from tests.browser import FLAGS, find
from tests.page import places
from tests.tables import table_bundle
from ui.loader import Loader, load_target
from ui.runner import Runner

SIZES = {"wide": (1440, 900), "small": (1024, 768), "phone": (390, 844)}
ROOMS = {"1080": (1920, 1080), "720": (1280, 720)}  # what projectors have
FOLDER = Path("screenshots")
PATIENCE = 300_000  # ms: loading and calibrating the model among them


def main() -> None:
    """Serve the page, and take every picture."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(exist_ok=True)
    is_real = store.is_whole(store.target_folder())
    loader = Loader(load_target if is_real else table_bundle)
    loader.start()
    page = app.build(Runner(loader, engine))
    app.launch(page)
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=find(), args=list(FLAGS))
        tab = browser.new_page(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
        tab.set_default_timeout(PATIENCE)
        places.arrive(tab, page.local_url)
        for name, go in places.places(places.REAL if is_real else places.TABLES).items():
            go(tab)
            _take(tab, folder, name, ROOMS if name == "lecture" else SIZES)
        browser.close()
    page.close(verbose=False)


def _take(tab: Page, folder: Path, name: str, sizes: dict[str, tuple[int, int]]) -> None:
    """The place in both themes and all sizes; it is left as wide as it was found."""
    for theme in ("light", "dark"):
        tab.evaluate("document.querySelector('#header .theme').click()")
        for size, (width, height) in sizes.items():
            tab.set_viewport_size({"width": width, "height": height})
            tab.wait_for_timeout(200)  # sizes reach the panels a frame later
            if name == "numbers":
                places.draw_numbers(tab)
            tab.wait_for_function("player.isSettled")
            is_page = name not in ("lecture", "keyboard")
            tab.screenshot(path=folder / f"{name}_{theme}_{size}.png", full_page=is_page)
            print(f"{name}_{theme}_{size}", flush=True)
        tab.set_viewport_size({"width": 1440, "height": 900})


if __name__ == "__main__":
    main()
