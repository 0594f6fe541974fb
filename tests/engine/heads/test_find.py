"""``load`` finds heads by kind; what is wrong with one file is said and leaves the others."""

import json
from dataclasses import replace
from shutil import copytree

import pytest
import torch
from huggingface_hub import constants

from engine import store
from engine.bundle import AVAILABLE
from engine.config import DecodeConfig
from engine.cost import cost_of
from engine.decoding import Run
from engine.heads import checkpoint, find
from engine.heads.guess_cost import guess_cost_of
from engine.heads.hydra_file import save_hydra
from engine.heads.kinds import KINDS
from engine.heads.medusa import save_medusa
from engine.models import METHODS, ModelError, load
from tests.engine.heads.guessers import GUESSING, random_heads
from tests.engine.test_models import save
from tests.fakes import text_of, tiny_llama

FREE = {"plain", "lookup", "suffix"}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with a target of 32 words and its heads."""
    folder = tmp_path_factory.mktemp("home")
    target = tiny_llama(32, 0)
    save(target, folder / "target")
    for method in GUESSING:
        heads = random_heads(method, target.config, 5)
        (save_medusa if method == "medusa" else save_hydra)(heads, folder / method)
    return folder


def homes(home, **others):
    return {method: home / method for method in GUESSING} | others


@pytest.mark.parametrize("packed", [True, False])
def test_heads_are_found_and_write_the_targets_own_text(home, packed):
    bundle = load(home / "target", heads=homes(home), packed=packed)
    able = {name for name, state in bundle.methods.items() if state == AVAILABLE}
    assert able == FREE | set(GUESSING) and set(bundle.methods) == set(METHODS)
    expected = text_of(bundle, [3, 1, 4], DecodeConfig(max_new_tokens=24))
    for method in GUESSING:
        run = Run(bundle, [3, 1, 4], DecodeConfig(method, 24, tree=12))
        drafted = sum(this.nodes.num_drafted for this in run)
        assert drafted > 0 and run.generated == expected
        assert run.header.draft.sha256 == store.sha256(home / method / "model.safetensors")
        assert str(home) not in repr(run.header.draft)  # a trace is shared, a home is not


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("tree", ["auto", 2, 12])
def test_published_medusa_heads_draft_in_trees_of_any_depth(home, tmp_path, dtype, own, tree):
    """As the authors' files are: half precision, mostly; five heads, their own output layers."""
    tensors = random_heads("medusa", tiny_llama(32, 0).config, 5, num_heads=5).state_dict()
    if own:
        tensors |= {f"{head}.1.weight": torch.randn(32, 32) for head in range(5)}
    halved = {name: value.to(dtype) for name, value in tensors.items()}
    torch.save(halved, tmp_path / "medusa_lm_head.pt")
    bundle = load(home / "target", heads={"medusa": tmp_path})
    bundle.warm_up()
    expected = text_of(bundle, [3, 1, 4], DecodeConfig(max_new_tokens=24))
    run = Run(bundle, [3, 1, 4], DecodeConfig("medusa", 24, tree=tree))
    assert sum(this.nodes.num_drafted for this in run) > 0 and run.generated == expected


@pytest.mark.parametrize("method", GUESSING)
def test_auto_counts_what_drafting_costs_and_changes_nothing(home, method):
    bundle = load(home / "target", heads=homes(home))
    bundle.warm_up()
    budget = Run(bundle, [3, 1, 4], DecodeConfig(method, 16))._planner.budget
    target = cost_of(bundle.target)
    assert budget.plain == target(1) > 0
    once = budget.stake(1, 0) - (target(2) - target(1))
    assert (once > 1e-9) == (method != "hydra")  # its levels cost all there is
    is_free = budget.stake(1, 1) == budget.stake(1, 0)
    assert is_free == (method == "medusa")  # one pass for all its levels
    expected = text_of(bundle, [3, 1, 4], DecodeConfig(max_new_tokens=16))
    assert text_of(bundle, [3, 1, 4], DecodeConfig(method, 16)) == expected


def test_the_prefix_layer_is_part_of_what_a_proposal_costs(home):
    bundle = load(home / "target", heads=homes(home), packed=False)
    attached, calls = bundle.heads["hydra++"].attached, []
    attached.head.prefix.register_forward_hook(lambda *_: calls.append(1))
    assert guess_cost_of(attached).once > 0 and calls


def test_what_was_not_given_is_said(home):
    bundle = load(home / "target")
    for name, title in (
        ("medusa", "Medusa heads"),
        ("hydra++", "Hydra++ heads"),
        ("eagle2", "an EAGLE head"),
        ("eagle3", "an EAGLE-3 head"),
    ):
        assert bundle.methods[name] == f"needs {title} for this target, and none were given"
    with pytest.raises(ValueError, match="'medusa' is not available: it needs Medusa heads"):
        Run(bundle, [1, 2], DecodeConfig("medusa"))


def spoil_size(folder):
    save_medusa(random_heads("medusa", tiny_llama(32, 0).config, 1), folder)
    other = tiny_llama(32, 0).config
    other.hidden_size = 16
    save_medusa(random_heads("medusa", other, 1), folder)


def spoil_file(folder):
    save_medusa(random_heads("medusa", tiny_llama(32, 0).config, 1), folder)
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-10])


def spoil_value(folder):
    heads = random_heads("medusa", tiny_llama(32, 0).config, 1)
    with torch.no_grad():
        heads[0][0].linear.weight[3, 3] = torch.nan
    save_medusa(heads, folder)


