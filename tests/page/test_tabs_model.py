"""The tabs of proofs and comparisons with the real default target behind them."""

import pytest

from tests.page.conftest import Visit

EQUAL = "document.querySelector('.race .equal').textContent"


@pytest.mark.model
def test_the_real_model_is_proven_and_raced(tab, real):
    visit = Visit(tab, real[0])
    visit.page.set_default_timeout(120_000)
    visit.open()
    visit.page.get_by_role("tab", name="Proof").click()
    _prove(visit)
    visit.page.get_by_role("tab", name="Compare").click()
    visit.page.locator("#compare-rail").get_by_label("Tokens", exact=True).fill("16")
    visit.page.click("#race-go")
    visit.until("race.state === 'over'")
    assert visit.ask(EQUAL) == "✓ All texts equal: 16 tokens in every lane."
    visit.close()


def _prove(visit):
    """The right rule and a broken one on a real round, then a short text at temperature 0."""
    rail = visit.page.locator("#proof-rail")
    rail.get_by_label("Verifications").click()
    rail.get_by_role("option", name="1,000").click()
    visit.page.click("#prove")
    visit.until("proof.holds === true && proof.isDrawn")
    rail.get_by_label("Rule").click()
    rail.get_by_role("option", name="soft q").click()
    visit.page.click("#prove")
    visit.until("proof.holds === false && proof.isDrawn")
    rail.get_by_label("Rule").click()
    rail.get_by_role("option", name="The right rule").click()
    rail.get_by_text("temperature 0", exact=True).click()
    rail.get_by_label("Tokens, at temperature 0").fill("12")
    visit.page.click("#prove")
    visit.until("proof.kind === 'texts' && proof.holds === true")
    assert "12 of 12 tokens equal" in visit.page.text_content(".proof .verdict")
