"""Published Medusa files, built from the authors' key tables, against the paper's formula."""

import json
import re

import pytest
import torch
from safetensors.torch import save_file

from engine.heads.attach_guessing import attach_guessing
from engine.heads.checkpoint import HeadError, open_heads
from engine.heads.medusa import STEMS, read_medusa, save_medusa
from tests.fakes import tiny_llama

H, V = 32, 20


def published(num_heads=3, num_layers=1, *, own=True, tied=False, seed=0):
    """Random weights under the authors' names."""
    rng = torch.Generator().manual_seed(seed)

    def draw(*shape):
        return torch.randn(shape, generator=rng) * 0.3

    tensors = {}
    for head in range(num_heads):
        for layer in range(num_layers):
            first = f"{head}.0.linear."
            is_copy = tied and layer > 0
            for name, shape in (("weight", (H, H)), ("bias", (H,))):
                value = tensors[first + name].clone() if is_copy else draw(*shape)
                tensors[f"{head}.{layer}.linear.{name}"] = value
        if own:
            tensors[f"{head}.{num_layers}.weight"] = draw(V, H)
    return tensors


def write(folder, tensors, name="medusa_lm_head.safetensors", **config):
    """A heads folder as somebody would have published it."""
    (folder / "config.json").write_text(json.dumps(config))
    (save_file if name.endswith("safetensors") else torch.save)(tensors, folder / name)
    return folder


def paper(tensors, head, state, speak):
    """x + SiLU(W x + b), layer after layer, then the head's own rows or the target's."""
    layer = 0
    while f"{head}.{layer}.linear.weight" in tensors:
        name = f"{head}.{layer}.linear."
        inner = tensors[name + "weight"].double() @ state
        inner = inner + tensors.get(name + "bias", torch.zeros(H)).double()
        state, layer = state + inner / (1 + torch.exp(-inner)), layer + 1
    return tensors.get(f"{head}.{layer}.weight", speak).double() @ state


def assert_is_the_papers(heads, tensors, packed=False):
    target = tiny_llama(V, 4)
    attached = attach_guessing(heads, target, packed=packed)
    states = torch.randn(5, H, generator=torch.Generator().manual_seed(9))
    with torch.no_grad():
        logits = heads.logits(heads(states), attached.lm_head)  # [5, K, V]
    for row, state in enumerate(states.double()):
        for head in range(heads.num_heads):
            expected = paper(tensors, head, state, target.lm_head.weight)
            torch.testing.assert_close(logits[row, head].double(), expected, atol=2e-5, rtol=1e-5)


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("num_layers", [1, 3])
@pytest.mark.parametrize("name", ["medusa_lm_head.safetensors", "medusa_lm_head.pt"])
def test_the_authors_layout_is_the_papers_formula(tmp_path, own, tied, num_layers, name):
    tensors = published(3, num_layers, own=own, tied=tied)
    heads = read_medusa(open_heads(write(tmp_path, tensors, name), STEMS))
    assert (heads.num_heads, heads.num_layers) == (3, num_layers)
    assert_is_the_papers(heads, tensors)


def test_packed_heads_are_equal(tmp_path):
    tensors = published(2, 2, own=False)
    heads = read_medusa(open_heads(write(tmp_path, tensors), STEMS))
    assert_is_the_papers(heads, tensors, packed=True)


def test_heads_and_layers_are_counted_in_the_file_not_in_its_config(tmp_path):
    """The published configs say 2 heads where the file has 5."""
    folder = write(tmp_path, published(5, 1), medusa_num_heads=2, medusa_num_layers=4)
    heads = read_medusa(open_heads(folder, STEMS))
    assert (heads.num_heads, heads.num_layers) == (5, 1)


@pytest.mark.parametrize("before", ["", "medusa_heads."])
def test_what_vllm_writes_is_the_same(tmp_path, before):
    tensors = published(2, 2)
    renamed = {
        re.sub(r"(\d+)\.(\d)\.linear", r"blocks.\1.layers.\2", key)
        if "linear" in key
        else re.sub(r"(\d+)\.2\.", r"lm_heads.\1.", key): value
        for key, value in tensors.items()
    }
    renamed = {before + key: value for key, value in renamed.items()}
    heads = read_medusa(open_heads(write(tmp_path, renamed, "model.safetensors"), STEMS))
    assert_is_the_papers(heads, tensors)


@pytest.mark.parametrize("packed", [False, True])
def test_heads_without_biases_have_none(tmp_path, packed):
    """As vLLM's with ``medusa_fc_bias: false``."""
    tensors = {key: value for key, value in published(2, 2).items() if "bias" not in key}
    heads = read_medusa(open_heads(write(tmp_path, tensors, medusa_fc_bias=False), STEMS))
    assert all(block.linear.bias is None for head in heads for block in head[:2])
    assert_is_the_papers(heads, tensors, packed)


