"""What was typed outlives a reload."""


def test_a_prompt_outlives_a_reload_of_its_tab_and_no_other(visit):
    usual = visit.page.input_value("#prompt textarea")
    visit.page.fill("#prompt textarea", "Half a thou")
    visit.open("?__theme=dark")
    assert visit.page.input_value("#prompt textarea") == "Half a thou"
    visit.page.click("#go")  # Gradio knows of it too
    visit.until("player.run.startsWith('run-') && player.isDone")
    assert visit.decoder.runs[-1].header.prompt == "Half a thou"
    visit.page.click("#chips .chip")  # an example is none of one's own until it is asked
    asked = visit.page.input_value("#prompt textarea")
    visit.decode_whole(asked)
    visit.open("?__theme=dark")
    assert visit.page.input_value("#prompt textarea") == asked != "Half a thou"
    visit.ask("sessionStorage.clear()")
    visit.open("?__theme=dark")
    assert visit.page.input_value("#prompt textarea") == usual


RING_CUT_BY = """(selector) => {
    const field = document.querySelector(selector), style = getComputedStyle(field);
    const out = parseFloat(style.outlineOffset) + parseFloat(style.outlineWidth);
    const box = field.getBoundingClientRect(), cut = [];
    for (let at = field.parentElement; at; at = at.parentElement) {
        const over = at.getBoundingClientRect();
        if (getComputedStyle(at).overflowX !== 'visible'
            && (box.left - out < over.left || box.right + out > over.right)) cut.push(at.className);
    }
    return [style.outlineStyle, cut];
}"""


def test_the_ring_of_a_prompt_in_hand_is_whole(visit):
    for tab, field in ((None, "#prompt textarea"), ("Compare", ".rail textarea")):
        if tab:
            visit.page.get_by_role("tab", name=tab).click()
        visit.page.locator(field).first.focus()
        assert visit.page.evaluate(RING_CUT_BY, field) == ["solid", []]
