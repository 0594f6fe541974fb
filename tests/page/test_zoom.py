"""Nothing is cut off or out of reach at zoom 200 %, on a small screen, on a phone."""

from pathlib import Path

from tests.page.places import TABLES, places

REACH = (Path(__file__).parent / "reach.js").read_text(encoding="utf-8")
# 1440 x 900 at 200 % leaves 720 x 450 of the page's own pixels.
SIZES = ((720, 450), (1024, 768), (390, 844))
ROOMS = SIZES[:2]  # a phone shows no lecture
PLACES = ("stage", "compare", "proof", "proof_text", "numbers", "lesson", "lecture")


def test_everything_can_be_reached_and_read_whole_on_every_screen(everywhere):
    ways = places(TABLES)
    found = [fault for name in PLACES for fault in faults(everywhere, name, ways[name])]
    assert "\n".join(found) == ""


def faults(visit, name, go):
    """What is wrong with a place; it is left at the size of a desk's screen."""
    go(visit.page)
    found = []
    for width, height in ROOMS if name == "lecture" else SIZES:
        visit.page.set_viewport_size({"width": width, "height": height})
        visit.page.wait_for_timeout(100)  # sizes reach the panels a frame later
        visit.rest()
        found += [f"{name} at {width} x {height}: {fault}" for fault in visit.ask(REACH)]
    visit.page.set_viewport_size({"width": 1440, "height": 900})
    return found
