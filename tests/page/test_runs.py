from dataclasses import replace
from threading import Event
from time import monotonic, sleep

import pytest

import engine
from engine.trace import Trace
from tests.engine.test_no_room import Boundless
from tests.page import fakes, synthetic
from tests.page.conftest import Visit, serve
from tests.page.places import choose
from tests.tables import table_bundle
from ui.loader import Loader
from ui.stage_run import STOPPED

QUEUE = "document.querySelector('#notice .queue').textContent"
WORDS = "document.querySelector('#notice .words').textContent"


def test_stop_ends_the_run_whole_within_a_round(visit):
    visit.decoder.count, visit.decoder.delay = 200, 0.1
    visit.decode()
    visit.page.click("#stop")
    visit.until("player.isDone")
    run = visit.decoder.runs[-1]
    assert run.end.reason == "cancelled"
    assert visit.ask("player.size") == run.closed_after < 100
    assert visit.notice == f"Stopped after {run.closed_after} rounds."
    for key in ("End", "PageUp", "End"):  # nothing is promised, wherever one looks
        visit.press(key)
        visit.until("document.querySelector('#facts').textContent.includes('of plain, stopped')")
    visit.decoder.count, visit.decoder.delay = 5, 0.0
    visit.decode_whole()
    assert visit.ask("player.size") == 5


def test_a_second_decode_says_that_it_waits_and_when_it_takes_the_stage(visit):
    """Behind a run that was over early: the page is quick then, and Gradio dropped the second."""
    visit.decode_whole()
    visit.decoder.count, visit.decoder.delay = 12, 0.15
    visit.decode()
    first = visit.ask("player.run")
    visit.decoder.count = 60  # long enough to be seen on a slow machine
    visit.page.click("#go")
    visit.until(f"{WORDS} === 'This run waits for the one under way.'")
    visit.until(f"{WORDS}.startsWith('The run that waited has begun')")
    assert visit.ask("player.run") != first
    visit.until("player.isDone")
    visit.decoder.count = 5
    visit.decode_whole()
    assert "waited" not in visit.notice


@pytest.mark.parametrize("leaves", ["stop", "shelf"])
def test_whoever_stops_or_leaves_takes_the_runs_that_wait_along(visit, leaves):
    visit.decoder.count, visit.decoder.delay = 200, 0.05
    visit.decode()
    first, runs = visit.ask("player.run"), len(visit.decoder.runs)
    for _ in range(2):
        visit.page.click("#go")
    visit.until(f"{WORDS} === 'This run waits for the one under way.'")
    if leaves == "stop":
        visit.page.click("#stop")
        visit.until("player.isDone")
    else:
        visit.page.select_option("#header .shelf", "third")
        visit.until("player.run === 'third'")
    visit.page.wait_for_timeout(1500)  # what would come has come
    assert visit.ask("player.run") == (first if leaves == "stop" else "third")
    assert len(visit.decoder.runs) == runs
    visit.decoder.count, visit.decoder.delay = 4, 0.0
    visit.decode_whole()
    assert "waited" not in visit.notice


def test_a_run_that_is_stopped_before_it_begins_does_not_wait(visit):
    """The one before has ended by itself; this one reads its prompt."""
    visit.decoder.count, visit.decoder.delay = 30, 0.05
    visit.decode()
    reading = Event()

    def read(is_cancelled):
        reading.set()
        end = monotonic() + 20
        while not is_cancelled() and monotonic() < end:  # Stop has a way to go
            sleep(0.02)

    visit.decoder.reading = read
    visit.page.click("#go")
    assert reading.wait(20)
    visit.page.click("#stop")
    visit.until(f"{WORDS} === 'Stopped while the prompt was read.'")
    visit.decoder.reading = lambda is_cancelled: None
    visit.decoder.count, visit.decoder.delay = 4, 0.0
    visit.decode_whole()
    assert "waited" not in visit.notice


