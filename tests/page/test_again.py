"""Ask again: the run on the stage fills the form, and Decode does what it did."""

import pytest

from engine.trace import Trace
from tests.page import synthetic
from tests.page.test_export import File
from viz.standalone import standalone

WORDS = "document.querySelector('#notice .words').textContent"
METHOD = "document.querySelector('#method input').value"
SEEN = "document.querySelector('.text h4 em').textContent"


@pytest.fixture
def open_run(visit, tmp_path):
    """Opens a file of a run with that prompt and method."""

    def opened(prompt, method):
        path = tmp_path / "run.jsonl"
        Trace(synthetic.header(prompt, method), tuple(synthetic.rounds(3))).save(path)
        visit.open_file(path)
        visit.until(f"{SEEN}.includes({prompt!r})")

    return opened


def test_a_run_from_a_file_is_asked_here(visit, open_run):
    open_run("From elsewhere", "lookup")
    visit.page.click("#stage .again")
    visit.until(f"{WORDS}.includes('Decode runs them here')")
    assert visit.page.input_value("#prompt textarea") == "From elsewhere"
    assert visit.ask(METHOD) == "Prompt lookup"
    assert visit.page.input_value("#meaning textarea").startswith("Finds where the last words")
    before = visit.ask("player.run")
    visit.page.click("#go")
    visit.until(f"player.run !== {before!r} && player.isDone")
    run = visit.decoder.runs[-1]
    assert run.header.prompt == "From elsewhere"
    told = (run.config.method, run.config.temperature, run.config.max_new_tokens)
    assert told == ("lookup", 0.7, 64)


def test_a_method_that_is_not_there_is_said_and_the_rest_is_filled(visit, open_run):
    before = visit.ask(METHOD)
    open_run("From elsewhere", "lookahead")
    visit.page.focus("#stage .again")
    visit.page.keyboard.press("Enter")
    visit.until(f"{WORDS}.includes(\"no method 'lookahead'\")")
    assert visit.page.input_value("#prompt textarea") == "From elsewhere"
    assert visit.ask(METHOD) == before


def test_where_there_is_no_form_nothing_is_offered(file_tab, tmp_path):
    path = tmp_path / "run.html"
    path.write_text(standalone(synthetic.trace(3, 6)), encoding="utf-8")
    file = File(file_tab, path).open()
    assert file.page.is_visible(".stage .words") and not file.page.is_visible(".stage .again")
    file.close()
