"""axe-core on every tab, in both themes, from the development dependency that carries it."""

from pathlib import Path

from axe_playwright_python.base import AXE_SCRIPT

from tests.page.places import TABLES, places

LETTERS = (Path(__file__).parent / "letters.js").read_text(encoding="utf-8")
GRAVE = ("serious", "critical")
ASKED = ("page-has-heading-one",)  # of less weight, and kept none the less
# A figure is one image with a name; its letters are read by LETTERS, which knows `fill`.
AXE = "axe.run({ exclude: ['.plot svg'] }, { resultTypes: ['violations', 'incomplete'], %s })"


def test_no_tab_has_a_serious_fault_in_either_theme(everywhere):
    everywhere.page.evaluate(AXE_SCRIPT)
    ways = places(TABLES)
    found = [fault for name in ways for fault in faults(everywhere, name, ways[name])]
    assert "\n".join(found) == ""


def faults(visit, name, go):
    """What axe and the letters' contrast have to say of a place: its name, rule and elements."""
    go(visit.page)
    visit.rest()
    found = grave(visit.ask(AXE % "")) + visit.ask(LETTERS)
    visit.ask("document.querySelector('#header .theme').click()")
    visit.rest()
    colours = AXE % "runOnly: ['color-contrast']"  # nothing else changes with the theme
    found += grave(visit.ask(colours)) + visit.ask(LETTERS)
    return [f"{name}: {fault}" for fault in found]


def grave(told):
    """Faults, and what axe leaves to others to judge; colours it cannot judge LETTERS does."""
    undecided = [rule for rule in told["incomplete"] if rule["id"] != "color-contrast"]
    return [
        f"{rule['id']} {node['target']}"
        for rule in (*told["violations"], *undecided)
        for node in rule["nodes"]
        if rule["impact"] in GRAVE or rule["id"] in ASKED
    ]
