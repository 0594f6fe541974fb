"""The proof's tab in a real browser, on models that are tables."""

import pytest

import engine
from engine.decoding import Run
from tests.page import fakes
from tests.page.conftest import Visit, serve
from tests.tables import table_bundle
from ui.loader import Loader
from ui.proof_rules import RULES
from viz.theme import PALETTE

# keeps every count that is shown; drawing is slow, and is counted
COUNTS = """(() => {
    window.shown = [];
    window.drawings = 0;
    const { react } = Plotly;
    Plotly.react = (...all) => {
        drawings += 1;
        for (const end = performance.now() + 60; performance.now() < end;);
        return react(...all);
    };
    const note = () => shown.push(proof.done);
    new MutationObserver(note).observe(document.querySelector('.proof .done'), { childList: true });
})()"""
NOTICE = "document.querySelector('#proof-rail .notice')"
TEXT = "document.querySelector('.proof').innerText"


@pytest.fixture(scope="module")
def provable(shelf):
    yield from serve(Loader(table_bundle), engine)


@pytest.fixture
def prover(tab, provable):
    visit = Visit(tab, provable[0])
    yield opened(visit)
    visit.close()


def opened(visit):
    """The proof's tab of a new visitor."""
    visit.open("?__theme=dark")
    visit.page.get_by_role("tab", name="Proof").click()
    visit.until("window.proof")
    visit.page.locator("#proof-rail textarea").first.fill("abcabdabc")
    choose(visit, "Verifications", "1,000")
    return visit


def choose(visit, label, option):
    rail = visit.page.locator("#proof-rail")
    rail.get_by_label(label).click()
    rail.get_by_role("option", name=option).click()


def prove(visit, verdict="proof.holds !== null"):
    visit.page.click("#prove")
    visit.until(verdict)


def test_at_temperature_0_every_token_is_ticked(prover):
    prover.page.locator("#proof-rail").get_by_text("temperature 0", exact=True).click()
    prove(prover)
    assert prover.ask("[proof.kind, proof.holds]") == ["texts", True]
    assert "64 of 64 tokens equal" in prover.ask(TEXT)
    ticks = prover.page.locator(".proof .pair.same .tick")
    assert ticks.count() == 64 and ticks.first.text_content() == "✓"
    rows = [
        prover.page.locator(f".pair .{side}").all_text_contents() for side in ("method", "plain")
    ]
    assert rows[0] == rows[1]


def test_a_difference_is_marked_where_it_is(tab, shelf):
    class OneWrong:
        """Plain decoding by another target: the texts part somewhere."""

        @staticmethod
        def decode(bundle, prompt, config, is_cancelled):
            other = table_bundle(seed=5) if config.method == "plain" else bundle
            return Run(other, prompt, config)

    for address, _ in serve(Loader(table_bundle), OneWrong()):
        visit = opened(Visit(tab, address))
        visit.page.locator("#proof-rail").get_by_text("temperature 0", exact=True).click()
        prove(visit)
        assert visit.ask("proof.holds") is False
        rows = [visit.page.locator(f".pair .{s}").all_text_contents() for s in ("method", "plain")]
        first = next(i for i, (a, b) in enumerate(zip(*rows, strict=True)) if a != b)
        marks = "[...document.querySelectorAll('.pair')].findIndex((p) => p.matches('.first'))"
        assert visit.ask(marks) == first
        assert f"token {first + 1}," in visit.ask(TEXT)
        assert visit.page.locator(".pair .tick").nth(first).text_content() == "≠"
        visit.close()


def test_above_it_the_right_rule_passes_and_what_is_drawn_is_what_was_counted(prover):
    prove(prover)
    prover.until("proof.isDrawn")
    assert prover.ask("[proof.kind, proof.holds]") == ["laws", True]
    assert "1,000 of 1,000 verifications" in prover.ask("proof.done")
    data = prover.ask("document.querySelector('[data-place=first] .plot').data.map(d => [...d.y])")
    expected, observed = data[0], data[1]
    assert sum(expected) == pytest.approx(1, abs=1e-3) == sum(observed)
    counted = prover.page.locator("[data-place=first] dd").all_text_contents()[-1]
    assert counted == "1,000"


