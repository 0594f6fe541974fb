"""The tab of numbers: what the trace says, drawn where it is seen, and as pictures."""

import pytest

from engine.stats import Tally, speed_up
from engine.trace import Trace
from tests.page.conftest import Visit
from viz.numbers import NAMES, Numbers
from viz.theme import PALETTE

PLOT = "document.querySelector('[data-number={}] .plot')"
BOXES = """[...document.querySelectorAll('.numbers > *, .numbers .plot')].map((each) => {
    const { x, y, width, height } = each.getBoundingClientRect();
    return [x, y, width, height];
})"""


def turn(visit, name):
    """Go to another tab."""
    visit.page.get_by_role("tab", name=name).click()


def look(visit):
    """Go to the numbers of a run that is over, and wait until those in sight are drawn."""
    turn(visit, "Numbers")
    visit.until(f"{PLOT.format('rounds')}?.data")  # what is in sight a browser tells a frame later
    visit.rest()


def drawn(visit, name):
    """The traces of a figure as the page has them."""
    plot = PLOT.format(name)
    visit.until(f"{plot}?.data")
    columns = "{ x, y, hovertext, text, name }"
    return visit.ask(f"{plot}.data.map(({columns}) => ({columns}))")


def test_every_figure_is_the_traces_own(visit, shelf):
    trace = Trace.load(shelf / "first.jsonl")
    turn(visit, "Numbers")
    panels = Numbers.of(trace)
    for name in NAMES:
        found = drawn(visit, name)
        assert len(found) == len(panels[name]["figure"]["data"])
        for here, there in zip(found, panels[name]["figure"]["data"], strict=True):
            for column, value in here.items():
                assert value == there.get(column), (name, column)
    tokens = sum(sum(each["y"]) for each in drawn(visit, "rounds") if each["name"] != "mean")
    assert tokens == len(trace.token_ids)
    tested = sum(
        int(text.split("/")[1])
        for each in drawn(visit, "acceptance")
        for text in each.get("text") or ()
        if text
    )
    assert tested == sum(Tally.of(trace.rounds).tested)
    assert drawn(visit, "cost")[0]["y"] == [30, 32, 35, 45, 70]
    assert visit.page.text_content(".numbers .verdict b") == panels["speed_up"]["note"]
    assert speed_up(trace.end) is None  # plain decoding was not measured, so nothing says it was
    assert [each["name"] for each in drawn(visit, "speed_up")] == ["predicted"]


def test_the_measured_speed_up_comes_with_the_second_end(visit):
    visit.decode_whole()
    turn(visit, "Numbers")
    visit.until(f"{PLOT.format('speed_up')}?.data?.length === 2")
    dot = drawn(visit, "speed_up")[1]
    assert dot["y"][0] == pytest.approx(0.05 / 0.064 * len_per_round(visit), rel=0.01)


def len_per_round(visit):
    """Tokens a round, read off the other figure."""
    bars = [each for each in drawn(visit, "rounds") if each["name"] != "mean"]
    return sum(sum(bar["y"]) for bar in bars) / visit.ask("player.size")


def test_a_run_fills_the_figures_when_it_is_over_and_nothing_jumps(visit):
    look(visit)
    turn(visit, "Stage")
    visit.decoder.count, visit.decoder.delay = 8, 0.4
    visit.decode()
    turn(visit, "Numbers")
    assert "when the run is over" in visit.page.text_content(".numbers .verdict")
    assert (
        visit.ask("getComputedStyle(document.querySelector('.numbers .plot')).visibility")
        == "hidden"
    )
    before = visit.ask(BOXES)
    visit.until("player.isDone")
    visit.until(f"{PLOT.format('rounds')}.data[0].x.length === 8")
    visit.rest()
    assert visit.ask(BOXES) == before


def test_the_stage_is_there_after_a_look_at_the_numbers(visit):
    look(visit)
    turn(visit, "Stage")
    visit.press("Home", "PageDown")
    visit.rest()
    assert visit.ask("player.at") == 1
    assert visit.page.locator(".stage .tree .plot svg").first.is_visible()


def test_a_theme_reaches_the_numbers(visit):
    look(visit)
    said = f"JSON.stringify({PLOT.format('rounds')}.data)"
    assert PALETTE["dark"]["recovered"] in visit.ask(said)
    visit.page.click("#header .theme")
    visit.until(f"{said}.includes('{PALETTE['light']['recovered']}')")


@pytest.mark.parametrize("size", [(1440, 900), (1024, 768), (390, 844)])
def test_the_tab_fits_and_draws_what_is_in_sight(tab, served, size):
    visit = Visit(tab, served[0])
    visit.page.set_viewport_size({"width": size[0], "height": size[1]})
    visit.open()
    look(visit)
    assert visit.ask("document.documentElement.scrollWidth <= innerWidth")
    if size == (1440, 900):
        assert visit.ask("document.documentElement.scrollHeight <= innerHeight")
    if size[0] < 400:
        last = PLOT.format("bandwidth")
        assert not visit.ask(f"Boolean({last}.data)")
        visit.ask(f"{last}.scrollIntoView()")
        visit.until(f"{last}.data?.length")
    visit.close()


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_a_figure_is_saved_as_a_picture(visit, kind, tmp_path):
    look(visit)
    with visit.page.expect_download() as waiting:
        visit.page.get_by_label(f"save Acceptance by depth as {kind.upper()}").click()
    assert waiting.value.suggested_filename == f"speculoscope-acceptance-by-depth.{kind}"
    waiting.value.save_as(tmp_path / "picture")
    content = (tmp_path / "picture").read_bytes()
    if kind == "png":
        assert content.startswith(b"\x89PNG") and len(content) > 5_000
    else:
        assert b"Acceptance by depth" in content and b"tested" in content
        # Chromium writes colours out
        red, green, blue = (int(PALETTE["dark"]["panel"][i : i + 2], 16) for i in (1, 3, 5))
        assert f"rgb({red}, {green}, {blue})".encode() in content


def test_a_figure_of_the_stage_is_saved_with_its_tokens_as_text(visit, tmp_path):
    visit.press("End")
    visit.rest()
    with visit.page.expect_download() as waiting:
        visit.page.get_by_label("save Draft tree as SVG").click(force=True)
    waiting.value.save_as(tmp_path / "tree.svg")
    content = (tmp_path / "tree.svg").read_text()
    assert "Draft tree" in content and "<b>" not in content
