"""The switch of the mask: the attention's mass on the tree or not, wherever a run plays."""

from dataclasses import replace

import pytest

from tests.page import synthetic
from tests.page.test_export import File
from viz.cells import MASS
from viz.standalone import standalone

SWITCH = ".stage .mask .mass"
PLOT = "document.querySelector('.mask .plot')"
SAID = f"{PLOT}._fullData[1].hovertemplate"
COLUMN = f"{PLOT}.querySelectorAll('.heatmaplayer image')[1].href.baseVal"
STATE = f"""(button => [button.ariaPressed, button.ariaDisabled, button.title])
    (document.querySelector('{SWITCH}'))"""


def weighed():
    """A whole run that tells where the attention fell."""
    whole = synthetic.trace(6, 8)
    return replace(whole, rounds=tuple(synthetic.weighed(whole.rounds)))


@pytest.fixture
def live(visit, monkeypatch):
    """A visit that has decoded such a run, at the end of its last round."""
    plain = synthetic.rounds
    monkeypatch.setattr(synthetic, "rounds", lambda *a, **k: synthetic.weighed(plain(*a, **k)))
    visit.decode_whole()
    visit.until("!document.querySelector('#notice .words').textContent")
    visit.press("End")
    visit.rest()
    return visit


def test_the_switch_takes_the_mass_from_the_mask_and_gives_it_back_without_the_server(live):
    assert live.ask(STATE)[:2] == ["true", "false"] and "pale row" in live.ask(STATE)[2]
    with_mass, drawn = live.ask(COLUMN), live.ask("player.drawings")
    assert MASS in live.ask(SAID)
    live.requests.clear()
    live.page.click(SWITCH)
    live.rest()
    without = live.ask(COLUMN)
    assert live.ask(STATE)[:2] == ["false", "false"]
    assert without != with_mass and "attention" not in live.ask(SAID)
    live.press("PageUp")
    live.rest()
    assert "attention" not in live.ask(SAID)  # of every round
    live.press("PageDown")
    live.rest()
    live.page.click(SWITCH)
    live.rest()
    assert live.ask(COLUMN) == with_mass and MASS in live.ask(SAID)
    assert live.requests == []
    assert live.ask("player.drawings") <= drawn + 2  # the tree is drawn for its rounds alone


def test_keys_reach_the_switch_and_its_name_says_what_it_does(live):
    button = live.page.get_by_role("button", name="colour the prefix by the attention’s mass")
    button.focus()
    for pressed, key in (("false", "Space"), ("true", "Enter")):
        live.page.keyboard.press(key)
        assert button.get_attribute("aria-pressed") == pressed
    assert live.ask("player.state") == "paused"  # the key was the button's


def test_a_run_that_does_not_tell_has_a_switch_that_says_why(visit):
    visit.press("End")
    visit.rest()
    pressed, disabled, title = visit.ask(STATE)
    assert (pressed, disabled) == ("false", "true")
    assert title.startswith("This run does not tell where the attention fell")
    drawn = visit.ask(COLUMN)
    visit.page.click(SWITCH, force=True)
    visit.rest()
    assert visit.ask(STATE)[:2] == ["false", "true"] and visit.ask(COLUMN) == drawn


def test_a_saved_run_and_an_exported_page_have_the_switch_too(visit, file_tab, tmp_path):
    weighed().save(tmp_path / "run.jsonl")
    before = visit.ask("player.run")
    visit.open_file(tmp_path / "run.jsonl")
    visit.until(f"player.run !== {before!r} && player.isDone")
    assert visit.ask(STATE)[:2] == ["true", "false"]
    path = tmp_path / "run.html"
    path.write_text(standalone(weighed()), encoding="utf-8")
    file = File(file_tab, path).open()
    file.page.keyboard.press("End")
    file.until("player.isSettled")
    assert MASS in file.ask(SAID)
    file.page.click(SWITCH)
    file.until("player.isSettled")
    assert "attention" not in file.ask(SAID)
    file.close()
