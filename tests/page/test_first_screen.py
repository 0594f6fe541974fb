"""What a newcomer sees and presses first: the heading, the settings, the figures, the keys."""

import pytest

from tests.page.conftest import Visit


def box(visit, selector):
    return visit.page.locator(selector).first.bounding_box()


def test_the_page_says_what_it_is_and_the_heading_leaves_the_tabs_their_room(visit):
    assert "large model checks" in visit.page.text_content("#header .name p")
    tabs = visit.page.locator('#tabs [role="tab"]').all()
    words, first, last = box(visit, "#header .name p"), tabs[0].bounding_box(), tabs[3]
    assert words["x"] + words["width"] <= first["x"]
    last = last.bounding_box()
    assert last["x"] + last["width"] <= box(visit, "#header .teach")["x"]


def test_the_text_names_the_method_temperature_and_tree_of_its_run(visit):
    visit.decode_whole()
    assert visit.page.text_content(".text h4 .run") == "Suffix decoding · T 0"


def test_open_settings_stand_in_two_columns_and_leave_decode_in_sight(visit):
    visit.page.click("#settings button")
    tokens, temperature = (visit.page.get_by_label(name, exact=True) for name in LABELS)
    assert abs(tokens.bounding_box()["y"] - temperature.bounding_box()["y"]) < 2
    rail, go = box(visit, "#rail"), box(visit, "#go")
    visit.until("document.querySelector('#rail').scrollHeight > 700")
    assert go["y"] + go["height"] <= rail["y"] + rail["height"]


@pytest.mark.parametrize("size", [(1440, 900), (1280, 720)])
def test_wherever_open_settings_are_scrolled_to_decode_and_the_figures_are_in_sight(visit, size):
    visit.page.set_viewport_size({"width": size[0], "height": size[1]})
    visit.press("End")
    visit.page.click("#settings button")
    visit.until("document.querySelector('#rail').scrollHeight > 700")
    for top in (0, 90, 10_000):
        visit.ask(f"document.querySelector('#rail').scrollTop = {top}")
        visit.rest()
        rail, go, cards = (box(visit, name) for name in ("#rail", "#go", "#facts .cards"))
        assert go["y"] + go["height"] <= cards["y"], top
        assert cards["y"] + cards["height"] <= rail["y"] + rail["height"], top
        assert go["y"] > rail["y"] + rail["height"] / 3, top


LABELS = ("Tokens", "Temperature")


def test_a_tap_on_a_figure_shows_its_denominator_and_another_hides_it(visit):
    visit.decode_whole()
    visit.press("End")
    visit.page.click("#facts .cards > div")
    shown = visit.page.text_content("#facts .hint")
    assert shown == visit.page.get_attribute("#facts .cards > div", "title") != ""
    visit.page.click("#facts .cards > div")
    assert visit.page.locator("#facts .hint").count() == 0


def test_a_figure_opens_by_key_and_keeps_the_focus_from_round_to_round(visit):
    visit.decode_whole()
    visit.press("End")
    visit.page.focus("#facts .cards > div:nth-child(3)")
    visit.page.keyboard.press("Enter")
    assert "tested" in visit.page.text_content("#facts .hint")
    at = visit.ask("player.position")
    visit.page.keyboard.press("PageUp")
    visit.until(f"player.position < {at}")
    here = "[...document.querySelectorAll('#facts .cards > div')].indexOf(document.activeElement)"
    assert visit.ask(here) == 2
    visit.page.keyboard.press(" ")
    assert visit.page.locator("#facts .hint").count() == 0
    assert visit.ask("player.state") == "paused"  # the key was the card's


def test_what_was_rejected_is_no_part_of_text_that_is_copied(visit):
    visit.decode_whole()
    visit.press("End")
    struck = "getComputedStyle(document.querySelector('.stage s.word')).userSelect"
    assert visit.ask(struck) == "none"


def test_every_key_stands_once_in_the_list(visit):
    visit.press("?")
    keys = visit.page.locator("#keys kbd").all_text_contents()
    assert len(keys) > 10 and len(set(keys)) == len(keys)


def test_the_prompt_shows_that_it_has_the_focus(visit):
    visit.page.focus("#prompt textarea")
    style = "getComputedStyle(document.querySelector('#prompt textarea')).outlineStyle"
    visit.until(f"{style} === 'solid'")


