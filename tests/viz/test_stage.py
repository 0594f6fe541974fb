"""The messages of a run: every figure valid at every step, the last step what the record says."""

import base64
import copy
import dataclasses
import json
import subprocess
import sys
import zlib
from itertools import pairwise

import plotly.graph_objects as go
import pytest

from engine import schema
from engine.records import Emitted, Nodes, Round, Seconds
from tests.viz.records import make_end, make_header, make_round, make_rounds
from tests.viz.test_judgement import BLOCK
from viz import theme
from viz.caches import plot_caches
from viz.cells import KINDS
from viz.figure import COLOUR_KEYS, TEMPLATE, apply, resolve
from viz.judgement import judgement_figure, plot_judgement
from viz.mask import mask_info, plot_mask
from viz.pieces import label
from viz.stage import Stage, header_message
from viz.timeline import plot_timeline
from viz.tree import MARKS, NODES, plot_tree
from viz.tree_info import tree_info

FIGURES = ("tree", "caches", "judgement", "mask", "timeline")
EMPTY = Round(
    index=0,
    start=1,
    nodes=Nodes((0,), (-1,), (0,), (None,), (None,), (None,), ("root",)),
    emitted=Emitted((), (), ()),
    laws=(),
    caches=(),
    seconds=Seconds(0.0, 0.0, 0.0, 0.0),
)
ROUNDS = {
    "nothing at all": EMPTY,
    "plain": make_round(0),
    "one node": make_round(1, chance=1.0),
    "chain": make_round(12, depth=12, chance=0.9),
    "small": make_round(5, 3),
    "middle": make_round(20, 2),
    "large": make_round(64, 5),
    "too large": make_round(1000, 3, depth=9),
    "long prefix": make_round(8, 1, start=5000),
}


def message(this: Round) -> dict:
    """As it travels, but for the figure that comes with the header."""
    sent = json.loads(Stage(make_header()).round_message(this))
    sent["panels"]["judgement"]["figure"] = judgement_figure()
    return sent


def states(panel: dict) -> list[dict]:
    """The figure before the first step and after each."""
    figure = copy.deepcopy(panel["figure"])
    found = [copy.deepcopy(figure)]
    for patch in panel["steps"]:
        apply(figure, patch)
        found.append(copy.deepcopy(figure))
    return found


def colour_free(value, is_colour=False):
    """Every string of a figure that stands under no colour key."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from colour_free(item, key in COLOUR_KEYS)
    elif isinstance(value, list):
        for item in value:
            yield from colour_free(item, is_colour)
    elif isinstance(value, str) and not is_colour:
        yield value


@pytest.mark.parametrize("name", ROUNDS)
def test_every_figure_is_valid_at_every_step(name):
    sent = message(ROUNDS[name])
    for panel in FIGURES:
        found = states(sent["panels"][panel])
        # a thousand judge steps differ in one marker: the ends and a few between are enough
        for state in found if len(found) < 40 else [*found[:15], *found[-15:]]:
            state["layout"]["template"] = TEMPLATE
            go.Figure(resolve(state, "dark"))


@pytest.mark.parametrize("name", ROUNDS)
def test_every_panel_has_a_patch_for_every_step(name):
    sent = message(ROUNDS[name])
    for panel in FIGURES:
        assert len(sent["panels"][panel]["steps"]) == len(sent["steps"])
    phases = [step["phase"] for step in sent["steps"]]
    order = ("draft", "verify", "judge", "commit", "emit")
    assert phases == sorted(phases, key=order.index)


@pytest.mark.parametrize("name", ROUNDS)
def test_no_step_adds_or_takes_points(name):
    sent = message(ROUNDS[name])
    for panel in FIGURES:
        for key in ("x", "y"):
            lengths = [
                [len(trace.get(key, ())) for trace in state["data"]]
                for state in states(sent["panels"][panel])
            ]
            assert all(each == lengths[0] for each in lengths)


@pytest.mark.parametrize("name", ROUNDS)
def test_no_step_changes_a_symbol_and_every_axis_is_fixed(name):
    sent = message(ROUNDS[name])
    for panel in FIGURES:
        found = states(sent["panels"][panel])
        symbols = [[t.get("marker", {}).get("symbol") for t in s["data"]] for s in found]
        assert all(each == symbols[0] for each in symbols)
        for axis in ("xaxis", "yaxis"):
            assert found[0]["layout"][axis]["autorange"] is False
            assert len(found[0]["layout"][axis]["range"]) == 2


def marks(figure: dict) -> list[tuple]:
    """Symbol, colour of its line, size: of every mark over a tree's nodes."""
    marker = figure["data"][MARKS]["marker"]
    return list(zip(marker["symbol"], marker["line"]["color"], marker["size"], strict=True))


