"""A run that no address leads to outlives a reload of its tab."""

import pytest

from engine.trace import Trace
from tests.page import synthetic

TEXT = "document.querySelector('.panel.text').textContent"
WHERE = "[player.run, player.at, player.phase, player.position, player.size]"


def reload(visit):
    """Load the page again in the same tab."""
    visit.page.reload()
    visit.until("window.player && player.size > 0")


def test_a_live_run_stands_where_it_was_left_and_is_the_same_file(visit, tmp_path):
    visit.decode_whole()
    visit.press("Home", "PageDown", "PageDown", "ArrowRight")
    before, text = visit.ask(WHERE), visit.ask(TEXT)
    reload(visit)
    assert visit.ask(WHERE) == before and visit.ask("player.state") == "paused"
    assert visit.ask(TEXT) == text
    assert visit.notice.startswith("This run stood here")
    with visit.page.expect_download() as told:
        visit.page.click(".bar .save")
    told.value.save_as(tmp_path / "run.jsonl")
    saved = Trace.load(tmp_path / "run.jsonl")
    assert saved.is_whole and saved.header.method == visit.decoder.runs[-1].config.method
    assert len(saved.rounds) == before[-1]


@pytest.mark.parametrize("stage", ["followed", "playing", "opened"])
def test_an_address_of_what_stood_there_before_is_gone_with_it(visitor, tmp_path, stage):
    """Also where the player is never at rest."""
    visitor.page.emulate_media(reduced_motion="reduce" if stage == "followed" else None)
    visit = visitor.open("?trace=second&round=2&phase=verify")
    if stage == "opened":
        path = tmp_path / "own.jsonl"
        synthetic.trace(9, 8, seed=7).save(path)
        visit.open_file(path)
        visit.until("player.size === 9 && player.isDone")
    else:
        visit.decode()
        visit.until("player.isDone")
    run = visit.ask("[player.run, player.size]")
    reload(visit)
    assert visit.ask("[player.run, player.size]") == run


def test_a_page_that_goes_before_anything_stood_there_keeps_what_was_kept(visit):
    visit.decode_whole()
    run = visit.ask("player.run")
    waiting = []
    visit.page.route("**/own/traces", lambda route: waiting.append(route))
    visit.page.reload()
    visit.until("window.player && document.querySelector('#go')")
    assert not visit.ask("player.size")
    visit.page.unroute("**/own/traces")
    reload(visit)
    assert visit.ask("player.run") == run


def test_it_stands_there_without_the_list_of_recorded_runs(visit):
    visit.decode_whole()
    run = visit.ask("player.run")
    visit.page.route("**/own/traces", lambda route: route.abort())
    reload(visit)
    assert visit.ask("player.run") == run and "could not be read" in visit.notice
    visit.page.unroute("**/own/traces")
    visit.errors.clear()


def test_of_a_run_that_went_on_its_rounds_stay(visit):
    visit.decoder.count, visit.decoder.delay = 200, 0.1
    visit.decode()
    visit.until("player.size > 3")
    reload(visit)
    assert 3 < visit.ask("player.size") < 200 and visit.ask("player.isDone")
    visit.press("End")
    visit.until("document.querySelector('#facts').textContent.includes('not measured')")


def test_an_address_and_a_recorded_run_come_before_it(visit):
    visit.decode_whole()
    kept = visit.ask("player.run")
    visit.open("?trace=second&round=3&phase=commit")
    assert visit.ask("[player.run, player.at]") == ["second", 2]
    visit.page.reload()
    visit.until("window.player && player.size > 0")
    visit.page.goto(visit.address)
    visit.until("window.player && player.size > 0")
    assert visit.ask("player.run") != kept  # the recorded one was the last that stood there


def test_what_a_browser_does_not_keep_is_no_error(visit):
    visit.ask("() => { Storage.prototype.setItem = () => { throw new Error('full'); } }")
    visit.decode_whole()
    visit.ask("dispatchEvent(new Event('pagehide'))")  # what a page says as it goes nobody hears
    assert not visit.errors
    reload(visit)
    assert not visit.ask("player.run.startsWith('run-')")


@pytest.mark.parametrize("kept", ["{", '{"lines": "{}"}', '{"lines": "[]\\n{"}', "3"])
def test_what_another_version_kept_is_not_shown(visit, kept):
    visit.ask(f"""() => {{
        sessionStorage.setItem('speculoscope:run', {kept!r});
        Storage.prototype.setItem = () => {{}};
        Storage.prototype.removeItem = () => {{}};
    }}""")
    reload(visit)
    visit.decode_whole()
    assert visit.ask("player.size") == 12 and not visit.errors
