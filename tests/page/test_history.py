"""Back and Forward go between runs and lessons; moving within one adds nothing to go back to."""

import pytest

from tests.page.conftest import SHIPPED
from tests.page.test_lessons import Room
from ui import traces

WHERE = "[player.run, player.at, player.phase]"
TEXT = "document.querySelector('.panel.text').textContent"


@pytest.fixture
def shipped(tab, served, monkeypatch):
    """Lessons need the runs that ship."""
    monkeypatch.setattr(traces, "FOLDER", SHIPPED)
    room = Room(tab, served[0], reduced_motion="reduce")
    yield room
    room.close()


def take(visit, run):
    """Open a recorded run by hand."""
    visit.page.select_option("#header .shelf", run)
    visit.until(f"player.run === {run!r} && player.isDone")


def walk(visit, *keys):
    """Go somewhere by hand, and stay until the address says so."""
    visit.press("Home", *keys)
    round_ = visit.ask("player.at + 1")
    visit.until(f"location.search.includes('round={round_}') && player.isSettled")
    return visit.ask(WHERE)


def back(visit, *where, by="back"):
    visit.ask(f"history.{by}()")
    visit.until(f"JSON.stringify({WHERE}) === JSON.stringify({list(where)})")


def entries(visit):
    return visit.ask("history.length")


def test_back_and_forward_bring_a_run_back_where_it_was_left(visitor):
    visit = visitor.open("?trace=first&round=2&phase=commit")
    take(visit, "second")
    second = walk(visit, "PageDown", "PageDown", "PageDown", "ArrowLeft")
    take(visit, "third")
    third = walk(visit, "PageDown")
    known = entries(visit)
    back(visit, *second)
    assert "trace=second" in visit.page.url and "round=4" in visit.page.url
    assert visit.page.input_value("#header .shelf") == "second"
    back(visit, "first", 1, "commit")
    back(visit, *second, by="forward")
    back(visit, *third, by="forward")
    visit.page.wait_for_timeout(400)  # longer than the address waits for rest
    assert visit.ask(WHERE) == third
    assert entries(visit) == known


def test_moving_within_a_run_adds_nothing_to_go_back_to(visitor):
    visit = visitor.open("?trace=first")
    take(visit, "second")
    known = entries(visit)
    walk(visit, "PageDown", "PageDown")
    walk(visit, "PageDown")
    visit.page.select_option(".bar select.pause", "rejected")
    visit.until("location.search.includes('pause=rejected')")
    assert entries(visit) == known
    assert visit.ask("player.run") == "second"
    visit.ask("history.back()")
    visit.until("player.run === 'first'")
    visit.until("player.pause === ''")


def test_a_run_that_was_left_while_it_played_comes_back_where_it_was(visitor):
    visitor.page.emulate_media(reduced_motion="no-preference")
    visit = visitor.open("?trace=first")
    take(visit, "second")
    visit.until("player.state === 'playing' && player.at >= 1")
    take(visit, "third")  # the address of what plays is not written on the way
    visit.ask("history.back()")
    visit.until("player.run === 'second' && player.at >= 1 && player.state === 'paused'")


def test_back_from_a_live_run_brings_the_recorded_one_and_forward_the_live_one(visitor):
    visit = visitor.open("?trace=second&round=3&phase=verify")
    visit.decode_whole()
    visit.press("Home", "PageDown", "PageDown", "PageDown")
    visit.rest()
    live, text = visit.ask(WHERE), visit.ask(TEXT)
    assert "trace" not in visit.page.url
    known = entries(visit)
    back(visit, "second", 2, "verify")
    back(visit, *live, by="forward")
    visit.rest()
    assert visit.ask(TEXT) == text and "trace" not in visit.page.url
    assert entries(visit) == known


def test_a_live_run_that_is_left_by_back_is_stopped_and_kept_as_far_as_it_came(visitor):
    visit = visitor.open("?trace=second&round=3&phase=verify")
    visit.decoder.count, visit.decoder.delay = 200, 0.05
    visit.decode()
    visit.until("player.size > 4")
    live = visit.ask("player.run")
    back(visit, "second", 2, "verify")
    visit.page.wait_for_timeout(500)
    assert visit.ask("player.run") == "second"
    assert visit.decoder.runs[-1].closed_after < 100
    visit.ask("history.forward()")
    visit.until(f"player.run === {live!r} && player.size > 4")
    visit.page.wait_for_timeout(500)
    assert visit.ask("player.problems.length") == 0


def test_a_live_run_that_a_reload_has_taken_is_said_to_be_gone(visitor):
    visit = visitor.open("?trace=second&round=3&phase=verify")
    visit.decode_whole()
    back(visit, "second", 2, "verify")
    visit.page.reload()
    visit.until("window.player && player.size > 0 && player.at === 2")
    known = entries(visit)
    visit.ask("history.forward()")
    said = "document.querySelector('#notice .words').textContent"
    visit.until(f"{said}.includes('not here any more')")
    assert visit.ask("player.run") == "second"
    visit.until("location.search.includes('trace=second')")  # the address tells what is there
    assert entries(visit) == known


def test_one_of_ones_own_takes_the_place_of_another(visitor):
    visit = visitor.open("?trace=second&round=3&phase=verify")
    visit.decode_whole()
    known = entries(visit)
    visit.decode_whole("And at night?")
    assert entries(visit) == known
    back(visit, "second", 2, "verify")


def test_two_steps_back_at_once_end_at_the_second(visitor):
    visit = visitor.open("?trace=first&round=2&phase=commit")
    take(visit, "second")
    walk(visit, "PageDown")
    take(visit, "third")
    known = entries(visit)
    waiting = []
    visit.page.route("**/own/traces/second", lambda route: waiting.append(route))
    visit.ask("history.back()")
    visit.page.wait_for_timeout(200)
    back(visit, "first", 1, "commit")
    for route in waiting:
        route.continue_()
    visit.page.unroute("**/own/traces/second")
    visit.page.wait_for_timeout(500)
    assert visit.ask(WHERE) == ["first", 1, "commit"]
    assert "trace=first" in visit.page.url and entries(visit) == known


def test_back_from_a_lesson_brings_the_run_and_forward_the_stop(shipped):
    room = shipped.open("?trace=plain-sky&round=3&phase=verify")
    room.page.click("#header .teach")
    room.page.locator(".lessons .list button").nth(2).click()
    room.until("teaching.number === 3")
    room.stand()
    known = entries(room)
    room.keys("n", "n")
    assert room.place == [3, 3] and entries(room) == known
    stop = room.ask(WHERE)
    back(room, "plain-sky", 2, "verify")
    room.stand()
    assert room.place == [0, 0] and not room.page.is_visible(".lessons")
    assert "lesson" not in room.page.url
    back(room, *stop, by="forward")
    room.stand()
    assert room.place == [3, 3] and room.page.is_visible(".lessons")
    assert entries(room) == known


def test_a_lesson_is_left_for_its_run_and_back_leads_to_it(shipped):
    room = shipped.open("?lesson=1&stop=2")
    room.press("Escape")
    room.until("location.search.includes('trace=')")
    assert "lesson" not in room.page.url
    room.ask("history.back()")
    room.until("teaching.number === 1 && teaching.stop === 2")
    room.stand()
    assert "lesson=1" in room.page.url
