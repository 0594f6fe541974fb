from dataclasses import replace

from engine.records import Seconds
from tests.page import synthetic
from tests.page.conftest import Visit

DRAWN = "document.querySelector('.tree .plot').data"


def test_a_first_visitor_sees_a_recorded_run_playing(visit):
    assert visit.ask("player.run") == "first"
    visit.until("player.position > 3")
    assert visit.ask("player.state") == "playing"


def test_decode_streams_every_round_and_writes_the_text(visit):
    visit.decode()
    visit.until("player.isDone")
    visit.press("End")
    assert visit.ask("[player.size, player.at]") == [12, 11]
    rounds = visit.page.locator(".stage .words .round:not(.ahead)")
    assert rounds.count() == 12
    assert "sky" in visit.page.text_content(".stage .words")
    machine = visit.page.locator("#header .model")
    assert machine.text_content() == "Tiny · float32 · cpu · packed · SDPA"
    assert machine.get_attribute("title").endswith("by SDPA: Triton needs a CUDA card, not cpu")


def test_steps_go_forward_and_back_by_phase_and_by_round(visit):
    visit.decode_whole()
    assert visit.ask("[player.position, player.phase, player.state]") == [0, "draft", "paused"]
    visit.press("ArrowRight", "ArrowRight", "ArrowLeft")
    assert visit.ask("player.position") == 1
    visit.press("PageDown", "PageDown")
    assert visit.ask("[player.at, player.phase]") == [2, "emit"]
    visit.press("PageUp")
    assert visit.ask("[player.at, player.phase]") == [1, "emit"]
    visit.press("Shift+ArrowRight", "Shift+ArrowLeft")
    assert visit.ask("[player.at, player.phase]") == [1, "emit"]
    visit.press("Home", "PageUp")  # there is no round before the first
    assert visit.ask("player.position") == 0
    visit.press("End")
    assert visit.ask("player.position") == visit.ask("player.length - 1")
    visit.press("ArrowRight")
    assert visit.ask("player.position") == visit.ask("player.length - 1")


def test_going_back_shows_the_very_same_picture(visit):
    visit.decode_whole()
    picture = f"JSON.stringify(({DRAWN}).map(d => [d.x, d.y, d.marker, d.text]))"
    visit.press("PageDown")
    visit.rest()
    before = visit.ask(picture)
    visit.press("PageDown", "ArrowLeft", "PageUp")
    visit.rest()
    assert visit.ask(picture) == before


def test_space_plays_and_pauses(visit):
    visit.decode_whole()
    visit.press("Space")
    visit.until("player.position > 1")
    visit.press("Space")
    assert visit.ask("player.state") == "paused"


def test_keys_belong_to_whoever_types(visit):
    visit.decode_whole()
    visit.page.focus("#prompt textarea")
    visit.page.keyboard.press("End")
    visit.page.keyboard.press("Space")
    assert visit.ask("[player.position, player.state]") == [0, "paused"]
    assert visit.page.input_value("#prompt textarea").endswith(" ")


def test_the_page_is_used_with_the_keyboard_alone(visit):
    visit.page.focus("#prompt textarea")
    for _ in range(30):
        visit.page.keyboard.press("Tab")
        if visit.ask("document.activeElement.id") == "go":
            break
    visit.page.keyboard.press("Enter")
    visit.until("player.run.startsWith('run-') && player.isDone")
    visit.press("?")
    assert visit.page.is_visible("#keys dialog")
    visit.page.keyboard.press("Escape")
    assert not visit.page.is_visible("#keys dialog")
    visit.press("End")
    assert visit.ask("player.at") == 11


def test_scrubbing_and_playing_ask_nothing_of_the_server(visit):
    visit.decode_whole()
    visit.rest()
    visit.page.wait_for_function("!document.querySelector('#notice .words').textContent")
    visit.requests.clear()
    for place in (40, 10, 60, 3, 25):
        visit.ask(
            f"(() => {{ const bar = document.querySelector('.scrub'); bar.value = {place};"
            " bar.dispatchEvent(new Event('input')); })()"
        )
        assert visit.ask("player.position") == place
    visit.press("PageDown", "Space", "Space")
    visit.rest()
    assert visit.requests == []


def test_the_newest_place_wins_and_all_panels_agree(visit):
    visit.decode_whole()
    visit.ask("for (let i = 0; i < 60; i++) document.querySelector('.next').click()")
    visit.rest()
    assert visit.ask("player.position") == 60
    assert visit.ask("player.drawings") < 40


def test_following_shows_the_newest_round(visit):
    visit.decoder.count, visit.decoder.delay = 20, 0.1
    visit.decode()
    visit.press("l")
    assert visit.ask("player.state") == "live"
    visit.until("player.at > 8")
    assert visit.ask("player.at - player.size") == -1
    visit.press("ArrowLeft")
    assert visit.ask("player.state") == "paused"


def test_a_click_on_a_token_goes_to_its_round(visit):
    visit.decode_whole()
    visit.press("End")
    visit.page.locator(".stage .words [data-round='4'] .word").first.click()
    assert visit.ask("[player.at, player.phase]") == [4, "emit"]


def test_a_gap_in_the_rounds_is_reported(visit):
    problem = visit.ask(
        """async () => {
            const { Tape } = await import('./own/player/tape.js');
            const tape = new Tape({ source: 'file' });
            const round = (index) => ({ index, steps: [{ phase: 'emit' }] });
            return [tape.add(round(0)), tape.add(round(3)), tape.add(round(0)), tape.size];
        }"""
    )
    assert problem == ["", "rounds 2 to 3 did not arrive", "round 1 came twice", 1]