def test_a_refused_run_does_not_wait(visit):
    visit.decoder.count, visit.decoder.delay = 30, 0.05
    visit.decode()
    visit.page.fill("#prompt textarea", " ")
    visit.page.click("#go")
    visit.until("document.querySelector('#notice .problem')?.textContent.includes('empty')")
    visit.decoder.count, visit.decoder.delay = 4, 0.0
    visit.decode_whole()
    assert "waited" not in visit.notice


IN_SIGHT = """(() => {
    const words = document.querySelector('#notice .problem'), box = words.getBoundingClientRect();
    return [box.top + 3, box.bottom - 3].every(
        (y) => words.contains(document.elementFromPoint(box.left + 20, y)));
})()"""


@pytest.mark.parametrize("top", [0, 10_000])
@pytest.mark.parametrize("at", ["Home", "End"])
def test_what_is_wrong_is_in_sight_though_the_settings_are_open(visit, at, top):
    visit.press(at)
    visit.page.click("#settings button")
    visit.until("document.querySelector('#rail').scrollHeight > 700")
    visit.page.fill("#prompt textarea", " ")
    visit.ask(f"document.querySelector('#rail').scrollTop = {top}")
    visit.page.click("#go")
    visit.until("document.querySelector('#notice .problem')?.textContent.includes('empty')")
    visit.rest()
    assert visit.ask(IN_SIGHT)


def test_a_run_that_breaks_off_ends_and_says_so(visit):
    visit.decoder.breaks = 3
    visit.decode_whole()
    visit.until("document.querySelector('#notice .problem')?.textContent.includes('CUDA error')")
    assert visit.ask("player.size") == 3
    visit.decoder.breaks = fakes.FakeRun.breaks
    visit.decode_whole()
    assert visit.ask("player.size") == 12


HIDDEN = """[...document.querySelectorAll('.stage [data-panel] > .plot')]
    .every(plot => getComputedStyle(plot).visibility === 'hidden')"""
TITLES = "[...document.querySelectorAll('.stage [data-panel] h4 em')].map(em => em.textContent)"
LIGHT = "document.querySelector('.stage .tree .plot').layout.font.color"


def test_nothing_of_the_last_run_is_seen_before_the_first_round_of_the_next(visit):
    visit.decode_whole()
    visit.rest()
    ink, before = visit.ask(LIGHT), visit.ask("player.run")
    visit.decoder.count, visit.decoder.delay = 2, 2.5
    visit.page.click("#go")
    visit.until(f"player.run !== {before!r}")
    assert visit.ask("player.size") == 0
    assert visit.ask(HIDDEN) and set(visit.ask(TITLES)) == {""}
    assert visit.page.text_content(".says") == ""
    visit.page.click("#header .theme")  # nothing is drawn anew meanwhile …
    visit.until("player.position >= 0 && player.isSettled")
    assert not visit.ask(HIDDEN)
    assert visit.ask(LIGHT) != ink  # … and then in the colours of the day


def test_who_stops_his_first_run_while_it_waits_is_told_and_it_never_begins(visit, browser):
    other = Visit(browser, visit.address).open()
    visit.decoder.count, visit.decoder.delay = 400, 0.1
    visit.decode()
    before = other.ask("player.run")
    other.page.click("#go")
    other.until(f"{QUEUE}.startsWith('The decoder is busy: you are number')")
    other.page.click("#stop")
    other.until(f"{QUEUE} === 'Stopped: what waits in the queue will not begin.'")
    count = len(visit.decoder.runs)
    visit.page.click("#stop")
    other.until(f"!{QUEUE} && {WORDS} === {STOPPED!r}")
    assert len(visit.decoder.runs) == count and other.ask("player.run") == before
    other.close()


def test_why_the_next_run_did_not_begin_stays_beside_the_run_that_stands_there(visit, monkeypatch):
    visit.decoder.measuring = 60.0
    visit.decode_whole()
    visit.until(MEASURES)

    def refuse(*_):
        raise ValueError("There is no room.")

    monkeypatch.setattr(visit.decoder, "decode", refuse)
    visit.press("End")
    visit.page.click("#go")
    visit.until("document.querySelector('#facts').textContent.includes('of plain, not measured')")
    visit.until(f"{WORDS} === 'There is no room.'")
    visit.decoder.measuring = 0.0


