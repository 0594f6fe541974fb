"""Lessons in a real browser: every stop of every lesson, predictions, the lecture view, keys."""

from itertools import combinations

import pytest

from tests.page.boxes import LABELS, overlap
from tests.page.conftest import Visit
from tests.ui.test_lessons import FILES, ROOT
from ui import lessons, traces
from ui.lesson import read
from viz.numbers import TITLES, Numbers

FITS = "(box => box.scrollHeight <= box.clientHeight + 1)(document.querySelector('.lessons'))"
TYPE = "parseFloat(getComputedStyle(document.querySelector('.lessons .said')).fontSize)"
SHOWN = "document.querySelector('.stage .figure .plot').data?.map(d => [d.name, d.x, d.y])"
HATCHED = """[...document.querySelectorAll('.stage .caches .point path')]
    .map(path => path.style.fill).filter(fill => fill.includes('url'))"""
LEGEND = """(panel => {
    panel.scrollLeft = 1e6;
    const own = panel.getBoundingClientRect();
    const words = [...panel.querySelectorAll('.legend li')].map(li => li.getBoundingClientRect());
    return [panel.scrollLeft, words.every(b => b.left >= own.left && b.right <= own.right)];
})(document.querySelector('.stage .tree'))"""
FRAME = "JSON.stringify(document.querySelector('.tree .plot').data.map(d => [d.x, d.y]))"


@pytest.fixture(autouse=True)
def recorded(monkeypatch):
    """The traces that ship: the page tests have put others in their place."""
    monkeypatch.setattr(traces, "FOLDER", ROOT / "assets" / "traces")


class Room(Visit):
    """A visit that takes lessons."""

    def open(self, query=""):
        self.page.goto(self.address + query)
        self.page.wait_for_function("window.teaching && window.player && player.size > 0")
        return self.stand()

    def stand(self):
        """Wait until the stage stands where the lesson wants it."""
        self.until("teaching.isSettled && player.isSettled")
        return self

    def keys(self, *keys):
        for key in keys:
            self.press(key)
            self.stand()

    @property
    def place(self):
        return self.ask("[teaching.number, teaching.stop]")

    @property
    def said(self):
        return self.page.text_content(".lessons .said")

    @property
    def wrong(self):
        return self.page.text_content(".lessons .wrong")


@pytest.fixture
def room(tab, served):
    room = Room(tab, served[0], reduced_motion="reduce")
    yield room
    room.close()


def playable():
    """Number and stops of every lesson whose traces are recorded, in order."""
    rows = [row for row in lessons.recorded() if not row["problem"]]
    return [(row["number"], read(lessons.FOLDER / row["file"]).stops) for row in rows]


def test_every_stop_of_every_lesson_stands_on_its_frame(room):
    room.open("?lesson=1")
    for number, stops in playable():
        for index, (stop, played) in enumerate(zip(stops, room.ask("teaching.stops"), strict=True)):
            assert room.place == [number, index + 1]
            assert room.said == played["text"]
            assert room.ask("[player.run, player.at]") == [stop.trace, played["round"]]
            assert room.ask("player.phase") == ("verify" if stop.ask else stop.phase)
            spots = room.page.locator(".stage .panel.spot")
            assert spots.count() == len(stop.spotlight) + bool(stop.figure)
            assert_figure(room, stop)
            assert all(spots.nth(i).is_visible() for i in range(spots.count()))
            assert room.page.locator(".lessons tr").count() == len(stop.table)
            room.keys("n")  # behind the last stop comes the next lesson


def assert_figure(room, stop):
    """What the stop's figure shows is the trace's; without one nothing stands over the stage."""
    figure = room.page.locator(".stage .figure")
    assert figure.is_visible() == bool(stop.figure)
    if not stop.figure:
        return
    panel = Numbers.of(lessons.Shelf()[stop.trace])[stop.figure]
    wanted = [[trace["name"], trace["x"], trace["y"]] for trace in panel["figure"]["data"]]
    for _ in range(200):  # it is drawn once it is seen
        if room.ask(SHOWN) == wanted:
            break
        room.page.wait_for_timeout(50)
    assert room.ask(SHOWN) == wanted
    assert figure.locator("h4").inner_text() == f"{TITLES[stop.figure]} {panel['title']}"
    assert figure.locator(".legend li").count() == len(panel["legend"])