@pytest.mark.parametrize("name", ["chain", "small", "middle", "large"])
def test_the_tree_ends_in_the_verdicts_of_the_record(name):
    this = ROUNDS[name]
    root, *tested, extra = marks(states(message(this)["panels"]["tree"])[-1])
    assert root[:2] == ("circle", "@root")
    for verdict, symbol in (("accepted", "circle"), ("rejected", "square-x")):
        shown = [size for mark, colour, size in tested if (mark, colour) == (symbol, f"@{verdict}")]
        assert len(shown) == this.nodes.verdict.count(verdict)
        assert all(size > 1 for size in shown)
    assert extra[:2] == ("diamond", f"@{this.emitted.origin[-1]}")
    assert extra[2] > 1


def test_before_the_first_step_only_the_root_is_seen():
    figure = states(message(ROUNDS["small"])["panels"]["tree"])[0]
    sizes = [size for _, _, size in marks(figure)] + figure["data"][NODES]["marker"]["size"]
    assert sum(size > 1 for size in sizes) == 1
    for trace in (NODES, MARKS):  # no dot tells a place or a verdict
        assert not any(figure["data"][trace]["marker"]["line"]["width"])
    assert [text for text in figure["data"][NODES]["hovertext"] if text] != []
    assert not any(figure["data"][NODES]["hovertext"][1:])
    assert [text for text in figure["data"][NODES]["text"] if text.strip()] != []
    for trace in figure["data"][:NODES]:  # edges are points on their parents
        ends = [i for i, x in enumerate(trace["x"]) if x is None]
        for start, end in zip([0, *(i + 1 for i in ends)], ends, strict=False):
            assert len(set(trace["x"][start:end])) == len(set(trace["y"][start:end])) == 1


def test_the_tree_grows_one_level_a_step():
    this = ROUNDS["middle"]
    found = states(message(this)["panels"]["tree"])
    start = found[0]["data"][NODES]
    for level in range(1, max(this.nodes.depth) + 1):
        nodes = found[level]["data"][NODES]
        grown = sum(0 < depth <= level for depth in this.nodes.depth)
        assert sum(size > 1 for size in nodes["marker"]["size"]) == grown
        assert sum(width > 0 for width in nodes["marker"]["line"]["width"]) == grown
        assert sum(bool(text) for text in nodes["hovertext"]) == 1 + grown
    for state in found:  # a node keeps its place from draft to emission
        assert [state["data"][NODES][k] for k in "xy"] == [start["x"], start["y"]]


def test_every_edge_ends_at_its_node():
    this = ROUNDS["middle"]
    figure = states(message(this)["panels"]["tree"])[-1]
    nodes = set(zip(figure["data"][NODES]["x"], figure["data"][NODES]["y"], strict=True))
    count = 0
    for trace in figure["data"][:NODES]:
        ends = [i for i, x in enumerate(trace["x"]) if x is None]
        assert {(trace["x"][i - 1], trace["y"][i - 1]) for i in ends} <= nodes
        count += len(ends)
    tested = sum(v in ("accepted", "rejected") for v in this.nodes.verdict)
    assert count == this.nodes.num_drafted + tested + 1


def test_a_label_beside_a_mark_that_has_no_node_under_it_keeps_clear_of_it():
    sent = message(ROUNDS["middle"])["panels"]["tree"]  # more rows than have room below the nodes
    figure = states(sent)[-1]
    texts, size = figure["data"][NODES]["text"], figure["layout"]["font"]["size"]
    sizes = figure["data"][MARKS]["marker"]["size"]
    assert figure["data"][NODES]["textposition"] == "middle right"
    for text, mark in ((texts[0], sizes[0]), (texts[-1], sizes[-1])):  # the root, the last token
        pad = len(text) - len(text.lstrip("\xa0"))
        assert pad * 0.6 * size >= mark / 2
    assert not any(text.startswith("\xa0") for text in texts[1:-1])
    room = [1.25 * size / 2 + 1 for size in figure["data"][NODES]["marker"]["size"]]  # Plotly's own
    for place, mark in zip(tree_info(ROUNDS["middle"]).tested, sizes[1:-1], strict=True):
        assert mark / 2 + 1.1 <= room[place]


def test_a_tree_of_any_size_is_six_traces():
    assert {len(message(ROUNDS[name])["panels"]["tree"]["figure"]["data"]) for name in ROUNDS} == {
        6
    }


