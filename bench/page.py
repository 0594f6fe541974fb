"""How fast the player is: ``python -m bench.page`` (a made-up trace, headless Chromium).

Scrubbing asks for a new place with every animation frame; a drawing is a tree on the screen.
Playing counts the frames the browser shows while trees move at double speed.
"""

import tempfile
from pathlib import Path

from playwright.sync_api import CDPSession, sync_playwright

from tests.browser import FLAGS, find
from tests.page import fakes, synthetic
from tests.page.conftest import Visit, serve
from ui.loader import Loader

ROUNDS, NODES = 200, 64
SCRUB = """async () => {
  const bar = document.querySelector('.scrub'), began = performance.now(), first = player.drawings;
  for (let i = 0; i < 300; i++) {
    bar.value = Math.floor(i * (player.length - 1) / 300);
    bar.dispatchEvent(new Event('input'));
    await new Promise(requestAnimationFrame);
  }
  const drawn = player.drawings - first, took = performance.now() - began, rest = performance.now();
  while (!player.isSettled) await new Promise(requestAnimationFrame);
  return [1000 * drawn / took, performance.now() - rest];
}"""
PLAY = """async () => {
  document.querySelector('.speed').value = 2;
  document.querySelector('.speed').dispatchEvent(new Event('change'));
  document.querySelector('.play').click();
  const began = performance.now(); let frames = 0;
  while (performance.now() - began < 8000) { await new Promise(requestAnimationFrame); frames++; }
  document.querySelector('.play').click();
  return 1000 * frames / (performance.now() - began);
}"""


def main() -> None:
    """Print trees a second while scrubbing, time to rest, frames a second while playing."""
    path = Path(tempfile.mkdtemp()) / "long.jsonl"
    synthetic.trace(ROUNDS, NODES).save(path)
    for address, _ in serve(Loader(fakes.bundle), fakes.FakeDecoder()):
        with sync_playwright() as play:
            browser = play.chromium.launch(executable_path=find(), args=list(FLAGS))
            visit = Visit(browser, address).open()
            visit.open_file(path)
            visit.until(f"player.size === {ROUNDS} && player.isDone")
            visit.press("Home")
            visit.ask(SCRUB)
            wire = visit.context.new_cdp_session(visit.page)
            wire.send("Performance.enable")
            before, drawn = _busy(wire), visit.ask("player.drawings")
            trees, rest = visit.ask(SCRUB)
            busy = 1000 * (_busy(wire) - before) / (visit.ask("player.drawings") - drawn)
            visit.press("Home")
            frames = visit.ask(PLAY)
            browser.close()
    print(f"{ROUNDS} rounds of {NODES} nodes: {trees:.0f} trees/s while scrubbing,")
    print(f"{busy:.0f} ms of the browser's main thread a drawing (the tree and one panel),")
    print(f"every panel right {rest:.0f} ms after rest, {frames:.0f} frames/s while playing")


def _busy(wire: CDPSession) -> float:
    """Seconds that the main thread has worked so far: script, style, layout and paint."""
    metrics = wire.send("Performance.getMetrics")["metrics"]
    return next(entry["value"] for entry in metrics if entry["name"] == "TaskDuration")


if __name__ == "__main__":
    main()