def test_a_lesson_without_its_traces_says_so(room, monkeypatch, tmp_path):
    for path in (ROOT / "assets" / "traces").glob("[!m]*.jsonl"):
        (tmp_path / path.name).symlink_to(path)
    monkeypatch.setattr(traces, "FOLDER", tmp_path)
    room.open("?lesson=6")
    assert room.place == [0, 0]
    assert "needs its traces" in room.wrong and "medusa-story" in room.wrong


@pytest.mark.parametrize("size", [(1920, 1080), (1280, 720)])
def test_in_a_room_every_stop_fits_the_screen_and_only_keys_are_needed(room, size):
    room.page.set_viewport_size({"width": size[0], "height": size[1]})
    room.open("?lesson=1&view=lecture")
    for number, stops in playable():
        for index, stop in enumerate(stops):
            assert room.place == [number, index + 1]
            assert room.ask(FITS) and room.ask(TYPE) >= 20, stop.title
            assert not room.page.is_visible("#header") and not room.page.is_visible(".stage .bar")
            spots = room.page.locator(".stage .panel.spot")
            for i in range(spots.count()):
                box = spots.nth(i).bounding_box()
                assert box["width"] > 100 and box["y"] + box["height"] <= size[1], stop.title
            room.keys("ArrowRight")
    last = room.place
    room.keys("Home", "PageDown", "ArrowRight", "PageUp")
    assert room.place == [last[0], 2]
    room.keys("End", "ArrowLeft", "Escape")
    assert room.place == [last[0], last[1] - 1]
    assert room.page.is_visible("#header") and "view" not in room.page.url


def test_a_verdict_is_hidden_until_it_is_predicted_and_then_scored(room):
    room.open("?lesson=3&stop=5")
    stops = room.ask("teaching.stops")
    for number, wrong in ((5, False), (6, True), (7, False)):
        ask = stops[number - 1]["ask"]
        assert room.ask("player.phase") == "verify"
        shown = room.page.inner_text(".lessons .question")
        assert "p/q" not in shown and f"{ask['u']:.2f}" in shown
        hidden = room.page.locator("#house.asking .stage .caches h4 em")
        assert hidden.evaluate("e => getComputedStyle(e).visibility") == "hidden"
        others = {"accepted": "rejected", "rejected": "accepted"}
        room.keys((others[ask["verdict"]] if wrong else ask["verdict"])[0])
        assert room.ask("player.phase") == "judge"
        told = room.page.text_content(".lessons .told")
        assert told.startswith("No" if wrong else "Right") and ask["because"] in told
        assert ask["verdict"] in told
        room.keys("n")
    assert room.ask("teaching.score") == {"right": 2, "of": 3}
    room.keys("p")
    assert "2 of 3" in room.page.text_content(".lessons .told")
    assert room.ask("player.phase") == "judge"
    room.keys("a", "r")  # a prediction stands
    assert room.ask("teaching.score") == {"right": 2, "of": 3}


def test_a_lesson_is_taken_with_buttons_alone(room):
    room.open()
    room.page.click("#header .teach")
    room.page.locator(".lessons .list button").nth(1).click()
    room.until("teaching.number === 2")
    room.stand()
    room.page.click(".lessons .next")
    room.stand()
    assert room.place == [2, 2]
    room.page.locator(".lessons .dots button").nth(4).click()
    room.stand()
    assert room.place == [2, 5]
    room.page.click(".lessons .lecture")
    assert not room.page.is_visible("#header")
    room.keys("v")
    room.page.click(".lessons .close")
    assert room.place == [0, 0] and room.page.is_visible("#prompt")
    assert "lesson" not in room.page.url