def hovers(this):
    """What the mask says of each pair that it has a cell for, as the template puts it."""
    figure = message(this)["panels"]["mask"]["figure"]
    names, cells = figure["layout"]["yaxis"]["ticktext"], figure["data"][0]
    assert figure["layout"]["xaxis"]["ticktext"] == names
    template = TEMPLATE["data"]["heatmap"][0]["hovertemplate"].replace("<extra></extra>", "")
    found = {}
    for row, column, text in zip(cells["y"], cells["x"], cells["text"], strict=True):
        said = template.replace("%{y}", names[row]).replace("%{x}", names[column])
        found[row, column] = said.replace("%{text}", text)
    return found


def test_the_mask_is_one_picture_of_who_sees_whom():
    this = ROUNDS["middle"]
    final = states(message(this)["panels"]["mask"])[-1]
    cells = final["data"][0]
    seen = {pair for step in mask_info(this).seen for pair in step}
    assert set(zip(cells["y"], cells["x"], strict=True)) == seen and len(cells["z"]) == len(seen)
    kinds = {row: KINDS[kind] for row, kind in zip(cells["y"], cells["z"], strict=True)}
    assert [kinds[row] for row in range(len(this.nodes))] == [
        "accepted" if verdict == "root" else verdict for verdict in this.nodes.verdict
    ]
    assert cells["colorscale"] == [[0, "@accepted"], [0.5, "@rejected"], [1, "@untested"]]


def test_the_mask_says_who_sees_whom_and_why():
    this = ROUNDS["middle"]
    parent = this.nodes.parent
    deep = max(range(len(parent)), key=this.nodes.depth.__getitem__)
    names = [label(this.piece(token), 8) for token in this.nodes.token]
    said, above = hovers(this), parent[deep]
    assert said[deep, deep] == f"“{names[deep]}” sees itself, “{names[deep]}”"
    assert said[deep, above] == f"“{names[deep]}” sees its parent “{names[above]}”"
    assert said[deep, 0] == f"“{names[deep]}” sees its ancestor “{names[0]}”"
    assert (above, deep) not in said  # a pair without a cell: the template's other words
    assert "does not see" in TEMPLATE["data"]["heatmap"][0]["hovertemplatefallback"]


def test_the_masks_prefix_says_how_much_attention_the_tree_takes_where_it_is_known():
    for mass in (True, False):
        this = make_round(10, mass=mass)
        column = message(this)["panels"]["mask"]["figure"]["data"][1]
        look = TEMPLATE["data"]["heatmap"][1] | column
        assert look["meta"][0] == this.start - 1
        assert "sees all %{meta[0]} prefix slots" in look["hovertemplate"]
        assert ("of its attention" in look["hovertemplate"]) == mass
        assert len(column["z"]) == 11
        if mass:
            assert column["z"] == list(this.mass.share) and look["meta"][1] == 30


def test_the_header_brings_what_takes_the_mass_away_again():
    patch = json.loads(header_message(make_header(), "live", "x"))["massless"]
    shared = TEMPLATE["data"]["heatmap"][1]
    looks = []
    for mass in (True, False):
        sent = message(make_round(10, mass=mass))["panels"]["mask"]["figure"]
        apply(sent, patch if mass else [])
        column = shared | sent["data"][1]
        looks.append((column["hovertemplate"], {shade(column, share) for share in column["z"]}))
    assert looks[0] == looks[1] and len(looks[0][1]) == 1


def shade(column, share):
    """The colour of a share as a linear scale has it: its role, and how much of it."""
    ends = list(pairwise(column["colorscale"]))
    (low, one), (high, two) = next(pair for pair in ends if share <= pair[1][0])
    (role, a), (_, b) = (name.split("/") for name in (one, two))
    return role, round(float(a) + (float(b) - float(a)) * (share - low) / (high - low), 6)


def test_the_caches_end_with_the_kept_slots_in_their_places():
    this = ROUNDS["middle"]
    final = states(message(this)["panels"]["caches"])[-1]
    kept = [t for t in final["data"] if t.get("name") == "kept"]
    assert [(t["x0"], len(t["y"]), t["opacity"]) for t in kept] == [
        (cache.before, len(cache.kept), 1) for cache in this.caches
    ]


