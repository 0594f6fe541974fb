from dataclasses import replace
from io import BytesIO
from itertools import combinations
from pathlib import Path

import pytest
from PIL import Image

from engine.records import Law
from engine.trace import Trace
from tests.page import synthetic
from tests.page.boxes import LABELS, overlap
from tests.page.conftest import Visit
from tests.viz.records import make_round
from viz.phases import steps
from viz.theme import PALETTE

TRACES = Path(__file__).parents[2] / "assets" / "traces"
DRAWN = "JSON.stringify(document.querySelector('.tree .plot').data)"
PLOT = "document.querySelector('.tree .plot')"
JUDGED = "document.querySelector('.judgement .plot')"
# from the panel's left: right edges of the longest bars, both edges of the numbers, its width
EDGES = f"""(plot => {{
    const box = plot.getBoundingClientRect();
    const edge = side => one => one.getBoundingClientRect()[side] - box.left;
    const bars = [...plot.querySelectorAll('.barlayer .point:first-child path')].map(edge('right'));
    const texts = [...plot.querySelectorAll('.textpoint text')];
    return [bars, [texts.map(edge('left')), texts.map(edge('right'))], box.width];
}})({JUDGED})"""
# from the tree panel's left: nodes above a level and its own, what has scrolled off, its right
PLACE = """(level) => {
    const panel = document.querySelector('.stage .tree'), plot = panel.querySelector('.plot');
    const { xaxis } = plot._fullLayout;
    const left = plot.getBoundingClientRect().left - panel.getBoundingClientRect().left;
    const x = (k) => left + xaxis._offset + xaxis.l2p(k * plot.layout.meta.column);
    return [x(level - 1), x(level), panel.scrollLeft, panel.clientWidth];
}"""
# pixels by which the label of the token that came last passes the tree panel's edge
PAST = """(panel => {
    const last = [...panel.querySelectorAll('.textpoint text')].at(-1).getBoundingClientRect();
    return last.right - panel.getBoundingClientRect().right;
})(document.querySelector('.stage .tree'))"""
# of the panel of the text: where it is, how wide, how high, and a line of it
WORDS = """(words => {
    const { left, top, width } = words.getBoundingClientRect();
    return [left, top, width, words.clientHeight, parseFloat(getComputedStyle(words).lineHeight)];
})(document.querySelector('.stage .words'))"""
OVER_GO = """(box => [...Array(9).keys()].map(i =>
    document.elementFromPoint(box.left + box.width * (i + 1) / 10, box.top + box.height / 2))
    .filter(over => !over?.closest('#go')).map(over => over?.textContent))
    (document.querySelector('#go').getBoundingClientRect())"""
SIDEWAYS = "document.documentElement.scrollWidth <= innerWidth"


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_a_theme_reaches_page_and_figures(tab, served, theme):
    visit = Visit(tab, served[0]).open(f"?__theme={theme}")
    visit.press("End")
    visit.rest()
    drawn = visit.ask(DRAWN)
    other = "light" if theme == "dark" else "dark"
    assert PALETTE[theme]["root"] in drawn
    assert PALETTE[other]["root"] not in drawn
    visit.page.click("#header .theme")
    visit.until(f"{DRAWN}.includes('{PALETTE[other]['root']}')")
    visit.close()


def test_the_stage_fits_one_screen(visit):
    visit.press("End")
    visit.rest()
    assert visit.ask("document.documentElement.scrollHeight <= innerHeight")
    assert visit.ask(SIDEWAYS)
    for panel in ("tree", "text", "caches", "bar"):
        box = visit.page.locator(f".stage > .{panel}").bounding_box()
        assert box["height"] > 30 and box["y"] + box["height"] <= 900, panel
    assert visit.ask(
        "(rail => rail.scrollHeight <= rail.clientHeight)(document.querySelector('#rail'))"
    )


