"""The tab's memory is flat: what a run left behind is gone when another is shown."""

import pytest

from tests.page.conftest import Visit

WARM, REPLAYS = 24, 50  # within the first 24 some things are made once and kept
FEW = REPLAYS // 2  # nodes or listeners: one left behind by every replay would be twice as many
HELD = ("Nodes", "JSEventListeners", "JSHeapUsedSize")
LITTLE = 2_500_000  # bytes, as compiled code comes and goes

# Opens a recorded run anew, goes to its middle and back to its start, and rests at both.
REPLAY = """async (count) => {
    const frame = () => new Promise(requestAnimationFrame);
    const until = async (holds) => { while (!holds()) await frame(); };
    const shelf = document.querySelector('#header .shelf');
    const scrub = document.querySelector('.bar .scrub');
    for (let i = 0; i < count; i++) {
        shelf.value = player.run === 'first' ? 'second' : 'first';
        const run = shelf.value;
        shelf.dispatchEvent(new Event('change'));
        await until(() => player.run === run && player.isDone);
        for (const part of [0.5, 0]) {
            scrub.value = Math.round(part * (player.length - 1));
            scrub.dispatchEvent(new Event('input'));
            await until(() => player.isSettled);
        }
    }
}"""

FRAMES = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(0))))"


@pytest.fixture
def visit(browser, served):
    """In a tab of its own: what earlier pages have left is no part of what is measured."""
    visit = Visit(browser, served[0]).open("?__theme=dark")
    yield visit
    visit.close()


@pytest.fixture
def measure(visit):
    """What the tab holds after its garbage is collected."""
    browser = visit.context.new_cdp_session(visit.page)
    browser.send("Performance.enable")

    def held():
        for _ in range(3):  # what finalizers free is collected the next time …
            browser.send("HeapProfiler.collectGarbage")
            visit.page.evaluate(FRAMES)  # … and the figure drawn before after the next frames
        browser.send("HeapProfiler.collectGarbage")
        metrics = browser.send("Performance.getMetrics")["metrics"]
        return {metric["name"]: metric["value"] for metric in metrics if metric["name"] in HELD}

    return held


def is_little(grown):
    nodes, listeners, heap = (grown[name] for name in HELD)
    return max(nodes, listeners) < FEW and heap < LITTLE


def test_fifty_replays_leave_nothing_behind(visit, measure):
    """Twice at the most: what the browser makes once in between is nothing that replays leave."""
    visit.page.emulate_media(reduced_motion="reduce")
    visit.page.evaluate(REPLAY, WARM)
    for _ in range(2):
        before = measure()
        visit.page.evaluate(REPLAY, REPLAYS)
        after = measure()
        grown = {name: after[name] - before[name] for name in before}
        if is_little(grown):
            break
    assert is_little(grown), grown