@pytest.mark.parametrize(
    ("rule", "places"),
    [
        ("soft q", ["first"]),
        ("siblings", ["first"]),
        ("bonus without", ["bonus"]),
        ("block left", ["first", "pair"]),
    ],
)
def test_a_broken_rule_fails_where_it_is_broken_and_the_screen_says_it_is(prover, rule, places):
    choose(prover, "Rule", rule)
    prove(prover)
    prover.until("proof.isDrawn")
    assert prover.ask("proof.holds") is False
    refuted = "[...document.querySelectorAll('section.refuted')].map(s => s.dataset.place)"
    assert prover.ask(refuted) == places
    assert prover.page.locator(".proof .warning").text_content().startswith("Broken on purpose")
    assert "not the target's law" in prover.ask(TEXT)
    right = "Block verification" if rule == "block left" else "The right rule"
    choose(prover, "Rule", right)
    prove(prover, "proof.holds === true")
    assert prover.page.locator(".proof .warning").text_content() == ""
    assert prover.page.locator("section.refuted").count() == 0


def test_the_theme_reaches_the_bars(prover):
    prove(prover)
    prover.until("proof.isDrawn")
    drawn = "JSON.stringify(document.querySelector('[data-place=first] .plot').data)"
    assert PALETTE["dark"]["ink"] in prover.ask(drawn)
    prover.page.click("#header .theme")
    prover.until(f"{drawn}.includes('{PALETTE['light']['ink']}')")


def test_keys_leave_the_stage_alone_while_it_is_out_of_sight(prover):
    prover.ask("player.state === 'playing' && document.querySelector('.stage .play').click()")
    before = prover.ask("[player.position, player.state]")
    prover.press("ArrowLeft", "Home", "Space")
    assert prover.ask("[player.position, player.state]") == before
    prover.press("?")
    assert prover.page.is_visible("#keys dialog")


def test_the_longest_rule_ends_before_the_arrow_and_that_before_the_edge(prover):
    for rule in RULES.values():
        prover.page.get_by_role("combobox", name="Rule").click()
        prover.page.get_by_role("option", name=rule.label).click()
        inside, needed, arrow, edge = prover.ask(
            """(() => {
                const box = document.querySelector('#proof-rule');
                const input = box.querySelector('input');
                const pen = document.createElement('canvas').getContext('2d');
                const { font, paddingRight } = getComputedStyle(input);
                const { left, right } = input.getBoundingClientRect();
                pen.font = font;
                const arrow = box.querySelector('.icon-wrap').getBoundingClientRect();
                const end = right - parseFloat(paddingRight);
                const edge = box.querySelector('.wrap-inner').getBoundingClientRect().right;
                const beside = [arrow.left - end, edge - arrow.right];
                return [end - left, pen.measureText(input.value).width, ...beside];
            })()"""
        )
        assert needed <= inside and arrow >= 0 and edge >= 6, rule.label


def stop_once_it_shows(prover):
    """A proof under way, until it has said so."""
    prover.until("proof.done !== ''")
    prover.page.click("#proof-stop")
    prover.until(f"{NOTICE}.textContent.startsWith('Stopped after')")


def test_stop_ends_a_proof_and_says_how_far_it_got(prover):
    choose(prover, "Verifications", "20,000")
    prover.page.click("#prove")
    stop_once_it_shows(prover)
    assert "of 20,000" in prover.ask("proof.done")
    assert "stopped before a verdict" in prover.ask(TEXT)
    assert prover.ask("document.querySelector('.proof .verdict').dataset.holds") == "open"