def spoil_trees(folder):
    save_medusa(random_heads("medusa", tiny_llama(32, 0).config, 1), folder)
    tree = {"parents": [-1, 2, 1]}
    (folder / "trees.json").write_text(json.dumps({"trees": {"2": tree}}))


def spoil_kind(folder):
    """Numbers of four bits, as the format has them and torch hardly."""
    tensors = random_heads("medusa", tiny_llama(32, 0).config, 1).state_dict()
    told, data = {}, b""
    for key, value in tensors.items():
        odd = key == "0.0.linear.weight"
        size = value.numel() // 2 if odd else 4 * value.numel()
        told[key] = {"dtype": "F4" if odd else "F32", "shape": list(value.shape)}
        told[key]["data_offsets"] = [len(data), len(data) + size]
        data += bytes(size)
    head = json.dumps(told).encode()
    (folder / "model.safetensors").write_bytes(len(head).to_bytes(8, "little") + head + data)


def spoil_vocabulary(folder):
    heads = random_heads("medusa", tiny_llama(32, 0).config, 1, vocab=40)
    save_medusa(heads, folder)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (spoil_size, "heads for hidden size 16, this target has 32"),
        (spoil_file, "model.safetensors is cut short"),
        (spoil_value, r"0\.0\.linear\.weight: holds values that are not finite"),
        (spoil_trees, "trees.json: trees.2, node 1 is its own ancestor"),
        (spoil_kind, r"0\.0\.linear\.weight: cannot be read: "),
        (spoil_vocabulary, "heads for 40 tokens, this target's vocabulary is 32"),
        (lambda folder: None, "there is no medusa_lm_head or model or"),
    ],
)
def test_a_bad_file_leaves_the_other_methods(home, tmp_path, spoil, reason):
    (tmp_path / "bad").mkdir()
    spoil(tmp_path / "bad")
    bundle = load(home / "target", heads=homes(home, medusa=tmp_path / "bad"))
    state = bundle.methods["medusa"]
    assert state.startswith("needs Medusa heads for this target: ")
    with pytest.raises(ValueError, match=reason):
        Run(bundle, [1, 2], DecodeConfig("medusa"))
    assert bundle.methods["hydra"] == bundle.methods["hydra++"] == AVAILABLE


@pytest.mark.parametrize("error", [torch.OutOfMemoryError, MemoryError, TypeError, OSError])
def test_heads_there_is_no_room_for_leave_the_other_methods(home, monkeypatch, error):
    def full(*_, **__):
        raise error("no room\nand much advice")

    monkeypatch.setitem(KINDS, "medusa", replace(KINDS["medusa"], attach=full))
    bundle = load(home / "target", heads=homes(home))
    assert bundle.methods["medusa"] == (
        f"needs Medusa heads for this target, and these do not load: {error.__name__}: no room"
    )
    assert bundle.methods["hydra"] == bundle.methods["hydra++"] == AVAILABLE


@pytest.mark.parametrize("place", [None, ["a"], b"a", 5])
def test_heads_from_no_place_at_all_leave_the_other_methods(home, place):
    bundle = load(home / "target", heads=homes(home, medusa=place))
    assert "expected a folder, a file or a Hub id, got " in bundle.methods["medusa"]
    assert bundle.methods["hydra"] == AVAILABLE


def test_heads_without_their_kinds_are_refused(home):
    with pytest.raises(ModelError, match=r"given by their kind, as a dict, not as \['medusa'\]"):
        load(home / "target", heads=["medusa"])


def test_hydras_two_kinds_are_not_taken_for_one_another(home):
    bundle = load(home / "target", heads={"hydra": home / "hydra++", "hydra++": home / "hydra"})
    assert "holds Hydra++ heads: they have a prefix layer" in bundle.methods["hydra"]
    assert "holds Hydra heads: they have no prefix layer" in bundle.methods["hydra++"]


def test_only_what_was_asked_for_is_read(home, monkeypatch):
    bundle = load(home / "target", heads=homes(home), drafters=["hydra"])
    assert set(bundle.methods) == {"plain", "hydra"} and set(bundle.heads) == {"hydra"}


def test_a_kind_that_there_is_not_is_named(home):
    with pytest.raises(ModelError, match="no heads of kind 'eagle2'; there are medusa, hydra,"):
        load(home / "target", heads={"eagle2": home / "medusa"})


def test_heads_load_by_their_hub_id_from_the_cache(home, tmp_path, monkeypatch):
    """As the Hub's own client lays it out, and without a network."""
    monkeypatch.setattr(checkpoint, "has_network", lambda: False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    repository = tmp_path / "models--somebody--medusa-tiny"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("abc")
    copytree(home / "medusa", repository / "snapshots" / "abc")
    (repository / "snapshots" / "abc" / "trees.json").write_text("[[0], [0, 0]]")
    bundle = load(home / "target", heads={"medusa": "somebody/medusa-tiny"})
    assert bundle.methods["medusa"] == AVAILABLE
    heads = bundle.heads["medusa"]
    assert (heads.weights.name, heads.weights.source) == ("medusa-tiny", "somebody/medusa-tiny")
    assert heads.trees.top.by_size == {2: ((0,), (0, 0))}


def test_the_default_target_gets_every_shipped_folder(home, tmp_path, monkeypatch):
    monkeypatch.setattr(find, "SHIPPED", home)
    assert find.shipped_heads() == homes(home)
    monkeypatch.setattr(find, "SHIPPED", tmp_path)
    assert find.shipped_heads() == {}
