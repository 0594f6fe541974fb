"""A tab that tests use one after the other, each of them as if it were new.

A new browser context compiles the page's scripts anew, and that takes longer than most tests.
A tab keeps what is compiled. All else that a test leaves in it goes: what the browser keeps for
the page, its size, the media it pretends to be.
"""

FORGET = """() => {
    localStorage.clear();
    sessionStorage.clear();
    Storage.prototype.setItem = () => {}; // nor is anything kept as the page goes
}"""
NOWHERE = "about:blank"


def heed(page, **notes):
    """Call ``notes`` with the page's events of their names; what is returned ends it."""
    for event, note in notes.items():
        page.on(event, note)

    def end():
        page.evaluate("0")  # what has happened by now is noted first
        for event, note in notes.items():
            page.remove_listener(event, note)

    return end


class Tab:
    """Stands where a browser does, for whoever asks it for a context and that for a page."""

    def __init__(self, browser):
        self._browser, self._context, self._page = browser, None, None

    def new_context(
        self, viewport, offline=False, color_scheme="light", reduced_motion="no-preference"
    ):
        """The tab as a new one would be; its ``close`` leaves the page and keeps the tab."""
        if self._page is None:
            self._context = self._browser.new_context()
            self._page = self._context.new_page()
        assert self._page.url == NOWHERE, "One at a time: a second visitor needs the browser."
        self._context.set_offline(offline)
        self._page.set_viewport_size(viewport)
        self._page.emulate_media(color_scheme=color_scheme, reduced_motion=reduced_motion)
        self._page.mouse.move(-1, -1)  # nothing is pointed at where the next page's buttons come
        return self

    def new_page(self):
        return self._page

    def close(self):
        if self._page.url != NOWHERE:  # that has nothing to forget
            self._page.evaluate(FORGET)
            self._context.clear_cookies()
            self._page.goto(NOWHERE)

    def throw_away(self):
        """Whatever a test has left: the next one gets another tab."""
        if self._context is not None:
            self._context.close()
        self._context = self._page = None