def test_after_stop_is_pressed_nothing_is_counted_but_the_last(prover):
    """Of the counts that were on their way; and that it is stopping is said at once."""
    prover.ask(COUNTS)
    choose(prover, "Verifications", "20,000")
    prover.page.click("#prove")
    prover.until("shown.length > 3")
    before, said = prover.ask(
        f"(document.querySelector('#proof-stop').click(), [shown.length, {NOTICE}.textContent])"
    )
    assert said.startswith("Stopping")
    prover.until("document.querySelector('.proof .verdict').dataset.holds !== ''")
    prover.until(f"!{NOTICE}.textContent.startsWith('Stopping')")
    assert prover.ask("shown.length") <= before + 1
    prover.until("proof.isDrawn")
    drawn = prover.page.locator("[data-place=first] dd").last.get_attribute("aria-label")
    assert drawn.endswith(prover.ask("proof.done").split()[0] + " verifications")


def test_slow_drawing_holds_no_count_up_and_the_last_is_drawn(prover):
    prover.ask(COUNTS)
    choose(prover, "Verifications", "20,000")
    prove(prover)
    prover.until("proof.isDrawn")
    assert prover.ask("shown.length") >= 190
    assert prover.ask("drawings") < 100  # of two places
    assert prover.page.locator("[data-place=first] dd").last.text_content() == "20,000"


def test_a_double_click_proves_once_and_a_stop_is_of_what_ran(prover):
    choose(prover, "Verifications", "20,000")
    prover.page.dblclick("#prove")
    stop_once_it_shows(prover)
    prover.page.wait_for_timeout(1_500)  # the second click's turn has come by then
    assert prover.ask(f"{NOTICE}.textContent").startswith("Stopped after")
    assert "stopped before a verdict" in prover.ask(TEXT)
    choose(prover, "Verifications", "1,000")
    prove(prover)
    prove(prover, "proof.holds === null")  # the same again, once it is over
    prover.until("proof.holds === true")


def test_a_proof_whose_server_is_gone_says_so_and_one_that_is_over_does_not(tab, shelf):
    decoder = fakes.FakeDecoder(count=3)
    for address, _ in serve(Loader(fakes.bundle), decoder):
        visit = opened(Visit(tab, address))
        choose(visit, "Method", "Suffix")
        visit.page.locator("#proof-rail").get_by_text("temperature 0", exact=True).click()
        prove(visit)
        silent = visit.ask("import('./own/player/silence.js').then((it) => it.SILENT_MS)")
        visit.page.context.set_offline(True)
        visit.page.wait_for_timeout(silent + 1_000)  # by then it would have been asked
        assert visit.ask(f"{NOTICE}.textContent") == ""
        visit.page.context.set_offline(False)
        decoder.count, decoder.delay = 400, 0.1
        visit.page.click("#prove")
        visit.until("document.querySelectorAll('.pair').length > 20")
        visit.page.context.set_offline(True)  # what is asked now fails …
        decoder.runs[-1]._delay = 9.0  # … and the stream that is open has nothing to say
        visit.until(f"{NOTICE}.textContent.startsWith('The server does not answer any more')")
        assert visit.ask("document.querySelectorAll('.pair').length > 20")
        visit.page.context.set_offline(False)
        decoder.runs[-1]._delay = 0.0
        visit.errors.clear()  # the browser's and Gradio's, of the network that was gone
        visit.page.click("#proof-stop")
        visit.close()


OFF = "document.querySelector('#prove').disabled"


def test_the_button_is_off_while_a_proof_works_and_comes_back_once_it_is_over(prover):
    prover.page.click("#prove")
    assert prover.ask(OFF)
    prover.until(f"proof.holds === true && !{OFF}")
    box = prover.page.locator("#proof-rail").get_by_label("Seed", exact=True)
    box.fill("-1")
    prover.page.click("#prove")  # an error
    prover.until(f"{NOTICE}.matches('.problem') && !{OFF}")
    box.fill("0")
    choose(prover, "Verifications", "20,000")
    prover.page.click("#prove")
    prover.until("proof.done.endsWith('of 20,000 verifications')")
    assert prover.ask(OFF)
    prover.page.click("#proof-stop")
    assert not prover.ask(OFF)
    prover.until(f"{NOTICE}.textContent.startsWith('Stopped after') || proof.holds")
    choose(prover, "Verifications", "1,000")
    prove(prover, "proof.holds === true")
    prover.until(f"!{OFF}")


