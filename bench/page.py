"""How fast the player is: ``python -m bench.page`` (made-up traces, headless Chromium).

Scrubbing asks for a new place with every animation frame; a drawing is a tree on the screen.
Rest is the time from the last place asked for until every visible panel shows it.  Playing
counts the frames the browser shows while trees move at double speed.
"""

import tempfile
from argparse import ArgumentParser
from pathlib import Path
from statistics import median

from playwright.sync_api import CDPSession, sync_playwright

from bench.report import print_table, write_json
from engine.trace import Trace
from tests.browser import FLAGS, find
from tests.page import fakes, synthetic
from tests.page.conftest import Visit, serve
from tests.viz import records
from ui.loader import Loader

ROUNDS, NODES = 200, 64
AIMS = {
    "trees/s, scrubbing": ">= 25",
    "ms to rest": "<= 100",
    "frames/s, playing": ">= 50",
    "ms of main thread a tree": "",
}
SCRUB = """async ([seconds, places]) => {
  const bar = document.querySelector('.scrub'), first = player.drawings, began = performance.now();
  for (let i = 0; i < places && performance.now() - began < 1000 * seconds; i++) {
    bar.value = Math.floor(Math.random() * player.length);
    bar.dispatchEvent(new Event('input'));
    await new Promise(requestAnimationFrame);
  }
  const drawn = player.drawings - first, rest = performance.now();
  const rate = 1000 * drawn / (rest - began);
  while (!player.isSettled) await new Promise(requestAnimationFrame);
  return [rate, performance.now() - rest];
}"""
PLAY = """async (seconds) => {
  document.querySelector('.speed').value = 2;
  document.querySelector('.speed').dispatchEvent(new Event('change'));
  document.querySelector('.play').click();
  const began = performance.now(); let frames = 0;
  while (performance.now() - began < 1000 * seconds) {
    await new Promise(requestAnimationFrame); frames++;
  }
  document.querySelector('.play').click();
  return 1000 * frames / (performance.now() - began);
}"""
CLICK = """async () => {
  const run = player.run, drawn = player.drawings, began = performance.now();
  document.querySelector('#go').click();
  while (player.run === run || player.drawings === drawn) {
    await new Promise(requestAnimationFrame);
  }
  return performance.now() - began;
}"""


def main() -> None:
    """Print what was measured beside the aims, deep trees and wide ones apart."""
    ArgumentParser(description=__doc__).parse_args()
    found: dict[str, dict[str, float]] = {}
    for address, _ in serve(Loader(fakes.bundle), fakes.FakeDecoder(nodes=16)):
        with sync_playwright() as play:
            browser = play.chromium.launch(executable_path=find(), args=list(FLAGS))
            visit = Visit(browser, address).open()
            for name, trace in _traces().items():
                found[name] = _measure(visit, trace)
            click = visit.ask(CLICK)
            browser.close()
    rows = [
        [what, aim, *(f"{each[what]:.0f}" for each in found.values())] for what, aim in AIMS.items()
    ]
    rows.append(["ms from Decode to the first tree", "<= 1000", f"{click:.0f}", ""])
    print_table(f"{ROUNDS} rounds of {NODES} nodes", ["", "aim", *found], rows)
    print(write_json("page", {"player": found, "click_ms": click}))


def _traces() -> dict[str, Trace]:
    """Trees that hang deep, and trees as wide as a draft model's."""
    wide = tuple(records.make_rounds(ROUNDS, NODES))
    return {
        "some 25 levels": synthetic.trace(ROUNDS, NODES),
        "4 levels": Trace(records.make_header(), wide, records.make_end(wide)),
    }


def _measure(visit: Visit, trace: Trace) -> dict[str, float]:
    """Opens ``trace`` and plays it; the figures by their names in ``AIMS``."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "long.jsonl"
        trace.save(path)
        before = visit.ask("player.run")
        visit.open_file(path)
        visit.until(f"player.run !== {before!r} && player.size === {ROUNDS} && player.isDone")
    visit.press("Home")
    visit.page.evaluate(SCRUB, [3, 60])  # warm
    wire = visit.context.new_cdp_session(visit.page)
    wire.send("Performance.enable", {"timeDomain": "threadTicks"})
    before, drawn = _busy(wire), visit.ask("player.drawings")
    trees, _ = visit.page.evaluate(SCRUB, [4, 1000])
    busy = 1000 * (_busy(wire) - before) / (visit.ask("player.drawings") - drawn)
    rest = median(visit.page.evaluate(SCRUB, [3, 6])[1] for _ in range(9))
    visit.press("Home")
    return dict(zip(AIMS, (trees, rest, visit.page.evaluate(PLAY, 5), busy), strict=True))


def _busy(wire: CDPSession) -> float:
    """Processor seconds of the main thread: script, style, layout and paint."""
    metrics = wire.send("Performance.getMetrics")["metrics"]
    return next(entry["value"] for entry in metrics if entry["name"] == "TaskDuration")


if __name__ == "__main__":
    main()