def test_the_keyboard_alone_opens_the_lessons_and_goes_on_to_the_next(room):
    room.open()
    room.keys("n")
    room.until(f"document.querySelectorAll('.lessons .list li').length === {len(FILES)}")
    room.page.keyboard.press("Enter")
    room.until("teaching.number === 1")
    room.stand()
    for _ in room.ask("teaching.stops"):
        room.keys("n")
    assert room.place == [2, 1]
    before = room.ask("player.position")
    room.keys("ArrowLeft")  # beside the text the player's own keys hold
    assert room.place == [2, 1] and room.ask("player.position") == before - 1
    room.keys("Escape")
    assert room.page.is_visible("#prompt")


def test_a_reload_lands_on_the_same_stop(room):
    room.open("?lesson=4")
    room.keys("n", "n")
    frame, text, url = room.ask(FRAME), room.said, room.page.url
    assert "lesson=4" in url and "stop=3" in url
    room.open(url.removeprefix(room.address))
    assert (room.place, room.said, room.ask(FRAME)) == ([4, 3], text, frame)


@pytest.mark.parametrize(
    ("query", "said", "place"),
    [
        ("?lesson=99", "There is no lesson '99'; there are lessons 1 to 8.", [0, 0]),
        ("?lesson=<b>", "There is no lesson '<b>'", [0, 0]),
        ("?lesson=", "", [0, 0]),
        ("?lesson=2&stop=40", "Lesson 2 has stops 1 to 6", [2, 1]),
        ("?lesson=2&stop=x", "Lesson 2 has stops 1 to 6", [2, 1]),
    ],
)
def test_a_link_to_nothing_is_a_sentence_and_the_stage_plays_on(room, query, said, place):
    room.open(query)
    assert said in room.wrong
    assert room.place == place
    assert room.page.locator(".lessons .list li").count() == (0 if place[0] else len(FILES))
    assert room.page.locator(".stage .tree .plot svg").first.is_visible()
    room.keys("n")


def test_another_run_on_the_stage_is_said_and_the_lesson_takes_its_own_back(room):
    room.open("?lesson=1&stop=1")
    trace = room.ask("player.run")
    names = room.ask("[...document.querySelectorAll('#header .shelf option')].map((o) => o.value)")
    other = next(name for name in names if name and name != trace)
    room.page.select_option("#header .shelf", other)
    room.until(f"player.run === {other!r}")
    assert "Another run is on the stage" in room.wrong
    room.page.click(".lessons .again")
    room.until(f"player.run === {trace!r} && teaching.isSettled")
    assert room.ask("teaching.stop") == 1


def test_a_lecture_can_be_given_and_left_by_touch(browser, served):
    room = Room(browser, served[0], reduced_motion="reduce", has_touch=True, is_mobile=True)
    room.page.set_viewport_size({"width": 1024, "height": 768})
    room.open("?lesson=1&stop=1&view=lecture")
    for button, stop in (("next", 2), ("back", 1)):
        room.page.tap(f".lessons .{button}")
        room.until(f"teaching.stop === {stop} && teaching.isSettled")
    room.page.tap(".lessons .more .lecture")
    assert not room.ask("document.body.classList.contains('lecture')")
    room.close()


def test_a_lecture_is_led_and_left_by_mouse_and_its_buttons_are_unseen_while_that_rests(room):
    room.page.set_viewport_size({"width": 1280, "height": 720})
    room.open("?lesson=1&stop=1&view=lecture")
    seen = "getComputedStyle(document.querySelector('.lessons nav')).opacity === '{}'"
    assert room.ask(seen.format(0))
    room.page.mouse.move(500, 300)
    room.until(seen.format(1))
    for button, stop in (("next", 2), ("back", 1)):
        room.page.click(f".lessons .{button}")
        room.until(f"teaching.stop === {stop} && teaching.isSettled")
    room.page.click(".lessons .more .lecture")
    assert not room.ask("document.body.classList.contains('lecture')")
    assert room.page.is_visible("#header")


