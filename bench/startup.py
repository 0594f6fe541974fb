"""Seconds from ``python app.py`` to the page answering; the model is loaded behind it.

``python -m bench.startup``
"""

import os
import socket
import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path
from time import perf_counter, sleep
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from bench.report import print_table, spread, write_json

OPENER = build_opener(ProxyHandler({}))  # the page is on this machine, whatever proxy there is
ROOT = Path(__file__).parents[1]
REPEATS = 3
PATIENCE = 120.0  # seconds


def main() -> None:
    """A few starts; the first fills the disk cache and does not count."""
    ArgumentParser(description=__doc__).parse_args()
    seconds = [_start() for _ in range(REPEATS + 1)][1:]
    print_table("python app.py", ["to the page answering, s"], [[spread(seconds)]])
    print(write_json("startup", {"seconds": seconds}))


def _start() -> float:
    """One start of the page on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {"GRADIO_SERVER_PORT": str(port)}
    start = perf_counter()
    process = subprocess.Popen(
        [sys.executable, "app.py"], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL
    )
    try:
        while perf_counter() - start < PATIENCE:
            try:
                OPENER.open(f"http://127.0.0.1:{port}/").close()
                return perf_counter() - start
            except (URLError, ConnectionError):
                if process.poll() is not None:
                    raise RuntimeError("python app.py ended by itself") from None
                sleep(0.05)
        raise TimeoutError(f"the page did not answer within {PATIENCE:.0f} s")
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    main()
