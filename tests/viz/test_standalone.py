"""A run as one file: small, whole, and with nothing in it that could be markup."""

import base64
import json
import re
import subprocess
import sys
import zlib
from html.parser import HTMLParser

import pytest

import viz
from engine.trace import Trace
from tests.viz.records import make_rounds
from tests.viz.runs import of, run
from viz.standalone import ASSETS, SLOT, messages, standalone, template

EVIL = "</script><script>window.hurt = 1</script>"


class Page(HTMLParser):
    """The addresses a page names, and its scripts by their id or type."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses, self.scripts, self._now = [], {}, None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.addresses += [found[key] for key in ("src", "href", "data") if key in found]
        self._now = (found.get("id") or found["type"]) if tag == "script" else None

    def handle_data(self, data):
        if self._now:
            self.scripts[self._now] = self.scripts.get(self._now, "") + data

    def handle_endtag(self, tag):
        self._now = None


def unpacked(text: str) -> str:
    return zlib.decompress(base64.b64decode(text)).decode()


@pytest.mark.parametrize("count", [0, 1, 12])
def test_the_file_holds_the_messages_of_the_whole_run(count):
    trace = run(count)
    scripts = Page(standalone(trace, "somewhere")).scripts
    said = unpacked(scripts["run"]).split("\n")
    assert said == list(messages(trace, "somewhere"))
    assert [json.loads(line)["kind"] for line in said] == ["header", *["round"] * count, "end"]


def test_a_hundred_rounds_of_64_nodes_are_below_six_megabytes():
    assert len(standalone(run(100, drafted=64)).encode()) < 4_000_000


def test_the_file_names_no_other():
    page = Page(standalone(run(3)))
    assert page.addresses == []
    assert set(page.scripts) == {"importmap", "library", "run", "module"}
    assert SLOT not in standalone(run(3)) and template().count(SLOT) == 1
    assert not re.search(r"THE-[A-Z]+", template().replace(SLOT, ""))


def test_every_module_imports_only_what_is_in_the_file():
    modules = json.loads(Page(template()).scripts["importmap"])["imports"]
    for name, address in modules.items():
        code = base64.b64decode(address.split(",", 1)[1]).decode()
        for wanted in re.findall(r"""(?:from|import)\s*\(?\s*['"]([^'"]+)['"]""", code):
            assert wanted in modules, (name, wanted)
    assert {"player/main.js", "player/player.js", "player/numbers.js"} <= modules.keys()
    assert "player/boot.js" not in modules  # the page's own beginning
    inlined = base64.b64decode(modules["player/plotly.js"].split(",", 1)[1]).decode()
    assert "inflated('library')" in inlined


def test_what_a_run_holds_is_never_markup():
    rounds = make_rounds(2)
    trace = of(rounds, prompt=EVIL)
    whole = standalone(trace, EVIL)
    assert "hurt" not in whole  # it is there, deflated
    assert EVIL in unpacked(Page(whole).scripts["run"])


def test_a_notebook_shows_the_file_in_a_frame(tmp_path):
    shown = viz.show(run(2), height=500)
    frame = shown._repr_html_()
    found = Page(frame)
    assert found.addresses == [] and found.scripts == {}  # all of it is one attribute
    assert frame.startswith("<iframe srcdoc=") and "height:500px" in frame
    shown.save(tmp_path / "run.html")
    assert (tmp_path / "run.html").read_text(encoding="utf-8") == shown.html


def test_showing_a_trace_needs_no_torch(tmp_path):
    run(2).save(tmp_path / "run.jsonl")
    code = (
        "import sys\n"
        "for name in ('torch', 'transformers', 'gradio'): sys.modules[name] = None\n"
        "import viz\n"
        "from engine import Trace\n"
        f"assert viz.show(Trace.load({str(tmp_path / 'run.jsonl')!r}))._repr_html_()\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ASSETS.parent, check=True)


def test_a_trace_that_was_cut_short_is_shown_as_far_as_it_goes():
    whole = run(3)
    said = list(messages(Trace(whole.header, whole.rounds), "cut"))
    assert json.loads(said[-1])["record"] is None