def test_a_verdict_is_predicted_by_mouse_in_the_lecture_view_too(room):
    room.page.set_viewport_size({"width": 1280, "height": 720})
    room.open("?lesson=3&stop=5&view=lecture")
    room.page.click(".lessons .choice button[value=accepted]")
    room.until("player.phase === 'judge'")
    room.stand()
    assert room.ask("teaching.score.of") == 1
    room.page.keyboard.press("ArrowRight")  # the keys go on as before
    room.until("teaching.stop === 6")


def test_in_a_room_figures_are_larger_than_on_the_stage_and_words_take_what_they_need(room):
    room.page.set_viewport_size({"width": 1280, "height": 720})
    label = "Math.min(...{}.map(each => parseFloat(getComputedStyle(each).fontSize) * {}))"
    letters = "[...document.querySelectorAll('.stage .tree .textpoint text')]"
    zoom = "getComputedStyle(document.querySelector('.stage')).zoom"
    room.open("?lesson=5&stop=3&view=lecture")
    assert float(room.ask(zoom)) >= 1.25
    assert room.ask(label.format(letters, zoom)) >= 11
    edges = """[...document.querySelectorAll('.stage, #lessons')].map(each => {
        const { top, right, bottom } = each.getBoundingClientRect();
        return [top, right, bottom].map(Math.round);
    })"""
    (top, right, between), (below, _, bottom) = room.ask(edges)
    assert (top, right, bottom) == (0, 1280, 720) and 0 <= below - between <= 2
    short = bottom - below
    room.open("?lesson=7&stop=2&view=lecture")
    most = 9.5 * room.ask(TYPE) + 4
    below, bottom = (room.ask(edges)[1][at] for at in (0, 2))
    assert short < bottom - below <= most


def test_a_phone_is_offered_no_lecture_and_a_link_to_one_shows_the_lesson(room):
    room.page.set_viewport_size({"width": 390, "height": 844})
    room.open("?lesson=1&stop=1&view=lecture")
    assert not room.ask("document.body.classList.contains('lecture')")
    assert room.ask("teaching.stop") == 1
    assert not room.page.is_visible(".lessons .more .lecture")


def test_a_broken_lesson_is_a_sentence_in_the_list(room, tmp_path, monkeypatch):
    (tmp_path / "1.json").write_text(FILES[0].read_text(encoding="utf-8"))
    (tmp_path / "2.json").write_text('{"number": 2, "title": "<i>Two</i>"}')
    monkeypatch.setattr(lessons, "FOLDER", tmp_path)
    room.open()
    room.keys("n")
    rows = room.page.locator(".lessons .list li")
    assert "2.json has a mistake: " in rows.nth(1).text_content()
    assert rows.nth(1).locator("button").is_disabled()
    rows.nth(0).locator("button").click()
    room.until("teaching.number === 1")


def test_the_stage_plays_up_to_a_stop_and_a_visitor_may_take_over(tab, served):
    room = Room(tab, served[0]).open("?lesson=2")
    room.press("n", "n")
    room.until("player.phase === 'judge'")
    room.press("ArrowLeft")
    room.stand()
    assert room.place == [2, 3] and room.ask("player.state") == "paused"
    before = room.ask("player.position")
    room.page.click(".lessons .again")
    room.stand()
    assert room.ask("player.position") > before
    room.close()


def test_what_is_hatched_is_still_drawn_when_the_address_names_the_next_stop(room):
    """A picture that referred to its patterns by the address of the page would lose them."""
    room.open("?lesson=4")
    room.keys("n", "n", "n")
    assert room.place == [4, 4]
    fills = room.ask(HATCHED)
    assert fills and all(fill.startswith('url("#') for fill in fills)