def test_what_was_wrong_with_a_file_is_still_said_when_the_run_under_way_ends(visit, tmp_path):
    visit.decoder.delay = 0.1
    visit.decode()
    (tmp_path / "notes.txt").write_text("no trace")
    visit.open_file(tmp_path / "notes.txt")
    visit.until(f"!player.isDone && {WORDS}.startsWith('This file cannot be opened')")
    visit.until("player.isDone")
    visit.press("End")
    visit.until("document.querySelector('#facts').textContent.includes('of plain, measured')")
    assert visit.notice.startswith("This file cannot be opened")


def test_a_run_of_ones_own_is_none_of_the_list(visit, tmp_path):
    path = tmp_path / "mine.jsonl"
    synthetic.trace(4, 8, seed=9).save(path)
    visit.open_file(path)
    visit.until("player.size === 4")
    chosen = "(({ value, selectedIndex }) => [value, selectedIndex])"
    assert visit.ask(f"{chosen}(document.querySelector('#header .shelf'))") == ["", 0]


def test_a_number_is_not_run_as_another_than_the_box_shows(visit):
    visit.open_settings()
    visit.page.get_by_label("Seed").first.fill("1.5")
    count = len(visit.decoder.runs)
    visit.page.click("#go")
    visit.until(f"{WORDS} === 'Seed must be a whole number, not 1.5.'")
    assert len(visit.decoder.runs) == count


MEASURES = "document.querySelector('#notice .words').textContent.startsWith('Measuring')"


def test_decode_is_taken_while_plain_decoding_is_measured_and_ends_that(visit):
    visit.decoder.measuring = 60.0
    for _ in range(2):
        visit.decode_whole()
        visit.until(MEASURES)
    visit.decoder.measuring = 0.0
    visit.decode_whole()
    visit.until("!document.querySelector('#notice .words').textContent")
    visit.press("End")
    assert "of plain, after the run" not in visit.page.text_content("#facts")


def test_stop_ends_the_measurement_of_plain_decoding(visit):
    visit.decoder.measuring = 60.0
    visit.decode_whole()
    visit.until(MEASURES)
    for key in ("End", "PageUp"):
        visit.press(key)
        visit.until("document.querySelector('#facts').textContent.includes('being measured')")
    visit.page.click("#stop")
    visit.until(f"!({MEASURES})")
    visit.until("document.querySelector('#facts').textContent.includes('of plain, not measured')")
    visit.decoder.measuring = 0.0


def test_what_is_set_while_the_model_loads_reaches_the_run(tab):
    ready = Event()
    decoder = fakes.FakeDecoder()
    for address, _ in serve(Loader(lambda: ready.wait(30) and fakes.bundle()), decoder):
        visit = Visit(tab, address).open()
        visit.open_settings()
        visit.page.get_by_label("Tokens", exact=True).fill("24")
        choose(visit.page, "Method", "Prompt lookup")
        visit.page.fill("#prompt textarea", "Why is the sky blue?")
        visit.page.click("#go")
        visit.until("document.querySelector('#notice .words').textContent.includes('loading')")
        ready.set()
        visit.until("player.run.startsWith('run-') && player.isDone")
        config = decoder.runs[-1].config
        assert (config.method, config.max_new_tokens) == ("lookup", 24)
        visit.close()


def test_a_method_chosen_while_the_model_loads_stays_chosen(tab):
    ready, decoder, bundle = Event(), fakes.FakeDecoder(), fakes.bundle()
    bundle.methods["eagle2"] = "available"  # as with the default target: nothing else is taken
    for address, _ in serve(Loader(lambda: ready.wait(30) and bundle), decoder):
        visit = Visit(tab, address).open()
        choose(visit.page, "Method", "Prompt lookup")
        ready.set()
        visit.until("!document.querySelector('#notice .state').textContent")
        visit.decode_whole()
        assert decoder.runs[-1].config.method == "lookup"
        visit.close()