@pytest.mark.parametrize("piece", ["<b>bold</b>", '<a href="x">', "&lt;", "@accepted", "%{x}"])
def test_markup_and_roles_in_tokens_stay_text(piece):
    this = ROUNDS["small"]
    this = dataclasses.replace(this, pieces=dict.fromkeys(this.pieces, piece))
    sent = message(this)
    shown = piece.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    for panel in FIGURES:
        for state in (sent["panels"][panel]["figure"], states(sent["panels"][panel])[-1]):
            resolved = resolve(state, "light")
            strings = list(colour_free(resolved))
            if "<" in piece:
                assert not any("<b>bold" in text or "<a" in text for text in strings)
            assert "#007a58" not in strings
    texts = list(colour_free(states(sent["panels"]["tree"])[-1]))
    assert any(shown[:4] in text for text in texts)


@pytest.mark.parametrize("piece", ["שלום", "👩‍🔬", "\x00", "\ufffd", "é", "$x$", "日本語"])
def test_any_character_survives_the_message(piece):
    this = ROUNDS["small"]
    this = dataclasses.replace(this, pieces=dict.fromkeys(this.pieces, piece))
    sent = message(this)
    assert set(sent["record"]["pieces"].values()) == {piece}
    assert states(sent["panels"]["tree"])[-1] is not None


@pytest.mark.parametrize("name", ROUNDS)
def test_roles_stand_under_colour_keys_and_are_known(name):
    sent = message(ROUNDS[name])
    for panel in FIGURES:
        for state in states(sent["panels"][panel])[:: max(1, len(sent["steps"]) // 9)]:
            assert not any(text.startswith("@") for text in colour_free(state))
            resolve(state, "dark")  # an unknown role is a KeyError
    roles = {span[1] for span in sent["panels"]["text"]["spans"]}
    assert roles <= theme.PALETTE["dark"].keys()


def test_the_record_travels_whole():
    this = ROUNDS["middle"]
    sent = message(this)["record"]
    assert schema.read(Round, sent) == this
    assert json.dumps(sent) == json.dumps(schema.plain(this))


def test_the_header_carries_what_all_figures_share():
    sent = json.loads(header_message(make_header(), "live", "SmolLM2"))
    assert sent["kind"] == "header"
    assert (sent["source"], sent["name"]) == ("live", "SmolLM2")
    assert sent["header"] == schema.plain(make_header())
    assert sent["palette"].keys() == {"dark", "light"}
    go.Figure(layout={"template": resolve(sent["template"], "dark")})


def test_two_hundred_rounds_count_up():
    rounds = make_rounds(200, drafted=6)
    stage = Stage(make_header())
    facts = [json.loads(stage.round_message(this))["panels"]["facts"] for this in rounds]
    tokens = sum(len(this.emitted) for this in rounds)
    assert facts[-1][0]["hover"] == f"{tokens} tokens in 200 target passes"
    end = json.loads(stage.end_message(make_end(rounds)))
    assert end["record"]["rounds"] == 200
    assert end["panels"]["facts"][1]["value"] == "2.00×"


def test_a_run_that_was_cut_short_has_an_end_without_a_record():
    sent = json.loads(Stage(make_header()).end_message(None))
    assert sent["record"] is None
    assert sent["panels"]["facts"][1]["value"] == "–"


def test_a_round_of_32_nodes_is_8_kb_on_the_wire():
    sizes = [
        len(base64.b64encode(zlib.compress(Stage(make_header()).round_message(this).encode(), 9)))
        for this in (make_round(32, seed, mass=True) for seed in range(12))
    ]
    assert max(sizes) <= 8192


@pytest.mark.parametrize("name", ["nothing at all", "plain", "middle", "too large"])
def test_notebooks_get_whole_figures(name):
    this = ROUNDS[name]
    for figure in (
        plot_tree(this),
        plot_caches(make_header(), this),
        plot_judgement(this),
        plot_mask(this),
        plot_timeline(this, plain_step=0.03, mode="dark"),
    ):
        assert isinstance(figure, go.Figure)
        assert "@" not in json.dumps(figure.to_plotly_json()["layout"], default=str)


def test_figures_need_no_torch():
    code = "import sys, viz.stage; sys.exit('torch' in sys.modules or 'gradio' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_blocks_run_names_the_number_that_decided():
    """The header tells the rule, also of a file: a decoder of another make may not have one."""
    titles = {}
    for rule in ("recursive", "block", None):
        header = make_header()
        config = {**header.config, "rule": rule} if rule else {}
        sent = json.loads(Stage(dataclasses.replace(header, config=config)).round_message(BLOCK))
        titles[rule] = " ".join(filter(None, sent["panels"]["judgement"]["titles"]))
    assert "p/q" in titles["recursive"] and titles[None] == titles["recursive"]
    assert "p/q" not in titles["block"] and "u .90 ≥ h .15" in titles["block"]
