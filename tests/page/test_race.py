"""The comparison's tab in a real browser; a fake decoder's rounds and seconds are known."""

from dataclasses import replace

import pytest

import engine
from engine.cut_short import StoppedError
from engine.records import Seconds
from tests.page import fakes, synthetic
from tests.page.conftest import Visit, serve
from tests.tables import table_bundle
from ui.loader import Loader

NOTICE = "document.querySelector('#compare-rail .notice')"
EQUAL = "document.querySelector('.race .equal').textContent"
SEEN = """[...document.querySelectorAll('.race .words')].map((words) => {
    const line = parseFloat(getComputedStyle(words).lineHeight), top = words.scrollTop % line;
    const now = words.querySelector('.now'), low = now.offsetTop - words.scrollTop;
    const seen = line * Math.floor(words.getBoundingClientRect().height / line);
    return { cut: Math.min(top, line - top), low, over: low + now.offsetHeight - seen };
})"""
PHASES = ("draft", "verify", "accept", "commit")
SLOW = {"plain": 3.0, "suffix": 1.0, "lookup": 2.0}  # how long a round takes by method


class LaneRun(fakes.FakeRun):
    """Rounds whose seconds tell the methods apart; ``other`` after so many of them."""

    other = None  # the round from which on another text is written

    def __next__(self):
        this = super().__next__()
        factor = SLOW[self.config.method]
        seconds = Seconds(*(factor * getattr(this.seconds, phase) for phase in PHASES))
        this = replace(this, seconds=seconds)
        if self.other is not None and this.index >= self.other and self.config.method != "plain":
            return replace(this, nodes=turned(this.nodes), emitted=turned(this.emitted))
        return this

    def _finish(self):
        if self.end is None:
            super()._finish()
            seconds = SLOW[self.config.method] * self.end.seconds
            self.end = replace(self.end, seconds=seconds)


def turned(columns):
    """Every token another one."""
    return replace(columns, token=tuple(2 + (token - 1) % 9 for token in columns.token))


class LaneDecoder(fakes.FakeDecoder):
    other = None
    refused = None  # a method that fails once its lane begins

    def decode(self, bundle, prompt, config, is_cancelled):
        if is_cancelled():
            raise StoppedError
        if config.method == self.refused:
            raise ValueError("There is no room.")
        run = LaneRun(prompt, config, self.count, self.nodes, self.delay)
        run.other, run.room = self.other, self.room
        self.runs.append(run)
        return run


@pytest.fixture(scope="module")
def course(shelf):
    yield from serve(Loader(fakes.bundle), LaneDecoder())


@pytest.fixture
def racer(tab, course):
    address, decoder = course
    decoder.count, decoder.nodes, decoder.delay, decoder.other = 12, 8, 0.0, None
    decoder.refused, decoder.room = None, fakes.FakeRun.room
    visit = Visit(tab, address)
    visit.decoder = decoder
    yield opened(visit)
    visit.close()


def test_every_lane_begins_with_its_own_best_tree(racer):
    boxes = racer.page.locator("#compare-rail").get_by_label("Tree", exact=True).all()
    assert [box.input_value() for box in boxes] == ["auto"] * 3


def opened(visit, lanes=(("Lane 3", "Prompt lookup"),)):
    """The comparison's tab of a new visitor, with plain, suffix and lookup in its lanes."""
    visit.open("?__theme=dark")
    visit.page.get_by_role("tab", name="Compare").click()
    visit.until("window.race")
    for label, option in lanes:
        choose(visit, label, option)
    return visit


def choose(visit, label, option):
    rail = visit.page.locator("#compare-rail")
    rail.get_by_label(label).click()
    rail.get_by_role("option", name=option).click()
    rail.locator("ul.options").wait_for(state="detached")


def race(visit):
    """Decode all lanes; the race stands at its start."""
    visit.page.click("#race-go")
    visit.until("race.state === 'over'")
    visit.press("Home")


def seconds(method):
    return 12 * SLOW[method] * 0.064