def test_a_reload_frees_the_decoder_and_the_page_works_on(visit):
    visit.decoder.count, visit.decoder.delay = 200, 0.1
    visit.decode()
    run = visit.decoder.runs[-1]
    visit.open("?__theme=dark")
    visit.decoder.count, visit.decoder.delay = 4, 0.0
    visit.decode_whole()
    assert visit.ask("player.size") == 4
    assert run.closed_after < 100


def test_where_memory_gives_out_the_sentence_stands_and_the_rounds_stay(visit, tmp_path):
    visit.decoder.room = 3
    visit.decode_whole()
    visit.until(f"document.querySelector('#notice .problem')?.textContent === {fakes.NO_ROOM!r}")
    assert visit.ask("player.size") == 3
    with visit.page.expect_download() as download:
        visit.page.click(".bar .save")
    download.value.save_as(tmp_path / "cut.jsonl")
    saved = Trace.load(tmp_path / "cut.jsonl")
    assert (len(saved.rounds), saved.end.reason) == (3, "memory")
    visit.decoder.room = fakes.FakeRun.room
    visit.decode_whole()
    visit.until("!document.querySelector('#notice .words').textContent")
    assert visit.ask("player.size") == 12


def test_a_cache_that_no_memory_holds_is_a_sentence_under_the_button(tab, shelf):
    def bundle():
        return replace(table_bundle(), target=Boundless(12))

    for address, _ in serve(Loader(bundle), engine):
        visit = Visit(tab, address).open()
        visit.page.fill("#prompt textarea", "abc")
        visit.page.click("#go")
        visit.until("document.querySelector('#notice .problem')?.textContent.includes('slots')")
        assert visit.notice.startswith("The target cache does not fit in memory: ")
        assert "Fewer new tokens, a shorter prompt" in visit.notice
        visit.close()


def test_a_closed_tab_frees_the_decoder(visit, browser):
    visit.decoder.count, visit.decoder.delay = 200, 0.1
    other = Visit(browser, visit.address).open()
    other.decode()
    run = visit.decoder.runs[-1]
    other.close()
    visit.decoder.count, visit.decoder.delay = 3, 0.0
    visit.decode_whole()
    assert run.closed_after < 100


def test_visitors_see_their_own_runs_only_and_wait_their_turn(visit, browser):
    visit.decoder.count, visit.decoder.delay = 200, 0.1
    others = [Visit(browser, visit.address).open() for _ in range(2)]
    visit.decode("the first prompt")
    visit.decoder.count, visit.decoder.delay = 8, 0.0  # of the runs that wait for this one
    for number, other in enumerate(others):
        other.page.fill("#prompt textarea", f"prompt number {number}")
        other.page.click("#go")
    others[1].until("document.querySelector('#notice .queue').textContent.includes('2 of 2')")
    assert others[0].ask("player.run") in ("first", "second", "third")
    visit.page.click("#stop")
    for number, other in enumerate(others):
        other.page.wait_for_function(
            "player.run.startsWith('run-') && player.isDone", timeout=30_000
        )
        assert f"prompt number {number}" in other.page.text_content(".text h4")
    assert "the first prompt" in visit.page.text_content(".text h4")
    for other in others:
        other.close()


def test_the_place_in_the_queue_leaves_what_was_said_before(visit, browser):
    visit.decoder.count, visit.decoder.delay = 200, 0.1
    other = Visit(browser, visit.address).open()
    other.page.fill("#prompt textarea", " ")
    other.page.click("#go")
    other.until("document.querySelector('#notice .problem')?.textContent.includes('empty')")
    visit.decode()
    other.page.click("#go")
    other.until(f"{QUEUE}.startsWith('The decoder is busy: you are number')")
    assert "empty" in other.page.text_content("#notice .problem")
    visit.page.click("#stop")
    other.until(f"!{QUEUE}")
    assert "empty" in other.page.text_content("#notice .problem")
    other.close()