def test_tokens_are_never_markup(visit):
    visit.decode_whole("Is <b>this</b> <img src=x onerror=alert(1)> bold?")
    visit.press("End")
    visit.rest()
    assert visit.page.locator(".stage b, .stage img").count() == 0
    assert "<b>" in visit.page.text_content(".stage .words")


def test_the_end_brings_the_measured_speed_up(visit):
    visit.decode_whole()
    visit.press("End")
    visit.until("document.querySelector('#facts').textContent.includes('×')")
    cards = visit.page.locator("#facts .cards > div")
    assert all(cards.nth(i).get_attribute("title") for i in range(cards.count()))


def test_reduced_motion_starts_at_rest(tab, served):
    visit = Visit(tab, served[0], reduced_motion="reduce").open()
    assert visit.ask("player.state") == "paused"
    visit.close()


def test_no_second_of_a_round_is_lost_where_a_phase_has_no_step(visit):
    """Plain decoding drafts and tests nothing, but takes some time for both."""
    played = visit.ask(
        """async () => {
            const { Tape } = await import('./own/player/tape.js');
            const tape = new Tape({});
            const seconds = { draft: 0.001, verify: 0.02, accept: 0.004, commit: 0.002 };
            const rounds = ['verify commit emit', 'draft draft verify judge commit emit'];
            rounds.forEach((phases, index) => {
                const steps = phases.split(' ').map((phase) => ({ phase }));
                tape.add({ index, record: { seconds }, steps });
            });
            return [...Array(tape.length).keys()].map((position) => tape.milliseconds(position));
        }"""
    )
    assert [round(each, 6) for each in played] == [25, 2, 0, 0.5, 0.5, 20, 4, 2, 0]


def test_true_time_plays_as_long_as_was_measured(visit):
    visit.decode_whole()
    rounds = visit.ask("player.size")
    visit.page.select_option(".bar .speed", "true time")
    visit.ask("window.began = performance.now()")
    visit.press("Space")
    visit.until("player.position === player.length - 1 && player.state === 'paused'")
    measured = 1000 * sum(this.seconds.total for this in synthetic.rounds(rounds, 8, seed=0))
    assert visit.ask("performance.now() - window.began") >= 0.9 * measured
    visit.press("t")
    assert visit.page.input_value(".bar .speed") == "1"


def test_a_replay_in_true_time_begins_with_what_is_seen(visit, tmp_path):
    """The first step lasts; the end of the last round is not to stay there meanwhile."""
    slow = synthetic.trace(3, 8, seed=1)
    rounds = [replace(this, seconds=Seconds(60.0, 1.0, 1.0, 1.0)) for this in slow.rounds]
    path = tmp_path / "slow.jsonl"
    replace(slow, rounds=tuple(rounds)).save(path)
    visit.open_file(path)
    visit.until("player.size === 3")
    visit.press("End", "t", "Space")
    where = visit.page.locator(".bar .where")
    assert where.text_content() == "round 1 of 3 · draft · level 1"
    visit.rest()
    assert visit.page.locator(".stage .words .round:not(.ahead)").count() == 0
    visit.press("Space", "t")


def test_a_round_is_repeated_until_one_has_seen_enough(visit):
    visit.decode_whole()
    visit.page.select_option(".bar .speed", "8")
    visit.press("PageDown", "ArrowLeft", "r", "Space")
    visit.until("player.phase === 'emit'")
    visit.until("player.phase === 'draft'")
    assert visit.ask("player.at") == 1
    visit.press("r")
    visit.until("player.at === 2")


def test_digits_go_to_tenths_of_the_run(visit):
    visit.decode_whole()
    last = visit.ask("player.length") - 1
    for digit in (0, 5, 9):
        visit.press(str(digit))
        assert visit.ask("player.position") == int(last * digit / 10 + 0.5)


def test_before_the_first_judgement_a_quiet_sentence_stands_in_its_panel(visit):
    visit.decode_whole()
    hint = "getComputedStyle(document.querySelector('.stage .judgement'), '::after').content"
    seen = "getComputedStyle(document.querySelector('.stage .judgement .plot')).visibility"
    visit.rest()
    said, shown = visit.ask(f"[{hint}, {seen}]")
    assert "once a token is judged" in said and shown == "hidden"
    while visit.ask("player.phase") != "judge":
        visit.press("ArrowRight")
    visit.rest()
    assert visit.ask(f"[{hint}, {seen}]") == ["none", "visible"]


def test_a_list_that_was_opened_by_hand_gives_the_keys_back(visit):
    visit.page.click("#header .shelf")  # the pointer; what it opens is the system's own
    visit.page.select_option("#header .shelf", "third")
    visit.until("player.run === 'third'")
    visit.press("Home")
    visit.page.click(".bar .speed")
    visit.page.select_option(".bar .speed", "2")
    visit.page.keyboard.press("ArrowRight")
    assert visit.ask("[player.run, player.position]") == ["third", 1]
    assert visit.page.input_value(".bar .speed") == "2"


def test_the_last_round_too_is_repeated(visit):
    visit.press("End", "r", "Space")
    last = visit.ask("player.size") - 1
    visit.page.wait_for_timeout(600)
    assert visit.ask("player.at") == last
    visit.press("Space", "r")


def test_a_recorded_run_that_cannot_be_read_leaves_the_stage_and_its_list_as_they_were(visit):
    before = visit.ask("player.run")
    visit.page.route("**/own/traces/third", lambda route: route.abort())
    visit.page.select_option("#header .shelf", "third")
    visit.until("document.querySelector('#notice .problem')?.textContent.includes('be read')")
    assert visit.ask("player.run") == before == visit.page.input_value("#header .shelf")
    visit.page.unroute("**/own/traces/third")
    visit.errors.clear()  # the browser's own line on what was cut off