def test_lanes_play_on_one_clock_each_round_at_its_recorded_second(racer):
    race(racer)
    lanes = racer.ask("race.lanes")
    assert [lane["rounds"] for lane in lanes] == [12, 12, 12]
    taken = [lane["seconds"] for lane in lanes]
    assert taken == pytest.approx([seconds(m) for m in ("plain", "suffix", "lookup")])
    assert racer.ask("race.length") == pytest.approx(seconds("plain"))
    scrub = "(v => { const bar = document.querySelector('.race .scrub'); bar.value = v;"
    racer.ask(f"{scrub} bar.dispatchEvent(new Event('input')); }})(500)")
    # half of plain's time: six of its rounds, nine of lookup's, all of suffix decoding's
    assert racer.ask("race.lanes.map(lane => lane.shown)") == [6, 12, 9]
    rate = racer.page.locator(".race .track .rate").all_text_contents()
    tokens = [sum(len(this.emitted) for this in synthetic.rounds(n, 8, seed=0)) for n in (6, 12, 9)]
    assert rate[0] == f"{tokens[0] / (seconds('plain') / 2):.1f}"
    assert rate[1] == f"{tokens[1] / seconds('suffix'):.1f}"
    means = racer.page.locator(".race .track .mean").all_text_contents()
    assert means == [f"{n / passes:.2f}" for n, passes in zip(tokens, (6, 12, 9), strict=True)]


def test_the_finish_has_an_order_and_a_speed_against_plain(racer, monkeypatch):
    monkeypatch.setitem(SLOW, "suffix", 1.25)
    race(racer)
    places = racer.page.locator(".race .place")
    assert places.all_text_contents() == ["", "", ""]
    racer.press("End")
    said = places.all_text_contents()
    assert [words.split(" ")[0] for words in said] == ["3rd", "1st", "2nd"]
    assert said[1].endswith("2.40× plain") and said[2].endswith("1.50× plain")


def test_a_lane_faster_than_its_passes_can_make_it_has_no_speed_up(racer):
    """2.5 tokens a pass are no three times as fast: something else took the machine meanwhile."""
    race(racer)
    racer.press("End")
    places = racer.page.locator(".race .place")
    said = places.all_text_contents()
    assert said[1].startswith("1st") and said[1].endswith("· unsteady")
    assert "The machine was busy" in places.nth(1).get_attribute("title")
    assert said[2].endswith("1.50× plain") and not places.nth(2).get_attribute("title")


def test_who_comes_in_alone_is_no_first(racer):
    racer.decoder.delay = 0.1
    racer.page.click("#race-go")
    racer.until("race.lanes[1]?.rounds > 1")
    racer.page.click("#race-stop")
    racer.until("race.state === 'over'")
    racer.press("End")
    said = racer.page.locator(".race .place").all_text_contents()
    assert [words.split(" ")[0] for words in said[:2]] == ["finished", "stopped"]


def test_keys_play_and_step_round_by_round_or_pass_by_pass(racer):
    race(racer)
    racer.press("ArrowRight")
    assert racer.ask("race.lanes.map(lane => lane.shown)") == [0, 1, 0]
    racer.press("ArrowRight", "ArrowRight")
    assert racer.ask("race.lanes.map(lane => lane.shown)") == [1, 3, 1]
    racer.press("ArrowLeft")
    assert racer.ask("race.lanes.map(lane => lane.shown)") == [0, 2, 1]
    racer.press("Home", "t", "ArrowRight", "ArrowRight")
    assert racer.ask("[race.isByPass, ...race.lanes.map(lane => lane.shown)]") == [True, 2, 2, 2]
    racer.ask("player.state === 'playing' && document.querySelector('.stage .play').click()")
    before = racer.ask("player.position")
    racer.press("End", "t", "Home", "Space")
    racer.until("race.at > 0.1 && race.isPlaying")
    racer.press("Space")
    assert racer.ask("race.isPlaying") is False
    assert racer.ask("player.position") == before  # the stage is out of sight and stays put


def test_playing_asks_nothing_of_the_server_and_ends_at_the_finish(racer):
    race(racer)
    racer.requests.clear()
    racer.press("+", "+", "+", "Space")
    racer.until("!race.isPlaying && race.at === race.length")
    assert racer.requests == []


TRACKS = """[...document.querySelectorAll('.race .track')].map((track) => {
    const road = track.querySelector('.road').getBoundingClientRect(), wide = road.width - 2;
    const place = (x) => (x - road.left - 1) / wide;
    const done = place(track.querySelector('.done').getBoundingClientRect().right);
    const marks = [...track.querySelectorAll('.rounds i')].map((i) => i.getBoundingClientRect());
    return { done, ends: marks.map((mark) => place(mark.right)) };
})"""