def test_heads_beside_the_target_in_one_file_are_read_alone(tmp_path):
    """Medusa-2's whole model: the heads' keys have a prefix, the target's have their own."""
    tensors = published(2)
    whole = {f"medusa_head.{key}": value for key, value in tensors.items()}
    whole |= {
        "model.layers.0.mlp.up_proj.weight": torch.ones(3, 3),
        "lm_head.weight": torch.ones(2),
    }
    heads = read_medusa(open_heads(write(tmp_path, whole, "model.safetensors"), STEMS))
    assert_is_the_papers(heads, tensors)
    whole["medusa_head.9"] = torch.ones(1)
    with pytest.raises(HeadError, match=r"not known: medusa_head\.9"):
        read_medusa(open_heads(write(tmp_path, whole, "model.safetensors"), STEMS))


def test_heads_with_a_draft_vocabulary_speak_its_rows_of_the_targets_head(tmp_path):
    ids = torch.tensor([3, 0, 17, 8])
    tensors = published(2, 1, own=False) | {"token_map": ids}
    heads = read_medusa(open_heads(write(tmp_path, tensors), STEMS))
    target = tiny_llama(V, 4)
    attached = attach_guessing(heads, target, packed=False)
    hidden = heads(torch.ones(1, H))
    full = hidden[0] @ target.lm_head.weight.T
    logits = heads.logits(hidden, attached.lm_head)[0]
    torch.testing.assert_close(logits, full[:, ids], atol=1e-5, rtol=1e-5)
    wide = attached.vocab.widen(logits)
    assert wide.shape == (2, V) and torch.isinf(wide[:, 1]).all()
    assert attached.vocab.top(logits, 1)[0] == [[int(ids[row.argmax()])] for row in full[:, ids]]


def test_saved_heads_have_the_published_keys(tmp_path):
    tensors = published(3, 1, own=False)
    heads = read_medusa(open_heads(write(tmp_path, tensors), STEMS))
    save_medusa(heads, tmp_path / "new", base_model_name_or_path="tiny")
    file = open_heads(tmp_path / "new", STEMS)
    assert file.shapes == {key: tuple(value.shape) for key, value in tensors.items()}
    assert file.config["medusa_num_heads"] == 3
    assert file.config["base_model_name_or_path"] == "tiny"
    bf16 = {key: value.bfloat16() for key, value in tensors.items()}
    assert_is_the_papers(read_medusa(file), bf16)


def broken(change):
    tensors = published(3, 2)
    change(tensors)
    return tensors


def drop(key):
    return lambda tensors: tensors.pop(key)


def put(key, value):
    return lambda tensors: tensors.__setitem__(key, value)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (drop("1.0.linear.bias"), "missing: 1.0.linear.bias"),
        (drop("2.2.weight"), "missing: 2.2.weight"),
        (put("3.weight", torch.ones(2)), "not known: 3.weight"),
        (put("1.2.bias", torch.ones(V)), "not known: 1.2.bias"),
        (put("3.2.bias", torch.ones(V)), r"\(not known: 3.2.bias\)"),
        (put("3.0.weight", torch.ones(V)), r"\(not known: 3.0.weight\)"),
        (put("0.1.linear.weight", torch.ones(H, 7)), r"0.1.linear.weight: expected \[32, 32\]"),
        (put("2.1.linear.bias", torch.full((H,), torch.nan)), "2.1.linear.bias: holds values"),
        (put("2.2.weight", torch.full((V, H), torch.inf)), "2.2.weight: holds values"),
        (
            put("0.0.linear.bias", torch.ones(H, dtype=torch.int8)),
            "0.0.linear.bias: holds int8, not float64",
        ),
        (put("token_map", torch.ones(4)), "token_map: holds float32, not int64 or"),
        (put("4000.0.linear.weight", torch.ones(1)), "holds 4001 heads"),
        (lambda tensors: tensors.clear(), "no Medusa heads"),
        (put("0.0.linear.weight", torch.tensor(1.0)), "0.0.linear.weight"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path, change, reason):
    folder = write(tmp_path, broken(change), "medusa_lm_head.pt")
    with pytest.raises(HeadError, match=reason):
        read_medusa(open_heads(folder, STEMS))