@pytest.mark.parametrize("size", [(390, 844), (1024, 768), (720, 450)])
def test_smaller_screens_scroll_down_only(tab, served, size):
    visit = Visit(tab, served[0])
    visit.page.set_viewport_size({"width": size[0], "height": size[1]})
    visit.open()
    visit.press("End")
    visit.rest()
    assert visit.ask(SIDEWAYS)
    assert visit.page.locator(".stage .tree .plot svg").first.is_visible()
    visit.close()


@pytest.mark.parametrize("size", [(390, 844), (768, 1024), (1000, 600)])
def test_where_the_page_scrolls_the_bar_stays_in_sight(tab, served, size):
    visit = Visit(tab, served[0])
    visit.page.set_viewport_size({"width": size[0], "height": size[1]})
    visit.open()
    visit.press("End")
    visit.rest()
    visit.ask("document.querySelector('.stage .tree').scrollIntoView()")
    box = visit.page.locator(".stage > .bar").bounding_box()
    assert box["y"] > 0 and box["y"] + box["height"] <= size[1] + 1
    visit.close()


def test_no_label_of_the_settings_lies_over_the_buttons(visit):
    """Wherever the rail is scrolled to, a click on Decode is one on Decode."""
    visit.page.click("#settings button")
    visit.rest()
    for top in range(0, 160, 12):
        visit.ask(f"document.querySelector('#rail').scrollTop = {top}")
        assert visit.ask(OVER_GO) == [], top


def test_on_a_phone_a_large_tree_scrolls_along_to_where_something_happens(tab, served, tmp_path):
    whole = synthetic.trace(2, 40, seed=0)
    whole.save(tmp_path / "run.jsonl")
    visit = Visit(tab, served[0], reduced_motion="reduce")
    visit.page.set_viewport_size({"width": 390, "height": 844})
    visit.open()
    visit.open_file(tmp_path / "run.jsonl")
    visit.until("player.size === 2")
    visit.press("Home")
    scrolled = set()
    for this in whole.rounds:
        for step in steps(this):
            visit.rest()
            assert visit.ask("player.phase") == step.phase
            if step.level:
                parent, x, left, width = visit.page.evaluate(PLACE, step.level)
                assert 30 < parent < x < width - 30, step
                scrolled.add(left)
            visit.press("ArrowRight")
    assert min(scrolled) == 0 < max(scrolled)  # without it the last levels are out of sight
    visit.close()


@pytest.mark.parametrize(("drafted", "seed"), [(4, 4), (12, 1), (12, 4)])
def test_on_a_phone_the_label_of_the_token_in_hand_is_whole(visitor, tmp_path, drafted, seed):
    """Below its node, or, in a tree of many leaves, beside it."""
    whole = synthetic.trace(3, 8)
    one = make_round(drafted, seed, len(whole.header.prompt_token), 0)
    pieces = dict.fromkeys(one.pieces, " unfortunately")
    long = replace(
        one,
        pieces=pieces,
        emitted=replace(one.emitted, text=(" unfortunately",) * len(one.emitted)),
    )
    path = tmp_path / "run.jsonl"
    replace(whole, rounds=(long,), end=None).save(path)
    visitor.page.set_viewport_size({"width": 390, "height": 844})
    visitor.page.emulate_media(reduced_motion="reduce")
    visitor.open()
    visitor.open_file(path)
    visitor.until("player.size === 1")
    visitor.press("End")
    visitor.rest()
    assert visitor.ask("player.phase") == "emit"
    assert visitor.ask(PAST) <= 0
    assert visitor.ask("document.querySelector('.stage .tree').scrollLeft") > 0


