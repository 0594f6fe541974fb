"""The line that is read out: every step where somebody goes by hand, a round a line in play."""

import re

import pytest

from tests.page import synthetic
from viz.judgement_info import judgement_info
from viz.pieces import short
from viz.says import says
from viz.tree_info import tree_info

LINE = "document.querySelector('.stage .says')"
SHOWN = f"({LINE}.checkVisibility({{ opacityProperty: true }}) ? {LINE}.textContent : '')"
HEARD = f"""window.heard = []; new MutationObserver(() => heard.push({LINE}.textContent))
    .observe({LINE}, {{ childList: true, characterData: true, subtree: true }})"""


@pytest.fixture
def first(visit):
    """The first step of a run whose records are known, and these."""
    visit.decode_whole()
    return visit, list(synthetic.rounds(12, 8, seed=0))


def heard(visit, words):
    visit.until(f"{LINE}.textContent === {words!r}")


def test_every_step_by_hand_is_said_in_a_sentence(first):
    visit, (this, *_) = first
    info, words = tree_info(this), judgement_info(this).words
    assert visit.page.get_attribute(".stage .says", "aria-live") == "polite"
    for level in range(1, max(info.depth) + 1):
        drafted = [(info.draft_prob[n], this.piece(this.nodes.token[n])) for n in range(1, 9)]
        drafted = [
            each for each, depth in zip(drafted, info.depth[1:], strict=True) if depth == level
        ]
        q, best = max(drafted)
        many = f"{len(drafted)} tokens, likeliest " if len(drafted) > 1 else ""
        heard(visit, f"Round 1, draft level {level}: {many}“{best}” draft probability {short(q)}")
        visit.press("ArrowRight")
    heard(visit, "Round 1, verify: 9 nodes")
    for node in info.tested:
        visit.press("ArrowRight")
        title = words[node].replace("␣", " ").replace("≥", "not below").replace("<", "below")
        heard(visit, f"Round 1, judge: {title}")
    visit.press("ArrowRight")
    kept = len(this.caches[0].kept)
    told = f"target cache keeps {kept} of 9 slots written, draft cache keeps {kept} of {kept}"
    heard(visit, f"Round 1, commit: {told} slots written")
    visit.press("ArrowRight")
    heard(visit, says(this))
    visit.press("ArrowLeft")
    heard(visit, f"Round 1, commit: {told} slots written")


def test_the_rule_is_said_without_signs(visit):
    said = visit.ask(
        """async () => {
            const { stepSays } = await import('./own/player/says.js');
            const titles = ['“␣<” accepted: u .58 < p/q 1.00', '“␣the” rejected: u .88 ≥ p/q .08',
                '“␣a” rejected: u .9 ≥ p left .2'];
            const steps = titles.map(() => ({ phase: 'judge', label: 'judge · x' }));
            const round = { index: 6, steps, panels: { judgement: { titles } } };
            return steps.map((_, step) => stepSays(round, step));
        }"""
    )
    assert said == [
        "Round 7, judge: “ <” accepted: u .58 below p/q 1.00",
        "Round 7, judge: “ the” rejected: u .88 not below p/q .08",
        "Round 7, judge: “ a” rejected: u .9 not below p left .2",
    ]


@pytest.mark.parametrize("value", [0, 0.345, 0.0043, 0.00012, 3e-11, 1])
def test_the_page_shortens_a_share_as_the_figures_do(visit, value):
    said = visit.ask(
        f"import('./own/player/share.js').then(({{ share }}) => share({value}).replace(/^0/, ''))"
    )
    assert said == short(value)


def test_playing_says_one_line_a_round_and_a_hand_on_the_bar_only_where_it_rests(first):
    visit, rounds = first
    visit.page.wait_for_function(f"{LINE}.textContent.startsWith('Round 1, draft')")
    visit.ask(HEARD)
    visit.page.select_option(".bar .speed", "8")
    visit.press("Space")
    visit.until("player.at === 5")
    visit.press("Space")
    gone, *played = visit.ask("heard")
    assert gone == ""  # what was said of the step that play has left
    assert played == [says(this) for this in rounds[: len(played)]] and len(played) >= 4
    visit.ask(
        "heard.length = 0; for (let i = 0; i < 40; i++) document.querySelector('.next').click()"
    )
    visit.until(f"{LINE}.textContent.startsWith('Round {visit.ask('player.at') + 1}')")
    assert len(visit.ask("heard")) == 1
    assert re.match(r"Round \d+[,:] ", visit.ask("heard[0]"))


def test_the_line_is_seen_while_its_own_round_is_on_the_stage_and_read_out_longer(first):
    """As play goes on: the last step of a round tells it, the first of the next hides that."""
    visit, _ = first
    seen = visit.ask(
        f"""async () => {{
            const {{ Voice }} = await import('./own/player/voice.js');
            const line = document.querySelector('.stage .says'), seen = [];
            const voice = new Voice(line);
            const round = (index) => ({{ index, says: `Round ${{index + 1}}: told` }});
            const rounds = [round(0), round(1)];
            const locate = (at) => ({{ index: Math.floor(at / 2), step: at % 2 }});
            const tape = {{ rounds, locate, isLastOfRound: (at) => at % 2 === 1 }};
            for (let position = 0; position < 4; position++) {{
                voice.show({{ tape, position, isMoving: true, pauses: {{ taken: -1 }} }});
                seen.push([line.textContent, {SHOWN}]);
            }}
            return seen;
        }}"""
    )
    one, two = "Round 1: told", "Round 2: told"
    assert [shown for _, shown in seen][1:] == [one, "", two]
    assert [text for text, _ in seen][1:] == [one, one, two]
