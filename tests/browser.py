"""The browser the page tests drive; ``python -m tests.browser`` brings one where none is.

An installed Chrome or Chromium, else Debian's package where it may be installed, else
Playwright's own download.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
OWN = ("chromium-*/chrome-*/chrome", "chromium-*/chrome-mac*/*.app/Contents/MacOS/*")
MISSING = "The page tests need a browser: install Chromium or Google Chrome, then run them again."
FLAGS = (
    "--no-sandbox",  # containers have no user namespaces
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def find() -> str:
    """The executable's path.

    Raises:
        RuntimeError: the one line that says what to install.
    """
    installed = [path for name in NAMES if (path := shutil.which(name))]
    own = [path for layout in OWN for path in sorted(_downloads().glob(layout))]
    found = [*installed, *map(str, filter(Path.exists, [MAC])), *map(str, own)]
    if not found:
        raise RuntimeError(MISSING)
    return found[0]


def bring() -> str:
    """As ``find``, after installing a browser where there is none."""
    try:
        return find()
    except RuntimeError:
        if shutil.which("apt-get") and os.geteuid() == 0:
            subprocess.run(["apt-get", "update", "-qq"])
            subprocess.run(["apt-get", "install", "-y", "-qq", "chromium"])
        if not any(map(shutil.which, NAMES)):
            subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"])
        return find()


def _downloads() -> Path:
    """Where Playwright keeps what it downloads."""
    named = os.environ.get("PLAYWRIGHT_BROWSERS_PATH")
    caches = Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache")
    return Path(named) if named else caches / "ms-playwright"


if __name__ == "__main__":
    try:
        print(f"The page tests use {bring()}.")
    except RuntimeError as error:
        print(error)  # the tests that need it fail with the same line; the others still run