@pytest.mark.parametrize("run", ["chain-cold", "eagle-code", "hydra-story"])
def test_on_a_phone_a_recorded_tree_is_seen_whole(visitor, run):
    """From its root to its last token, every label by itself."""
    visitor.page.set_viewport_size({"width": 390, "height": 844})
    visitor.page.emulate_media(reduced_motion="reduce")
    visitor.open()
    visitor.open_file(TRACES / f"{run}.jsonl")
    visitor.until(f"player.size === {len(Trace.load(TRACES / f'{run}.jsonl').rounds)}")
    visitor.press("Home")
    for _ in range(4):
        visitor.press("PageDown")
        visitor.rest()
        left, right, *boxes = visitor.ask(LABELS)
        assert visitor.ask("document.querySelector('.stage .tree').scrollLeft") == 0
        assert len(boxes) > 5
        assert all(left <= box[0] < box[2] <= right for box in boxes)
        assert max(overlap(*pair) for pair in combinations(boxes, 2)) < 2


@pytest.mark.parametrize("story", ["", "A recorded run that has been told of in many words. " * 4])
def test_on_a_phone_the_stage_stays_where_it_is_whatever_a_run_says(visitor, story):
    visitor.page.set_viewport_size({"width": 390, "height": 844})
    visitor.open()
    visitor.page.evaluate(
        """(story) => {
            document.querySelector('#notice .words').textContent = story;
            window.tops = [];
            const note = () => {
                tops.push(scrollY + document.querySelector('#stage').getBoundingClientRect().top);
                requestAnimationFrame(note);
            };
            requestAnimationFrame(() => requestAnimationFrame(note));
        }""",
        story,
    )
    visitor.decoder.delay = 0.05
    visitor.decoder.measuring = 0.3
    for _ in range(2):
        visitor.decode()
        visitor.until("player.isDone && !document.querySelector('#notice .words').textContent")
        visitor.until("document.querySelector('#facts').textContent.includes('measured')")
    assert visitor.ask("new Set(tops).size") == 1, visitor.ask("[...new Set(tops)]")


def test_on_a_phone_a_tree_that_has_room_does_not_scroll(tab, served, tmp_path):
    """And one that is drawn after a wider one of its run is not suddenly larger."""
    whole, rounds = synthetic.trace(3, 8), []
    start = len(whole.header.prompt_token)
    for index, drafted in enumerate((1, 40, 1)):
        rounds.append(make_round(drafted, 1, start, index))
        start += len(rounds[-1].emitted)
    path = tmp_path / "run.jsonl"
    replace(whole, rounds=tuple(rounds), end=None).save(path)
    visit = Visit(tab, served[0], reduced_motion="reduce")
    visit.page.set_viewport_size({"width": 390, "height": 844})
    visit.open()
    visit.open_file(path)
    visit.until("player.size === 3")
    width = "document.querySelector('.tree .plot').clientWidth"
    widths = []
    for key in ("Home", "PageDown", "PageDown"):
        visit.press(key)
        visit.rest()
        widths.append(visit.ask(width))
    panel = visit.ask("document.querySelector('.stage .tree').clientWidth")
    assert widths[0] < panel <= 390 < widths[1] == widths[2] == 525
    visit.close()


def test_no_line_of_the_text_is_cut_in_half(visit):
    visit.decoder.count = 80
    visit.decode_whole()
    visit.rest()
    visit.ask("document.querySelector('.stage .words').style.maxHeight = '3.5lh'")
    left, top, width, high, line = visit.ask(WORDS)
    whole = 3 * line
    assert high > whole + line / 3  # there is half a line to be cut

    def colours(above, below):
        """In a strip of the panel, its scroll bar left out."""
        clip = {"x": left, "y": top + above, "width": width - 20, "height": below - above}
        picture = Image.open(BytesIO(visit.page.screenshot(clip=clip))).convert("RGB")
        return len(picture.getcolors(2**16))

    assert colours(whole - line, whole) > 1
    assert colours(whole + 1, high) == 1


