"""Play pauses by itself at the next round that matches, recorded or live; the address keeps it."""

import pytest

from tests.page import synthetic
from viz.phases import steps

CHOICE, NUMBER = ".bar .pause", ".bar .pause-round"
WHERE = "[player.at, player.phase, player.state]"


@pytest.fixture
def whole(visit):
    """A run whose records are known, at its first step, played fast."""
    visit.decoder.count = 8
    visit.decode_whole()
    visit.page.select_option(".bar .speed", "8")
    return visit, list(synthetic.rounds(8, 8, seed=0))


def place(this, phase, node=None):
    """The number of the step that shows a phase of a round: its first, or that of a node."""
    order = list(enumerate(steps(this)))
    return next(i for i, s in order if s.phase == phase and node in (None, s.node))


def step_at(this, wanted):
    """The step of a round at which play pauses, from its record alone."""
    verdict = this.nodes.verdict
    refused = [s.node for s in steps(this) if s.phase == "judge" and verdict[s.node] == "rejected"]
    if wanted == "rejected":
        return place(this, "judge", refused[0]) if refused else None
    if wanted == "nothing":
        return place(this, "emit") if refused and "accepted" not in verdict else None
    return place(this, "emit") if this.emitted.origin[-1] == "bonus" else None


def expected(rounds, wanted):
    """Every position of a run at which play pauses."""
    found, start = [], 0
    for this in rounds:
        step = step_at(this, wanted)
        found += [] if step is None else [start + step]
        start += len(steps(this))
    return found


def played(visit, count):
    """Where play pauses, ``count`` times from where it stands."""
    found = []
    for _ in range(count):
        visit.press("Space")
        visit.until("player.state === 'paused'")
        found.append(visit.ask("player.position"))
    return found


def test_play_pauses_at_the_next_round_that_matches_and_goes_on_from_there(whole):
    visit, rounds = whole
    end = sum(len(steps(this)) for this in rounds) - 1
    for wanted in ("rejected", "nothing", "everything"):
        places = [*expected(rounds, wanted), end][:2]
        assert places[0] < end
        visit.page.select_option(CHOICE, wanted)
        visit.press("Home")
        assert played(visit, 2) == places
    said = "document.querySelector('.stage .says').textContent"
    visit.until(f"{said}.startsWith('Paused. Round ')")
    visit.press("t", "Home")  # as well by the decoder's clock
    assert played(visit, 2) == places
    visit.press("ArrowLeft", "ArrowRight")  # a hand that comes by has not been stopped
    visit.until(f"{said}.startsWith('Round ')")


def test_a_round_is_paused_at_by_its_number_and_a_key_goes_through_the_choices(whole):
    visit, _ = whole
    names = []
    for _ in range(6):
        visit.press("b")
        names.append(visit.ask("player.pause"))
    assert names == ["rejected", "nothing", "everything", "hole", "round.2", ""]
    said = "document.querySelector('.stage .says').textContent"
    visit.until(f"{said} === 'Play does not pause by itself'")
    assert not visit.page.is_visible(NUMBER)
    visit.page.focus(CHOICE)
    visit.page.keyboard.press("End")
    assert visit.ask("player.pause") == "round.2"
    visit.page.fill(NUMBER, "5")
    played(visit, 1)
    assert visit.ask(WHERE) == [4, "draft", "paused"]
    visit.page.fill(NUMBER, "")
    assert visit.ask("player.pause") == ""
    visit.press("?")
    assert "pause by itself" in visit.page.text_content("#keys table")


def test_a_live_run_is_left_where_it_matches_as_it_arrives(visit):
    visit.decoder.count, visit.decoder.delay = 12, 0.1
    visit.page.select_option(CHOICE, "nothing")
    visit.decode()
    visit.press("l")
    visit.until("player.state === 'paused'")
    start = expected(synthetic.rounds(12, 8, seed=0), "nothing")
    assert visit.ask("player.position") in start
    assert visit.ask("player.phase") == "emit"
    visit.until("player.isDone")
    assert visit.ask("player.position") in start


def test_a_hole_is_one_that_a_whole_path_leaves(visit):
    found = visit.ask(
        """async () => {
            const { pauseIn } = await import('./own/player/pause_rules.js');
            const steps = ['verify', 'judge', 'commit', 'emit'].map((phase) => ({ phase }));
            const nodes = { parent: [-1, 0], rank: [0, 0], verdict: ['root', 'accepted'] };
            const round = (origin, kept) => ({ index: 0, steps, record: {
                nodes, start: 9, emitted: { token: [2, 3], origin: ['accepted', origin] },
                caches: [{ before: 8, kept: [8, 9] }, { before: 8, kept }],
            } });
            return [['bonus', [8]], ['bonus', [8, 9]], ['recovered', [8]]]
                .map(([origin, kept]) => pauseIn(round(origin, kept), 'hole'));
        }"""
    )
    assert found == [2, -1, -1]


def test_the_address_keeps_it(visit):
    visit.page.select_option(CHOICE, "everything")
    visit.press("Home", "PageDown")
    visit.until("location.search.includes('pause=everything')")
    visit.page.reload()
    visit.until("window.player && player.size > 0 && player.state === 'paused'")
    assert visit.page.input_value(CHOICE) == "everything"
    visit.press("Space")
    visit.until("player.state === 'paused' && player.phase === 'emit'")
    visit.page.select_option(CHOICE, "")
    visit.until("!location.search.includes('pause')")
    visit.open("?trace=second&pause=round.3")
    visit.until("player.state === 'paused'")
    assert visit.ask(WHERE) == [2, "draft", "paused"]
    assert visit.page.input_value(NUMBER) == "3"