@pytest.mark.parametrize("num_layers", [1, 2])
@pytest.mark.parametrize("own", [True, False])
def test_of_a_file_that_lacks_any_one_key_that_key_alone_is_named(tmp_path, num_layers, own):
    """Also where it is the one that would have given a shape or a number of heads."""
    whole = published(2, num_layers, own=own)
    for key in whole:
        rest = {name: value for name, value in whole.items() if name != key}
        with pytest.raises(HeadError) as caught:
            read_medusa(open_heads(write(tmp_path, rest), STEMS))
        assert str(caught.value).endswith(f"does not fit (missing: {key})")


def test_heads_whose_blocks_have_no_weights_at_all_are_none(tmp_path):
    rest = {key: value for key, value in published().items() if "linear.weight" not in key}
    with pytest.raises(HeadError, match=r"no Medusa heads: 0\.0\.linear\.weight is missing"):
        read_medusa(open_heads(write(tmp_path, rest), STEMS))


@pytest.mark.parametrize(
    ("tensors", "vocab", "reason"),
    [
        (published(), V + 1, "heads for 20 tokens, this target's vocabulary is 21"),
        (published(), V - 1, "heads for 20 tokens, this target's vocabulary is 19"),
        (published(own=False) | {"token_map": torch.tensor([1, 99])}, V, "row 1: names token 99"),
        (published(own=False) | {"token_map": torch.tensor([1, 1])}, V, "names a token twice"),
    ],
)
def test_heads_for_another_vocabulary_are_refused(tmp_path, tensors, vocab, reason):
    heads = read_medusa(open_heads(write(tmp_path, tensors), STEMS))
    with pytest.raises(HeadError, match=reason):
        attach_guessing(heads, tiny_llama(vocab, 0), packed=False)


@pytest.mark.parametrize("key", ["lm_heads.0.weight", "lm_head.weight"])
def test_one_output_layer_may_serve_all_heads(tmp_path, key):
    """As vLLM writes it with ``original_lm_head``; one copy of it is kept."""
    tensors, rows = published(own=False), torch.randn(V, H)
    file = write(tmp_path, tensors | {key: rows}, original_lm_head=True)
    heads = read_medusa(open_heads(file, STEMS))
    assert_is_the_papers(heads, tensors | {f"{head}.1.weight": rows for head in range(3)})
    assert heads[0][1].weight is heads[2][1].weight


@pytest.mark.parametrize("key", ["lm_heads.0.weight", "lm_head.weight"])
def test_one_output_layer_is_no_guess_of_ours(tmp_path, key):
    file = write(tmp_path, published(own=False) | {key: torch.randn(V, H)})
    with pytest.raises(HeadError, match="lm_head|missing: 1.1.weight"):
        read_medusa(open_heads(file, STEMS))


def test_two_keys_that_mean_one_weight_are_refused(tmp_path):
    file = write(tmp_path, published() | {"lm_heads.0.weight": torch.randn(V, H)})
    with pytest.raises(HeadError, match=r"0.1.weight twice: as 0.1.weight and as lm_heads.0"):
        read_medusa(open_heads(file, STEMS))


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("packed", [False, True])
def test_of_own_rows_for_every_token_those_of_the_token_map_are_kept(tmp_path, shared, packed):
    """As vLLM does it when it loads; a layer that serves all heads still does."""
    ids = torch.tensor([9, 1, 4])
    tensors = published(own=not shared) | {"token_map": ids}
    tensors |= {"lm_head.weight": torch.randn(V, H)} if shared else {}
    heads = read_medusa(open_heads(write(tmp_path, tensors, original_lm_head=shared), STEMS))
    assert shared is (heads[0][1].weight is heads[2][1].weight)
    hidden = torch.ones(1, 3, H)
    full = heads.logits(hidden, None)
    attached = attach_guessing(heads, tiny_llama(V, 0), packed=packed)
    logits = heads.logits(hidden, attached.lm_head)
    torch.testing.assert_close(logits, full[..., ids], atol=1e-5, rtol=1e-5)
    assert attached.vocab.top(logits[0], 1)[0][0] == [int(ids[logits[0, 0].argmax()])]


def test_rows_that_the_token_map_does_not_name_are_counted(tmp_path):
    tensors = published() | {"token_map": torch.tensor([1, 4, 9])}
    heads = read_medusa(open_heads(write(tmp_path, tensors), STEMS))
    with pytest.raises(HeadError, match="the heads have 20 rows, and token_map names 3"):
        attach_guessing(heads, tiny_llama(V + 1, 0))
    tensors["token_map"][1] = V
    heads = read_medusa(open_heads(write(tmp_path, tensors), STEMS))
    with pytest.raises(HeadError, match=r"token_map, row 1: names token 20"):
        attach_guessing(heads, tiny_llama(V, 0))