def test_a_round_has_one_place_on_its_track_and_none_is_seen_before_its_time(racer):
    race(racer)
    lengths = [len(this.emitted) for this in synthetic.rounds(12, 8, seed=0)]
    ends = [sum(lengths[: n + 1]) / sum(lengths) for n in range(12)]
    for _ in range(4):  # the last of them at a moment at which every lane has begun
        shown = racer.ask("race.lanes.map(lane => lane.shown)")
        for track, count in zip(racer.ask(TRACKS), shown, strict=True):
            assert track["ends"] == pytest.approx(ends, abs=2e-3)
            assert track["done"] == pytest.approx([0, *ends][count], abs=2e-3)
        racer.press("ArrowRight")
    assert min(shown) > 0


def test_texts_are_coloured_by_origin_and_equal_ones_are_said_to_be(racer):
    race(racer)
    racer.press("End")
    count = sum(len(this.emitted) for this in synthetic.rounds(12, 8, seed=0))
    assert racer.ask(EQUAL) == f"✓ All texts equal: {count} tokens in every lane."
    for lane in range(3):
        words = racer.page.locator(f".lane[data-lane='{lane}'] span.word[data-role]")
        assert words.count() == count
    assert racer.page.locator(".race .differs").count() == 0
    assert racer.page.locator(".lane[data-lane='1'] svg circle").count() > 1


def test_the_first_difference_is_marked_in_every_lane(racer):
    racer.decoder.other = 4
    race(racer)
    racer.press("End")
    first = sum(len(this.emitted) for this in synthetic.rounds(4, 8, seed=0))
    assert "2 of 2 texts part" in racer.ask(EQUAL)
    place = """[1, 2].map(lane => [...document
        .querySelectorAll(`.lane[data-lane='${lane}'] span.word`)]
        .findIndex(word => word.matches('.differs')))"""
    assert racer.ask(place) == [first, first]
    notes = racer.page.locator(".race .difference").all_text_contents()
    assert notes == ["", *[f"differs from token {first + 1} on"] * 2]


def test_lanes_of_their_own_temperatures_are_compared_with_their_like_only(racer):
    racer.decoder.other = 4
    rail = racer.page.locator("#compare-rail")
    boxes = rail.get_by_label("Temperature", exact=True)
    assert [boxes.nth(i).input_value() for i in range(4)] == ["0", "", "", ""]
    boxes.nth(2).fill("0.7")
    race(racer)
    racer.press("End")
    said = racer.ask(EQUAL)
    assert "Lanes 1 and 2, temperature 0: ✗ 1 text parts from plain's" in said
    assert "Lane 3, temperature 0.7: nothing to compare with." in said
    first = sum(len(this.emitted) for this in synthetic.rounds(4, 8, seed=0))
    notes = racer.page.locator(".race .difference").all_text_contents()
    another = "temperature 0.7: another law than plain's"
    assert notes == ["", f"differs from token {first + 1} on", another]
    assert racer.page.locator(".lane[data-lane='2'] .differs").count() == 0
    names = racer.page.locator(".race .track .name small").all_text_contents()
    assert [name.split(" · ")[1] for name in names] == ["T 0", "T 0", "T 0.7"]
    places = racer.page.locator(".race .track .place").all_text_contents()
    assert ["unsteady" in place for place in places] == [False, True, False]  # of one law only
    assert not any("× plain" in place for place in places)
    boxes.nth(1).fill("0.7")
    boxes.nth(0).fill("0.7")
    before = racer.ask("race.lanes[0].run")
    racer.page.click("#race-go")
    racer.until(f"race.lanes[0].run !== {before!r} && race.state === 'over'")
    assert racer.ask(EQUAL).startswith("One law in every lane (temperature 0.7)")
    marks = racer.page.locator(".race .lane:not(.wrong) .differs")
    assert marks.count() == 2  # a draw that parts is no mistake


def test_lanes_show_their_progress_and_stop_leaves_what_there_is(racer):
    racer.decoder.count, racer.decoder.delay = 30, 0.1
    racer.page.click("#race-go")
    racer.until(f"{NOTICE}.textContent === '1 of 3: plain decoding…'")
    racer.until(f"{NOTICE}.textContent === '2 of 3: suffix decoding…' && race.lanes[1].rounds > 1")
    racer.page.click("#race-stop")
    racer.until("race.state === 'over'")
    assert racer.ask(f"{NOTICE}.textContent") == "Stopped at lane 2."
    racer.press("End")
    assert "not decoded" in racer.page.locator(".race .place").all_text_contents()[2]
    assert len(racer.decoder.runs) >= 2 and racer.decoder.runs[-1].end.reason == "cancelled"


QUEUE = "document.querySelector('#compare-rail .queue').textContent"


