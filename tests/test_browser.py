import pytest

from tests import browser

LAYOUTS = (
    "chromium-1200/chrome-linux/chrome",
    "chromium-1200/chrome-mac-arm64/Google Chrome for Testing.app/Contents/MacOS/Google Chrome",
    "chromium-1100/chrome-mac/Chromium.app/Contents/MacOS/Chromium",
)


@pytest.fixture
def downloads(tmp_path, monkeypatch):
    """Where Playwright keeps its own; nothing is installed."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))
    monkeypatch.setattr(browser, "MAC", tmp_path / "none")
    return tmp_path


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_playwright_brings_is_found_on_linux_and_on_a_mac(downloads, layout):
    (downloads / layout).parent.mkdir(parents=True)
    (downloads / layout).touch()
    assert browser.find() == str(downloads / layout)


def test_without_a_browser_one_line_says_what_to_install(downloads):
    with pytest.raises(RuntimeError, match="install Chromium or Google Chrome"):
        browser.find()
