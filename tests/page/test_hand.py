"""The words in the text's panel: which of them are boxed, and which way they run.

The box stands round the words of the round that the heading names, and no other.
"""

import pytest

BOXED = "[...document.querySelectorAll('.stage .words .now')].map(one => Number(one.dataset.round))"


def test_the_round_that_is_boxed_is_the_one_in_the_heading(visit):
    """Until its last step it has no words: the round before is no longer in hand then."""
    visit.decode_whole()
    for _ in range(24):
        is_last = visit.ask("player.phase") == "emit"
        assert visit.ask(BOXED) == ([visit.ask("player.at")] if is_last else [])
        visit.press("ArrowRight")
    visit.press("ArrowLeft", "PageUp")
    assert visit.ask(BOXED) == [visit.ask("player.at")]
    visit.press("ArrowLeft")
    assert visit.ask(BOXED) == []


def test_the_box_begins_and_ends_with_letters_and_its_left_edge_is_seen(visit):
    found = visit.ask(
        """async () => {
            const { Text } = await import('./own/player/text.js');
            const text = new Text(document.querySelector('.stage .panel.text'), () => {});
            text.clear({ source: 'file', header: { prompt: '' } });
            const rounds = [[['`The', 'accepted'], [' sky', 'bonus']],
                [['\\n\\n', 'accepted'], ['  is', 'bonus']], [['\\n', 'bonus']],
                [[' of', 'rejected', 'struck'], [' blue', 'accepted'], ['.\\n', 'accepted'],
                    ['\\n', 'bonus']]];
            rounds.forEach((spans, index) => text.add({ index, panels: { text: { spans } } }));
            const box = text.body.getBoundingClientRect();
            return rounds.map((_, index) => {
                text.show(index + 1);
                const now = text.body.querySelector('.now'), hand = now.querySelector('.hand');
                if (!hand) return [now.textContent, null];
                const { outlineStyle, outlineWidth, outlineOffset } = getComputedStyle(hand);
                const edge = parseFloat(outlineWidth) + parseFloat(outlineOffset);
                const left = Math.min(...[...hand.getClientRects()].map((one) => one.left)) - edge;
                const words = now.querySelectorAll('span.word, s.word').length;
                const isSeen = outlineStyle === 'solid' && left >= box.left;
                return [now.textContent, hand.textContent, words, isSeen];
            });
        }"""
    )
    assert found == [
        ["`The sky", "`The sky", 2, True],
        ["\n\n  is", "is", 2, True],
        ["\n", None],
        [" of blue.\n\n", " of blue.", 4, True],
    ]


@pytest.mark.parametrize(
    ("struck", "kept", "runs"),
    [(" The", " السماء زرقاء", "rtl"), (" السماء", " The sky", "ltr")],
)
def test_a_text_runs_the_way_of_its_own_words_whatever_was_struck_before_them(
    visit, struck, kept, runs
):
    """In the stage's panel and in a lane of the race."""
    script = """async ([struck, kept]) => {
        const { Text } = await import('./own/player/text.js');
        const { column } = await import('./own/player/race_parts.js');
        const lane = column(0, '', '', () => {}).querySelector('.text');
        document.body.append(lane);
        return [document.querySelector('.stage .panel.text'), lane].map((section) => {
            const text = new Text(section, () => {});
            text.clear({ source: 'file', header: { prompt: '' } });
            const spans = [[struck, 'rejected', 'struck'], [kept, 'recovered']];
            text.add({ index: 0, panels: { text: { spans } } });
            return getComputedStyle(text.body).direction;
        });
    }"""
    assert visit.page.evaluate(script, [struck, kept]) == [runs, runs]