def wait_behind_ones_own_run(racer):
    """A race that waits for the stage's run, which goes on until it is stopped."""
    racer.decoder.count, racer.decoder.delay = 400, 0.1
    racer.page.get_by_role("tab", name="Stage").click()
    racer.decode()
    racer.page.get_by_role("tab", name="Compare").click()
    racer.page.click("#race-go")
    racer.until(f"{QUEUE}.startsWith('The decoder is busy: you are number')")


def test_who_races_while_the_decoder_is_busy_sees_his_place_under_the_button(racer, browser):
    wait_behind_ones_own_run(racer)
    racer.page.evaluate("document.querySelector('#stop').click()")  # of the stage, not of the race
    assert "Stopped" not in racer.ask(QUEUE)
    racer.until(f"!{QUEUE} && {NOTICE}.textContent === '1 of 3: plain decoding…'")
    racer.page.click("#race-stop")
    racer.until("race.state === 'over'")


def test_who_stops_a_race_that_waits_has_none(racer):
    wait_behind_ones_own_run(racer)
    count = len(racer.decoder.runs)
    racer.page.click("#race-stop")
    racer.until(f"{QUEUE} === 'Stopped: what waits in the queue will not begin.'")
    racer.decoder.count, racer.decoder.delay = 6, 0.0
    racer.page.click("#race-go")  # another one, which waits behind what was stopped
    racer.until(f"{QUEUE}.startsWith('The decoder is busy: you are number')")
    racer.page.evaluate("document.querySelector('#stop').click()")
    racer.until("race.state === 'over'")
    assert racer.ask("race.lanes.map(lane => lane.rounds)") == [6, 6, 6]
    assert len(racer.decoder.runs) == count + 3


def test_a_lane_that_fails_leaves_what_there_is_and_no_claim(racer):
    racer.decoder.refused = "lookup"
    race(racer)
    assert racer.ask(f"[{NOTICE}.textContent, {NOTICE}.matches('.problem')]") == [
        "There is no room.",
        True,
    ]
    assert racer.ask("race.lanes.map(lane => lane.rounds)") == [12, 12, 0]
    assert racer.ask(EQUAL) == ""


def test_a_lane_without_room_for_its_next_round_was_stopped_and_opens_as_far_as_it_went(racer):
    racer.decoder.room = 5
    race(racer)
    assert racer.ask(f"[{NOTICE}.textContent, {NOTICE}.matches('.problem')]") == [
        fakes.NO_ROOM,
        True,
    ]
    racer.press("End")
    assert racer.page.locator(".race .place").first.text_content().startswith("stopped")
    racer.page.locator(".lane[data-lane='0'] .open").click()
    racer.until("player.run === race.lanes[0].run && player.size === 5 && player.isDone")


def test_a_lane_opens_on_the_stage(racer):
    race(racer)
    run = racer.ask("race.lanes[2].run")
    racer.page.locator(".lane[data-lane='2'] .open").click()
    racer.until(f"player.run === {run!r} && player.size === 12 && player.isDone")
    racer.page.locator(".stage .tree .plot").wait_for(state="visible")
    racer.press("End")
    racer.rest()
    assert "1.50×" in racer.page.text_content("#facts")


def test_what_cannot_be_raced_is_a_sentence_under_the_button_and_nothing_typed_is_lost(racer):
    choose(racer, "Lane 3", "Draft model, chain")
    racer.page.click("#race-go")
    racer.until(f"{NOTICE}.matches('.problem') && {NOTICE}.textContent.includes('Lane 3')")
    rail = racer.page.locator("#compare-rail")
    choose(racer, "Lane 3", "no lane")
    for label, place, bad, good, words in (
        ("Tokens", 0, "-3", "96", "Tokens must be between"),
        ("Seed", 0, "1e99", "0", "Seed must be a whole number up to 2⁵³, not 1e+99."),
        ("Tree", 0, "abc", "auto", "Lane 2: Tree must be 'auto' or a number of nodes"),
        ("Temperature", 1, "-1", "", "Lane 2: Temperature must be between 0 and 100"),
        ("Prompt", 0, " ", "Why?", "The prompt is empty"),
    ):
        box = rail.get_by_label(label, exact=True).nth(place)
        box.fill(bad)
        racer.page.click("#race-go")
        racer.until(f"{NOTICE}.matches('.problem') && {NOTICE}.textContent.includes({words!r})")
        assert box.input_value().replace("+", "") == bad
        box.fill(good)
    choose(racer, "Lane 2", "no lane")
    racer.page.click("#race-go")
    racer.until(f"{NOTICE}.textContent.includes('Choose a method')")
    button, line = (
        racer.page.locator(n).bounding_box() for n in ("#race-go", "#compare-rail .notice")
    )
    assert 0 < line["y"] - button["y"] < 60
    assert racer.ask("race.state") == "none"