def test_a_wait_that_is_over_at_once_is_not_said_and_a_longer_one_is(visit):
    """In a made-up corner, whose seconds are counted as Gradio counts them."""
    said = visit.page.evaluate(
        """async () => {
          const module = new URL('own/player/queue.js', document.baseURI).href;
          const { watchQueue } = await import(module);
          const block = document.createElement('div'), line = document.createElement('p');
          const rail = document.createElement('div'), stop = document.createElement('button');
          [rail.className, stop.id] = ['rail', 'race-stop'];
          rail.append(line, stop); // of another tab: the stage's own buttons are none of its
          const said = [], note = () => said.push(line.textContent);
          block.innerHTML = '<div class="wrap"></div>';
          watchQueue(block, line);
          new MutationObserver(note).observe(line, { childList: true });
          const after = (ms) => new Promise((done) => { setTimeout(done, ms); });
          const tick = (text) => { block.firstChild.textContent = text; };
          tick('queue: 1/1 | 0.0s');
          await after(50);
          tick('');
          await after(400);
          said.push('then');
          for (let tenth = 0; tenth < 6; tenth += 1) {
            tick(`queue: 2/3 | 0.${tenth}s`);
            await after(100);
          }
          document.querySelector('#stop').click();
          await after(50);
          said.push('stopped');
          stop.click();
          await after(20);
          tick('');
          await after(50);
          return said;
        }"""
    )
    place = "The decoder is busy: you are number 2 of 3 in the queue."
    stopped = "Stopped: what waits in the queue will not begin."
    assert said == ["then", place, "stopped", stopped, ""]


def test_who_stops_before_his_place_is_known_is_told_so_until_he_begins_another(visit):
    said = visit.page.evaluate(
        """async () => {
          const module = new URL('own/player/queue.js', document.baseURI).href;
          const { watchQueue } = await import(module);
          const [block, line, rail, go, stop] = ['div', 'p', 'div', 'button', 'button']
            .map((name) => document.createElement(name));
          [rail.className, go.id, stop.id] = ['rail', 'race-go', 'race-stop'];
          rail.append(line, go, stop);
          block.innerHTML = '<div class="wrap"></div>';
          watchQueue(block, line);
          const said = [];
          const tick = async (text) => {
            block.firstChild.textContent = text;
            await new Promise((done) => { setTimeout(done, 350); });
            said.push(line.textContent);
          };
          go.click();
          stop.click();
          for (const text of ['queue: 3/3', 'queue: 2/3', '', 'queue: 1/1']) await tick(text);
          go.click();
          await tick('queue: 2/2');
          return said;
        }"""
    )
    stopped = "Stopped: what waits in the queue will not begin."
    place = "The decoder is busy: you are number 2 of 2 in the queue."
    assert said == [stopped, stopped, "", stopped, place]


def test_a_saved_run_opens_as_the_same_run(visit, tmp_path):
    visit.decode_whole()
    visit.until("!document.querySelector('#notice .words').textContent")
    with visit.page.expect_download() as download:
        visit.page.click(".bar .save")
    path = tmp_path / "saved.jsonl"
    download.value.save_as(path)
    saved = Trace.load(path)
    assert saved.rounds == tuple(synthetic.rounds(12, 8, seed=0))
    assert saved.header == synthetic.header("Why is the sky blue?", "suffix", 0.0)
    assert saved.end.plain.tokens == saved.end.tokens
    before = visit.ask("player.run")
    visit.open_file(path)
    visit.until(f"player.run !== {before!r} && player.isDone")
    with visit.page.expect_download() as download:
        visit.page.click(".bar .save")
    download.value.save_as(tmp_path / "again.jsonl")
    assert Trace.load(tmp_path / "again.jsonl") == saved


def test_a_bad_file_is_refused_in_a_sentence_and_nothing_is_lost(visit, tmp_path):
    visit.decode_whole()
    before = visit.ask("player.run")
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"version": 99}\n')
    visit.open_file(bad)
    visit.until("document.querySelector('#notice .problem')?.textContent.includes('line 1')")
    assert visit.ask("[player.run, player.size]") == [before, 12]