def test_a_press_that_was_stopped_while_it_waited_keeps_nobody_from_the_next(
    prover, browser, provable
):
    other = opened(Visit(browser, provable[0]))
    choose(other, "Verifications", "20,000")
    other.page.click("#prove")
    other.until("proof.done !== ''")
    prover.page.click("#prove")
    prover.page.click("#proof-stop")
    assert not prover.ask(OFF)
    prover.page.click("#prove")
    prover.page.wait_for_timeout(300)
    assert prover.ask(OFF)
    other.page.click("#proof-stop")
    prover.until("proof.holds === true")
    prover.until(f"!{OFF}")
    other.close()


def test_bad_input_is_a_sentence_in_the_tab(prover):
    for label, bad, good in (
        ("Seed", "-1", "0"),
        ("Temperature", "-1", "0.7"),
        ("Prompt", " ", "a"),
    ):
        box = prover.page.locator("#proof-rail").get_by_label(label, exact=True)
        box.fill(bad)
        prover.page.click("#prove")
        prover.until(
            f"{NOTICE}.matches('.problem') && {NOTICE}.textContent.includes({label.lower()[1:]!r})"
        )
        box.fill(good)


def test_a_mistake_that_cannot_show_is_a_sentence_too(prover):
    choose(prover, "Rule", "siblings")
    choose(prover, "Method", "Prompt lookup")
    prover.page.click("#prove")
    prover.until(f"{NOTICE}.textContent.includes('no q to renormalise')")
    prover.page.locator("#proof-rail").get_by_text("temperature 0", exact=True).click()
    prover.page.click("#prove")
    prover.until(f"{NOTICE}.textContent.includes('raise the temperature')")


def test_a_refused_proof_clears_the_one_before_and_gives_its_reason_in_its_place(prover):
    prove(prover)
    prover.until("proof.isDrawn")
    choose(prover, "Rule", "soft q")
    prover.page.locator("#proof-rail").get_by_text("temperature 0", exact=True).click()
    prover.page.click("#prove")
    prover.until("proof.kind === 'refused'")
    shown = prover.ask(TEXT)
    assert "Nothing was proven" in shown and "raise the temperature" in shown
    assert not any(old in shown for old in ("at temperature 0.7", "p-value", "verifications"))
    assert prover.ask("proof.holds") is None
    prover.page.locator("#proof-rail").get_by_text("0.7", exact=True).click()
    prove(prover)
    prover.until("proof.isDrawn")


def test_two_visitors_prove_apart_and_one_after_the_other(prover, browser, provable):
    other = opened(Visit(browser, provable[0]))
    choose(other, "Rule", "soft q")
    choose(prover, "Verifications", "20,000")
    prover.page.click("#prove")
    prover.until("proof.done !== ''")
    other.page.click("#prove")
    prover.page.click("#proof-stop")
    other.until("proof.holds === false")
    prover.until(f"{NOTICE}.textContent.startsWith('Stopped after')")
    assert prover.page.locator(".proof .warning").text_content() == ""
    other.close()


def test_the_tab_never_scrolls_sideways(prover):
    prove(prover)
    prover.until("proof.isDrawn")
    for width, height in ((1440, 900), (1024, 768), (390, 844)):
        prover.page.set_viewport_size({"width": width, "height": height})
        prover.until("proof.isDrawn")
        assert prover.ask("document.documentElement.scrollWidth <= innerWidth"), width


def test_without_a_model_the_proof_says_what_is_missing(tab, shelf):
    def nothing():
        raise FileNotFoundError("no weights")

    for address, _ in serve(Loader(nothing), engine):
        visit = Visit(tab, address).open()
        visit.page.get_by_role("tab", name="Proof").click()
        visit.page.click("#prove")
        visit.until(f"{NOTICE}.matches('.problem') && {NOTICE}.textContent !== ''")
        visit.close()