def test_two_visitors_race_apart(racer, browser, course):
    racer.decoder.count, racer.decoder.delay = 20, 0.05
    other = opened(Visit(browser, course[0]))
    racer.page.click("#race-go")
    racer.until("race.lanes.length && race.lanes[0].rounds > 1")
    other.page.click("#race-go")
    for visit in (racer, other):
        visit.page.wait_for_function("race.state === 'over'", timeout=40_000)
        assert visit.ask("race.lanes.map(lane => lane.rounds)") == [20, 20, 20]
    mine, others = (set(v.ask("race.lanes.map(lane => lane.run)")) for v in (racer, other))
    assert not mine & others
    other.close()


def test_a_phone_stacks_the_lanes_and_nothing_scrolls_sideways(racer):
    race(racer)
    racer.press("End")
    for width, height in ((1440, 900), (1024, 768), (390, 844)):
        racer.page.set_viewport_size({"width": width, "height": height})
        assert racer.ask("document.documentElement.scrollWidth <= innerWidth"), width
    tops = [racer.page.locator(f".lane[data-lane='{i}']").bounding_box()["y"] for i in range(3)]
    assert tops[0] < tops[1] < tops[2]


def test_real_methods_write_equal_texts_at_temperature_0(tab, shelf):
    for address, _ in serve(Loader(table_bundle), engine):
        visit = opened(Visit(tab, address), [("Lane 4", "Draft model, chain")])
        visit.page.locator("#compare-rail textarea").first.fill("abcabdabc")
        race(visit)
        assert visit.ask(EQUAL) == "✓ All texts equal: 96 tokens in every lane."
        lanes = visit.ask("race.lanes")
        assert len(lanes) == 4 and all(lane["tokens"] == lanes[0]["tokens"] for lane in lanes)
        assert lanes[0]["rounds"] == 96
        visit.close()


def test_of_a_lanes_text_whole_lines_are_seen_and_the_pass_in_hand_is_among_them(racer):
    racer.decoder.count = 60
    race(racer)
    racer.press("End")
    for width, height in ((1440, 900), (390, 844), (1440, 870), (1024, 768), (1440, 885)):
        racer.page.set_viewport_size({"width": width, "height": height})
        racer.page.wait_for_timeout(300)  # the lanes have grown or shrunk by then, as a rule
        racer.until(f"{SEEN}.every(({{ cut, low, over }}) => cut < 1 && low >= 0 && over <= 0)")


def test_a_race_whose_server_is_gone_shows_what_was_decoded(racer):
    racer.decoder.count, racer.decoder.delay = 400, 0.1
    racer.page.click("#race-go")
    racer.until("race.lanes[0]?.rounds > 2")
    racer.page.context.set_offline(True)  # what is asked now fails …
    racer.decoder.runs[-1]._delay = 9.0  # … and the stream that is open has nothing to say
    racer.until(f"{NOTICE}.textContent.startsWith('The server does not answer any more')")
    assert racer.ask("race.state") == "over" and racer.ask("race.lanes[0].rounds") > 2
    racer.page.context.set_offline(False)
    racer.decoder.runs[-1]._delay = 0.0
    racer.errors.clear()  # the browser's and Gradio's, of the network that was gone
    racer.page.click("#race-stop")


def test_a_lane_opens_once_it_is_over_and_its_figures_are_told_without_a_pointer(racer):
    racer.decoder.count, racer.decoder.delay = 40, 0.05
    racer.page.click("#race-go")
    racer.until("race.lanes[0]?.rounds > 2")
    assert racer.page.locator(".lane[data-lane='0'] .open").is_disabled()
    racer.decoder.runs[-1]._delay = racer.decoder.delay = 0.0
    racer.until("race.state === 'over'")
    assert racer.page.locator(".lane[data-lane='0'] .open").is_enabled()
    racer.press("End")
    told = racer.page.locator(".race .track").first.get_by_role("img")
    labels = [told.nth(place).get_attribute("aria-label") for place in (1, 2)]
    assert " tokens in " in labels[0] and labels[0].endswith("reading the prompt left out")
    assert "tokens per pass: " in labels[1] and labels[1].endswith(" in 40 target passes")