def test_of_another_file_nothing_stands_there_that_was_said_of_the_one_before(visit, tmp_path):
    bad, other = tmp_path / "bad.jsonl", tmp_path / "notes.txt"
    bad.write_text('{"version": 99}\n')
    other.write_text("no trace at all\n")
    visit.open_file(bad)
    visit.until("document.querySelector('#notice .problem')?.textContent.includes('line 1')")
    visit.open_file(other)
    visit.until("document.querySelector('#notice .problem')?.textContent.includes('notes.txt')")
    assert "line 1" not in visit.notice
    assert visit.page.locator(".toast-body").count() == 0
    good = tmp_path / "good.jsonl"
    synthetic.trace(5, 8, seed=3).save(good)
    visit.open_file(good)
    visit.until("player.size === 5 && player.isDone")
    assert "cannot be opened" not in visit.notice


def test_a_file_that_was_cut_short_plays_and_says_so(visit, tmp_path):
    lines = list(synthetic.trace(8).lines())
    cut = tmp_path / "cut.jsonl"
    cut.write_text("\n".join(lines[:5]) + "\n" + lines[5][:40])
    visit.open_file(cut)
    visit.until("document.querySelector('#notice .words').textContent.includes('cut short')")
    assert visit.ask("player.size") == 4


def test_recorded_runs_are_chosen_from_the_shelf(visit):
    visit.page.select_option("#header .shelf", "third")
    visit.until("player.run === 'third' && player.isDone")
    assert visit.ask("player.size") == 6


def test_an_empty_prompt_is_refused_where_one_looks(visit):
    visit.page.fill("#prompt textarea", "  ")
    visit.page.click("#go")
    visit.until("document.querySelector('#notice .problem')?.textContent.includes('empty')")


def test_a_setting_out_of_bounds_names_itself(visit):
    visit.open_settings()
    visit.page.get_by_label("Tokens", exact=True).fill("-3")
    visit.page.click("#go")
    visit.until("document.querySelector('#notice .problem')?.textContent.includes('Tokens')")
    # in sight, whole, although the open settings leave the rail no room
    seen = visit.ask(
        "(({ top, bottom, height }) => [top >= 0, bottom <= innerHeight, height >= 16])"
        "(document.querySelector('#notice .problem').getBoundingClientRect())"
    )
    assert seen == [True, True, True]
    box = "document.querySelector('#notice')"
    assert visit.ask(f"{box}.clientHeight >= {box}.scrollHeight")


def test_of_two_openings_the_last_wish_wins_whatever_comes_first(visit):
    """The first file comes late."""

    def late(route):
        visit.page.wait_for_timeout(400)
        route.continue_()

    visit.page.route("**/own/traces/second", late)
    visit.page.evaluate(
        "for (const name of ['second', 'third']) {"
        "  const shelf = document.querySelector('#header .shelf');"
        "  shelf.value = name; shelf.dispatchEvent(new Event('change'));"
        "}"
    )
    visit.until("player.run === 'third' && player.isDone")
    visit.page.wait_for_timeout(600)
    assert visit.ask("player.run") == "third"
    visit.page.unroute("**/own/traces/second")


def test_a_method_that_cannot_run_says_why(visit):
    visit.page.click("#method input")
    visit.page.get_by_role("option", name="Draft model, chain").click()
    visit.until("document.querySelector('#meaning textarea').value.includes('the same vocabulary')")
    visit.page.click("#go")
    visit.until("document.querySelector('#notice .problem')?.textContent.includes('vocabulary')")


def test_without_a_model_the_page_plays_and_says_what_brings_it(tab, shelf, served):
    def nothing():
        raise FileNotFoundError("no weights")

    for address, _ in serve(Loader(nothing), fakes.FakeDecoder()):
        visit = Visit(tab, address).open()
        visit.until("document.querySelector('#notice .state').textContent !== ''")
        assert "no weights" in visit.state or "make setup" in visit.state
        visit.until("player.position > 2")
        visit.page.click("#go")
        visit.until("document.querySelector('#notice .words').textContent !== ''")
        visit.close()