@pytest.mark.parametrize("tab_name", ["Stage", "Compare"])
def test_a_text_that_has_the_focus_has_a_ring(visit, tab_name):
    """All around it: what shows whole lines only would cut its own off."""
    visit.page.get_by_role("tab", name=tab_name).click()
    if tab_name == "Compare":
        visit.page.click("#race-go")
        visit.until("race.state === 'over'")
    else:
        visit.decode_whole()
    visit.rest()
    text = visit.page.locator(".race .text" if tab_name == "Compare" else ".panel.text").first
    ring = tuple(int(PALETTE["dark"]["bonus"][at : at + 2], 16) for at in (1, 3, 5))

    def ringed():
        """Pixels of its colour at the four edges."""
        text.scroll_into_view_if_needed()
        box = text.bounding_box()
        clip = {"x": box["x"] - 8, "y": box["y"] - 8}
        clip |= {"width": box["width"] + 16, "height": box["height"] + 16}
        picture = Image.open(BytesIO(visit.page.screenshot(clip=clip))).convert("RGB")
        wide, high = picture.size
        edges = [(0, 0, wide, 16), (0, high - 16, wide, high), (0, 0, 16, high)]
        counts = []
        for edge in [*edges, (wide - 16, 0, wide, high)]:
            found = picture.crop(edge)
            colours = {colour: count for count, colour in found.getcolors(2**16)}
            counts.append(colours.get(ring, 0) / max(found.size))
        return counts

    assert max(ringed()) < 0.5
    visit.press("Tab")  # a key was the last thing: a ring is shown then
    text.locator(".words").focus()
    assert min(ringed()) > 1.5  # two pixels


def test_every_panel_is_as_large_as_its_place(visit):
    visit.press("End")
    visit.rest()
    visit.page.set_viewport_size({"width": 1600, "height": 1000})
    visit.until(f"player.isSettled && {PLOT}.layout.width === {PLOT}.clientWidth")


def test_the_legend_names_every_verdict_and_origin(visit):
    words = visit.page.locator(".legend li").all_text_contents()
    assert {"accepted", "rejected", "recovered", "bonus", "untested"} <= set(words)


def test_a_round_is_said_in_a_sentence(visit):
    visit.press("PageDown", "PageDown")
    visit.until("document.querySelector('.says').textContent.startsWith('Round ')")
    assert visit.page.get_attribute(".says", "aria-live") == "polite"


def test_the_round_in_hand_is_in_sight(visit):
    visit.page.set_viewport_size({"width": 1024, "height": 768})
    visit.decoder.count = 60
    visit.decode_whole()
    visit.press("End")
    visit.rest()
    visit.until(
        "(words => { const now = words.querySelector('.now').getBoundingClientRect(),"
        " box = words.getBoundingClientRect();"
        " return words.scrollTop > 0 && now.bottom <= box.bottom + 1; })"
        "(document.querySelector('.stage .words'))"
    )
    cut = (
        "(words => { const line = parseFloat(getComputedStyle(words).lineHeight);"
        " const over = words.scrollTop % line; return Math.min(over, line - over); })"
        "(document.querySelector('.stage .words'))"
    )
    assert visit.ask(cut) < 1, "The first line in sight is cut by so many pixels."
    for width, height in ((1100, 700), (1440, 790), (1024, 768), (1440, 805), (1250, 820)):
        visit.page.set_viewport_size({"width": width, "height": height})
        visit.page.wait_for_timeout(300)  # the panel has grown or shrunk by then, as a rule
        visit.until(f"{cut} < 1")


def test_no_key_is_missing_from_the_judgement(visit):
    words = visit.page.locator(".judgement .legend li").all_text_contents()
    assert words == ["p target", "q draft", "residual"]
    visit.press("End")
    visit.rest()
    assert "drawn from" in visit.page.text_content(".judgement h4 em")


def test_the_slots_states_and_the_phases_have_a_legend(visit):
    states = visit.page.locator(".caches .legend li").all_text_contents()
    assert states == ["prefix", "written", "kept", "freed", "missing"]
    phases = visit.page.locator(".timeline .legend li").all_text_contents()
    assert phases == ["draft", "verify", "accept", "commit"]