def test_fingers_have_room_on_what_they_press(browser, served):
    visit = Visit(browser, served[0], has_touch=True, is_mobile=True)
    visit.page.set_viewport_size({"width": 390, "height": 844})
    visit.open()
    sizes = visit.ask(
        "[...document.querySelectorAll('.stage .bar button, #chips .chip')]"
        ".filter((e) => e.offsetParent).map((e) => [e.offsetWidth, e.offsetHeight])"
    )
    assert sizes and all(width >= 40 and height >= 40 for width, height in sizes)
    assert visit.ask("document.documentElement.scrollWidth <= innerWidth")
    visit.close()


def test_on_a_phone_the_transport_is_one_row_and_nothing_is_cut_or_covered(browser, served):
    visit = Visit(browser, served[0], has_touch=True, is_mobile=True, reduced_motion="reduce")
    visit.page.set_viewport_size({"width": 390, "height": 844})
    visit.open("?trace=second&round=3&phase=commit")
    visit.rest()
    tops = "[...document.querySelectorAll('.stage .bar button, .stage .bar select')]"
    tops += ".filter(each => each.offsetParent).map(each => each.offsetTop)"
    assert len(set(visit.ask(tops))) == 1
    bar, scrub = (
        visit.page.locator(f".stage {name}").bounding_box() for name in (".bar", ".scrub")
    )
    assert bar["height"] < 110
    assert scrub["x"] == 390 - scrub["x"] - scrub["width"] == 12
    visit.page.tap(".stage .tree .plot")
    assert visit.page.locator(".stage .image:visible").count() == 0
    heading = "(h4 => h4.scrollWidth - h4.clientWidth)(document.querySelector('.stage .caches h4'))"
    assert visit.ask(heading) <= 0
    visit.page.get_by_role("tab", name="Proof").click()
    visit.until("window.proof")
    arrows = visit.page.locator("#proof-rail .icon-wrap >> visible=true")
    edges = {
        round(390 - box["x"] - box["width"])
        for box in (each.bounding_box() for each in arrows.all())
        if box["x"] > 200
    }
    assert len(edges) == 1
    visit.close()


@pytest.mark.parametrize("pause", ["rejected", "round.4"])
@pytest.mark.parametrize("touch", [True, False])
def test_on_a_phone_where_play_pauses_takes_no_room_of_the_transport(browser, served, pause, touch):
    visit = Visit(browser, served[0], has_touch=touch, is_mobile=touch, reduced_motion="reduce")
    visit.page.set_viewport_size({"width": 390, "height": 844})
    visit.open(f"?trace=second&round=3&phase=commit&pause={pause}")
    visit.rest()
    visit.until("player.pause !== ''")
    row = visit.ask(
        "[...document.querySelectorAll('.stage .bar button, .stage .bar .speed')]"
        ".filter(each => each.offsetParent).map(each => each.getBoundingClientRect())"
        ".map(({ left, right, top, height }) => [left, right, top + height / 2])"
    )
    assert len({round(middle) for _, _, middle in row}) == 1
    assert all(0 <= left < right <= 390 for left, right, _ in row)
    shown = ".pause, .stage .bar .pause-round" if pause != "rejected" else ".pause"
    boxes = [box.bounding_box() for box in visit.page.locator(f".stage .bar {shown}").all()]
    place = visit.page.locator(".stage .where").bounding_box()
    for box in boxes:
        assert box["x"] >= place["x"] + place["width"] and box["x"] + box["width"] <= 390
    visit.close()


def test_the_list_of_runs_names_a_temperature_before_the_prompt(visit):
    told = visit.ask(
        """async () => {
            const { fillShelf } = await import('./own/player/shelf.js');
            const list = document.createElement('select');
            const title = (await fillShelf(list, () => {}))[0].title;
            return [title, list.options[0].text];
        }"""
    )
    assert "· T " in told[0] and told[0].index(":") < told[0].index("· T ")
    assert told[1].index("· T ") < told[1].index(":")


@pytest.mark.parametrize(
    ("script", "tab", "said"),
    [("player", "Stage", ".stage .says"), ("race", "Compare", "#compare-rail .notice")],
)
def test_a_script_that_does_not_come_is_said_in_its_tab(browser, served, script, tab, said):
    visit = Visit(browser, served[0])
    visit.page.route(f"**/own/player/{script}.js", lambda route: route.abort())
    visit.page.goto(visit.address)
    visit.page.get_by_role("tab", name=tab).click()
    visit.until(f"document.querySelector({said!r})?.textContent.includes('could not be loaded')")
    assert visit.page.locator(said).is_visible()
    visit.page.unroute_all()
    visit.errors.clear()  # the browser's own lines on what was cut off
    visit.close()