@pytest.mark.parametrize("size", [(390, 844), (1024, 768)])
def test_on_smaller_screens_a_stop_shows_its_text_and_its_panels(room, size):
    room.page.set_viewport_size({"width": size[0], "height": size[1]})
    room.open("?lesson=4&stop=3")
    assert room.ask("document.documentElement.scrollWidth <= innerWidth")
    assert room.page.is_visible(".lessons .said")
    assert room.page.locator(".stage .caches .plot svg").first.is_visible()
    room.open("?lesson=6&stop=3")
    boxes = room.ask(LABELS)[2:]
    assert len(boxes) > 10
    # a line's box has some room of its own above and below the letters
    assert [pair for pair in combinations(boxes, 2) if overlap(*pair) > 3] == []
    room.open("?lesson=1&stop=5")
    box = room.page.locator(".stage .figure").bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= size[0] and box["height"] > 200


def test_on_a_phone_the_legend_stays_in_sight_however_far_the_tree_is_scrolled(room):
    room.page.set_viewport_size({"width": 390, "height": 844})
    room.open("?lesson=5&stop=1")
    scrolled, is_seen = room.ask(LEGEND)
    assert scrolled > 30 and is_seen


def test_a_lesson_that_was_closed_while_it_came_stays_closed(room):
    room.open()
    waiting = []
    room.page.route("**/own/lessons/5", lambda route: waiting.append(route))
    room.page.click("#header .teach")
    room.page.click(".lessons .list li:nth-child(5) button")
    room.until("document.querySelector('#house').classList.contains('taught')")
    run = room.ask("player.run")
    room.press("Escape")
    for route in waiting:
        route.continue_()
    room.page.unroute("**/own/lessons/5")
    room.page.wait_for_timeout(600)
    assert room.place == [0, 0] and room.ask("player.run") == run
    assert "lesson" not in room.ask("location.search")


def test_a_run_that_is_chosen_while_a_lesson_walks_is_shown_whole(room):
    """What a question hides is hidden on the lesson's own run only."""
    room.open("?lesson=3&stop=4")
    room.page.emulate_media(reduced_motion="no-preference")
    room.press("n")
    room.until("!teaching.isSettled && document.querySelector('#house.asking')")
    room.page.select_option("#header .shelf", "lookup-copy")
    room.until("player.run === 'lookup-copy'")
    room.until("document.querySelector('.lessons .wrong').textContent.startsWith('Another run')")
    assert not room.ask("Boolean(document.querySelector('#house.asking'))")


def test_the_focus_goes_along_from_the_list_to_the_lesson_and_from_dot_to_dot(room):
    room.open()
    room.page.click("#header .teach")
    room.page.focus(".lessons .list li:nth-child(2) button")
    room.page.keyboard.press("Enter")
    room.stand()
    assert room.ask("document.activeElement.tagName") == "H2"
    room.page.focus(".lessons .dots li:nth-child(3) button")
    room.page.keyboard.press("Enter")
    room.stand()
    assert room.place == [2, 3]
    assert room.ask("document.activeElement.getAttribute('aria-current')") == "step"


def test_a_run_of_a_stop_that_was_left_does_not_come_under_another_ones_text(room):
    waiting = []
    room.open("?lesson=6&stop=2")
    room.page.route("**/own/traces/hydra-story", lambda route: waiting.append(route))
    room.press("n")
    room.until("teaching.stop === 3")
    room.press("p")
    room.until("teaching.stop === 2")
    for route in waiting:
        route.continue_()
    room.page.unroute("**/own/traces/hydra-story")
    room.page.wait_for_timeout(500)
    room.stand()
    assert waiting and room.ask("player.run") == "medusa-story" and room.place == [6, 2]
    room.keys("n")
    assert room.ask("player.run") == "hydra-story"


def test_what_goes_wrong_on_the_stage_is_said_in_the_lesson(room, tmp_path):
    room.open("?lesson=2&stop=1")
    (tmp_path / "bad.jsonl").write_text("no trace\n")
    room.open_file(tmp_path / "bad.jsonl")
    room.until("document.querySelector('.lessons .wrong').textContent.includes('cannot be opened')")
