"""A place in a run has an address, and an address that leads nowhere says so."""

import pytest

WHERE = "[player.run, player.at, player.phase, player.position]"


def test_a_reload_lands_on_the_same_frame(visit):
    visit.press("Home", "PageDown", "PageDown", "ArrowLeft", "ArrowLeft", "ArrowLeft")
    before = visit.ask(WHERE)
    visit.until("location.search.includes('round=3')")
    visit.page.reload()
    visit.until("window.player && player.size > 0 && player.state === 'paused'")
    assert visit.ask(WHERE) == before


def test_a_link_opens_the_run_the_round_and_the_phase(visitor):
    visit = visitor.open("?trace=second&round=4&phase=commit")
    assert visit.ask("[player.run, player.at, player.phase]") == ["second", 3, "commit"]
    visit.page.select_option("#header .shelf", "third")
    visit.until("player.run === 'third'")
    visit.press("End")
    visit.until("location.search.includes('trace=third')")


def test_a_link_to_a_round_without_drafts_needs_no_phase(everywhere):
    everywhere.open("?trace=plain-sky&round=3")
    assert everywhere.ask("[player.run, player.at, player.phase]") == ["plain-sky", 2, "verify"]
    assert "nowhere" not in everywhere.notice


def test_a_live_run_leaves_the_address(visitor):
    visit = visitor.open("?trace=second&round=2&phase=verify")
    visit.decode_whole()
    visit.until("!location.search.includes('trace')")


def test_the_place_of_a_link_is_not_that_of_a_live_run_that_came_first(visitor):
    waiting = []
    visitor.page.route("**/own/traces/second", lambda route: waiting.append(route))
    visitor.page.goto(visitor.address + "?trace=second&round=3&phase=commit")
    visitor.until("window.player && document.querySelector('#go')")
    visitor.decoder.count, visitor.decoder.delay = 30, 0.05
    visitor.page.click("#go")
    visitor.until("player.run.startsWith('run-') && player.at > 4")
    for route in waiting:
        route.continue_()
    visitor.page.unroute("**/own/traces/second")
    visitor.page.wait_for_timeout(500)
    assert visitor.ask("player.run.startsWith('run-') && player.at > 3")
    assert "nowhere" not in visitor.notice
    visitor.page.click("#stop")
    visitor.until("player.isDone")


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("?trace=nothing", "there is no recorded run “nothing”"),
        ("?trace=second&round=99", "rounds 1 to 6, not “99”"),
        ("?trace=second&round=two", "rounds 1 to 6, not “two”"),
        ("?trace=second&round=2&phase=lunch", "round 2 has no phase “lunch”"),
        ("?trace=second&round=2&phase=judge.77", "round 2 has no phase “judge.77”"),
        ("?trace=second&pause=lunch", "play cannot pause at “lunch”"),
        ("?pause=toString", "play cannot pause at “toString”"),
        ("?trace=second&pause=round.7", "rounds 1 to 6, not “7”"),
        (
            "?trace=second&round=9&pause=round.0",
            "cannot pause at “round.0”; this run has rounds 1 to 6",
        ),
        ("?tab=lunch", "there is no tab “lunch”"),
        ("?trace=second&tab=toString", "there is no tab “toString”"),
    ],
)
def test_an_address_that_leads_nowhere_says_so_and_the_stage_plays_on(visitor, query, words):
    visit = visitor.open(query)
    visit.until("document.querySelector('#notice .words').textContent.includes('leads nowhere')")
    assert words in visit.notice
    visit.decode_whole()
    assert visit.ask("player.size") == 12


def test_a_recorded_run_has_its_address_though_a_live_one_was_faster_than_the_list(visitor):
    waiting = []
    visitor.page.route("**/own/traces", lambda route: waiting.append(route))
    visitor.page.goto(visitor.address)
    visitor.until("document.querySelector('#go') && window.player")
    visitor.decode_whole()
    for route in waiting:
        route.continue_()
    visitor.page.unroute("**/own/traces")
    visitor.until("document.querySelectorAll('#header .shelf option').length > 2")
    visitor.page.select_option("#header .shelf", "second")
    visitor.until("player.run === 'second'")
    visitor.press("PageDown")  # it stands still
    visitor.until("location.search.includes('trace=second')")


TAB = "document.querySelector('#tabs [role=tab][aria-selected=true]').textContent"


def turn(visit, tab):
    visit.page.get_by_role("tab", name=tab).click()
    visit.until(f"{TAB} === {tab!r}")


@pytest.mark.parametrize("name", ["Compare", "Proof", "Numbers"])
def test_a_link_opens_on_its_tab(visitor, name):
    query = f"?trace=second&round=3&phase=commit&tab={name.lower()}"
    visitor.page.goto(visitor.address + query)
    visitor.until(f"window.player && player.size > 0 && {TAB} === {name!r}")
    assert visitor.ask("[player.run, player.at, player.phase]") == ["second", 2, "commit"]


def test_the_address_follows_the_tab_and_the_stage_needs_no_word(visitor):
    visit = visitor.open("?trace=second&round=3&phase=commit")
    known = visit.ask("history.length")
    for tab in ("Compare", "Numbers"):
        turn(visit, tab)
        visit.until(f"location.search.includes('tab={tab.lower()}')")
    assert "trace=second" in visit.page.url and "round=3" in visit.page.url
    turn(visit, "Stage")
    visit.until("!location.search.includes('tab')")
    assert visit.ask("history.length") == known


def test_a_fault_in_an_address_is_said_on_the_stage(visitor):
    visit = visitor.open("?trace=nothing&tab=numbers")
    visit.until("document.querySelector('#notice .words').textContent.includes('leads nowhere')")
    assert visit.ask(TAB) == "Stage"
    assert visit.page.is_visible("#notice .words")


def test_a_run_comes_back_on_the_tab_where_it_was_left(visitor):
    visit = visitor.open("?trace=second&round=3&phase=commit")
    turn(visit, "Numbers")
    visit.until("location.search.includes('tab=numbers')")
    visit.page.select_option("#header .shelf", "third")
    visit.until("player.run === 'third'")
    turn(visit, "Stage")
    visit.until("!location.search.includes('tab')")
    visit.ask("history.back()")
    visit.until(f"player.run === 'second' && {TAB} === 'Numbers'")
    visit.ask("history.forward()")
    visit.until(f"player.run === 'third' && {TAB} === 'Stage'")