def test_the_figures_that_matter_stay_in_sight_under_any_notice(visit):
    visit.page.set_viewport_size({"width": 1024, "height": 768})
    visit.press("End")
    visit.ask("document.querySelector('#notice .words').textContent = 'words '.repeat(200)")
    cards = visit.page.locator("#facts .cards > div")
    bottom = visit.page.locator("#rail").bounding_box()
    for card in cards.all():
        box = card.bounding_box()
        assert box["y"] + box["height"] <= bottom["y"] + bottom["height"]


def certain():
    """A run all of whose laws are sure of one token: bars of 1.00."""
    whole = synthetic.trace(3, 6)
    sure = dict.fromkeys(("target", "draft", "residual", "model"), (1.0, 0.0))
    rounds = tuple(
        replace(this, laws=tuple(Law(law.node, (2, 3), **sure) for law in this.laws))
        for this in whole.rounds
    )
    return replace(whole, rounds=rounds)


def test_a_full_bar_ends_before_its_number_on_every_screen(visit, tmp_path):
    certain().save(tmp_path / "certain.jsonl")
    before = visit.ask("player.run")
    visit.open_file(tmp_path / "certain.jsonl")
    visit.until(f"player.run !== {before!r} && player.isDone")
    visit.press("End")
    for width, height in ((1440, 900), (1024, 768), (390, 844)):
        visit.page.set_viewport_size({"width": width, "height": height})
        visit.until(f"player.isSettled && {JUDGED}.layout.width === {JUDGED}.clientWidth")
        bars, texts, panel = visit.ask(EDGES)
        assert len(texts[0]) == 3 and max(bars) + 4 <= min(texts[0]) and max(texts[1]) <= panel, (
            width,
            bars,
            texts,
        )
        assert min(bars) > 60  # and is still a bar


@pytest.mark.parametrize("size", [(1440, 900), (1280, 720), (1100, 800), (1024, 768), (390, 844)])
def test_no_title_of_the_judgement_is_cut(visit, size):
    """The longest of all recorded runs among them."""
    visit.page.set_viewport_size({"width": size[0], "height": size[1]})
    visit.press("End")
    visit.rest()
    needs = visit.ask(
        """() => {
            const title = document.querySelector('.stage .judgement h4 em');
            const legend = document.querySelector('.stage .judgement .legend');
            title.textContent = '“␣incom…” rejected: u 1.2e-4 ≥ p/q 1.0e-10';
            const box = title.parentElement, own = title.getBoundingClientRect();
            const other = legend.getBoundingClientRect();
            const isOver = own.top < other.bottom && other.top < own.bottom
                && own.left < other.right && other.left < own.right;
            const cut = [box, title].map((each) => each.scrollWidth - each.clientWidth);
            return [cut[0], getComputedStyle(title).display === 'block' ? cut[1] : 0, isOver];
        }"""
    )
    assert needs == [0, 0, False]


@pytest.mark.parametrize("width", [1320, 1440])
def test_what_a_run_ran_on_is_whole_where_there_is_room_and_pushes_nothing(visit, width):
    visit.page.set_viewport_size({"width": width, "height": 900})
    cut, tabs, lessons, right = visit.ask(
        """() => {
            const model = document.querySelector('#header .model');
            model.textContent = 'SmolLM2-135M-Instruct · float32 · cpu · packed · SDPA';
            const edge = (name, side) => [...document.querySelectorAll(name)].at(-1)
                .getBoundingClientRect()[side];
            return [model.scrollWidth - model.clientWidth, edge('#tabs [role=tab]', 'right'),
                edge('#header .teach', 'left'), edge('#header .keys', 'right')];
        }"""
    )
    assert tabs < lessons and right <= width
    assert cut <= 0 or width < 1440
