"""Published Hydra and Hydra++ files, built from the authors' key tables, against the paper."""

import json

import pytest
import torch
from safetensors.torch import save_file
from transformers import GPT2Config

from engine.heads.attach_guessing import attach_guessing
from engine.heads.checkpoint import HeadError, open_heads
from engine.heads.hydra_file import STEMS, read_hydra, save_hydra
from tests.engine.heads import hydra_paper as paper
from tests.fakes import tiny_llama

H, V, INNER, HEADS, KV = 32, 20, 48, 4, 2
PREFIX = "prefix_embeding_layer."


def published(num_heads=3, num_layers=1, *, grounded=True, prefix=False, own=True, words=True):
    """Random weights under the authors' names, their shifted numbers and their misspelling."""
    rng = torch.Generator().manual_seed(num_heads * 10 + num_layers)

    def draw(*shape):
        return torch.randn(shape, generator=rng) * 0.2

    tensors = {"input_embed_fn.weight": draw(V, H)} if words else {}
    for head in range(num_heads):
        for place in range(num_layers):
            number = 2 * place + 1 if prefix else place
            narrows = grounded and place == 0
            inputs = (head + 2) * H if narrows else H
            for name in ("linear", *(("res_connection",) if narrows else ())):
                key = f"hydra_mlp.{head}.{number}.{name}"
                tensors[key + ".weight"], tensors[key + ".bias"] = draw(H, inputs), draw(H)
        if own:
            key = f"hydra_lm_head.{head}{'.1' if prefix else ''}"
            tensors[key + ".weight"], tensors[key + ".bias"] = draw(V, H), draw(V)
    if prefix:
        kv = H // HEADS * KV
        shapes = {f"self_attn.{n}_proj": (m, H) for n, m in (("q", H), ("k", kv), ("v", kv))}
        shapes |= {"self_attn.o_proj": (H, H), "mlp.down_proj": (H, INNER)}
        shapes |= {"mlp.gate_proj": (INNER, H), "mlp.up_proj": (INNER, H)}
        layer = {f"layers.0.{name}.weight": draw(*shape) for name, shape in shapes.items()}
        for name in ("input_layernorm", "post_attention_layernorm"):
            layer[f"layers.0.{name}.weight"] = 1 + draw(H)
        layer |= {"norm.weight": 1 + draw(H), "embed_tokens.weight": draw(V, H)}
        tensors |= {PREFIX + key: value for key, value in layer.items()}
    return tensors


def write(folder, tensors, name="hydra_lm_head.pt", **config):
    """A heads folder as somebody would have published it."""
    (folder / "config.json").write_text(json.dumps(config))
    (save_file if name.endswith("safetensors") else torch.save)(tensors, folder / name)
    return folder


def load(folder):
    return read_hydra(open_heads(folder, STEMS), tiny_llama(V, 4).config)


def assert_is_the_papers(heads, tensors, grounded=True, num_layers=1, packed=False):
    """Every head at every place, teacher-forced on random words."""
    target = tiny_llama(V, 4)
    attached = attach_guessing(heads, target, packed=packed)
    ids = torch.tensor([3, 1, 0, 7, 7, 19, 2, 5, 11])
    rows = len(ids) - heads.num_heads
    states = torch.randn(rows, H, generator=torch.Generator().manual_seed(9))
    words = attached.embed(ids[1:])  # row t is the token behind state t
    with torch.no_grad():
        hidden = heads(states[None], words[None])[0]
    has_prefix = any(key.startswith(PREFIX) for key in tensors)
    read = states.double()
    if has_prefix:
        read = paper.prefix(tensors, read, HEADS, KV, 10000.0, 1e-6)
    numbers = [2 * place + 1 if has_prefix else place for place in range(num_layers)]
    table = tensors.get("input_embed_fn.weight", target.model.embed_tokens.weight).double()
    for head in range(heads.num_heads):
        logits = heads.logits(head, hidden[:, head], attached.lm_head)
        output = f"hydra_lm_head.{head}{'.1' if has_prefix else ''}"
        for t in range(rows):
            known = [table[ids[t + 1 + step]] for step in range(head + 1)] if grounded else []
            x = torch.cat([read[t], *known])
            expected = paper.head(tensors, head, numbers, x, target.lm_head.weight, output)
            torch.testing.assert_close(logits[t].detach().double(), expected, atol=5e-5, rtol=1e-4)


@pytest.mark.parametrize("prefix", [False, True])
@pytest.mark.parametrize("grounded", [True, False])
@pytest.mark.parametrize("num_layers", [1, 4])
def test_the_authors_layouts_are_the_papers_formula(tmp_path, prefix, grounded, num_layers):
    tensors = published(3, num_layers, grounded=grounded, prefix=prefix)
    arch = "prefix-mlp" if prefix else "mlp"
    heads = load(write(tmp_path, tensors, hydra_head_arch=arch, grounded_heads=grounded))
    assert (heads.num_heads, heads.num_layers, heads.grounded) == (3, num_layers, grounded)
    assert_is_the_papers(heads, tensors, grounded, num_layers)


@pytest.mark.parametrize("prefix", [False, True])
def test_whether_heads_are_grounded_is_told_by_the_file_not_by_its_config(tmp_path, prefix):
    """The config's default is no, and a lenient loader would build heads without words."""
    tensors = published(2, prefix=prefix)
    assert load(write(tmp_path, tensors, hydra_num_heads=7)).grounded
    assert not load(write(tmp_path, published(2, grounded=False, prefix=prefix))).grounded


@pytest.mark.parametrize("prefix", [False, True])
def test_heads_that_share_the_targets_words_and_output_layer(tmp_path, prefix):
    tensors = published(3, 2, prefix=prefix, own=False, words=False)
    heads = load(write(tmp_path, tensors, "model.safetensors"))
    assert_is_the_papers(heads, tensors, num_layers=2)
    again = load(write(tmp_path, tensors, "model.safetensors"))
    assert_is_the_papers(again, tensors, num_layers=2, packed=True)


def test_a_rotary_buffer_that_older_libraries_wrote_is_ignored(tmp_path):
    tensors = published(2, prefix=True)
    key = PREFIX + "layers.0.self_attn.rotary_emb.inv_freq"
    heads = load(write(tmp_path, tensors | {key: torch.ones(4)}))
    assert_is_the_papers(heads, tensors)


@pytest.mark.parametrize("prefix", [False, True])
def test_saved_heads_have_the_published_keys(tmp_path, prefix):
    tensors = published(3, 2, prefix=prefix)
    tensors.pop(PREFIX + "embed_tokens.weight", None)
    heads = load(write(tmp_path, tensors))
    save_hydra(heads, tmp_path / "new")
    file = open_heads(tmp_path / "new", STEMS)
    assert file.shapes == {key: tuple(value.shape) for key, value in tensors.items()}
    assert file.config["grounded_heads"] is True
    assert file.config["hydra_head_arch"] == ("prefix-mlp" if prefix else "mlp")
    bf16 = {key: value.bfloat16() for key, value in tensors.items()}
    # its own config says how the prefix layer is made: that of a target of another kind is not used
    other = tiny_llama(V, 4).config
    other.num_attention_heads = other.num_key_value_heads = 1
    assert_is_the_papers(read_hydra(file, other), bf16, num_layers=2)


def test_an_offset_says_which_state_is_read(tmp_path):
    heads = load(write(tmp_path, published(2), hidden_state_offset=1))
    assert attach_guessing(heads, tiny_llama(V, 4), packed=False).taps == (1,)  # of two layers
    heads = load(write(tmp_path, published(2), hidden_state_offset=3))
    with pytest.raises(HeadError, match="before this target's first"):
        attach_guessing(heads, tiny_llama(V, 4), packed=False)


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("hydra_mlp.1.1.linear.bias", None, "missing: hydra_mlp.1.1.linear.bias"),
        ("hydra_lm_head.2.1.bias", None, "missing: hydra_lm_head.2.1.bias"),
        (PREFIX + "norm.weight", None, "missing: prefix_embeding_layer.norm.weight"),
        (PREFIX + "layers.1.mlp.up_proj.weight", (2, 2), "not known: prefix_embeding_layer.lay"),
        (PREFIX + "layers.0.self_attn.k_proj.weight", (H, H), r"k_proj.weight: expected \[16, 32"),
        (
            "hydra_mlp.0.3.linear.weight",
            (H, H),
            "missing: hydra_mlp.0.3.linear.bias, hydra_mlp.1.3",
        ),
        ("hydra_mlp.2.1.linear.weight", (H, 3 * H), r"expected \[32, 128\], found \[32, 96\]"),
        ("hydra_mlp.0.1.linear.weight", (H,), "expected 2 dimensions"),
        ("fc.weight", (H, 2 * H), "not known: fc.weight"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path, key, value, reason):
    tensors = published(3, prefix=True)
    tensors.pop(key, None)
    if value is not None:
        tensors[key] = torch.ones(value)
    with pytest.raises(HeadError, match=reason):
        load(write(tmp_path, tensors))


@pytest.mark.parametrize("prefix", [False, True])
@pytest.mark.parametrize("grounded", [False, True])
@pytest.mark.parametrize("num_layers", [1, 2])
def test_of_a_file_that_lacks_any_one_key_that_key_alone_is_named(
    tmp_path, prefix, grounded, num_layers
):
    """Also where it is the one that would have given a shape or a number of heads."""
    whole = published(2, num_layers, grounded=grounded, prefix=prefix, words=False)
    whole.pop(PREFIX + "embed_tokens.weight", None)  # nothing reads it
    for key in whole:
        rest = {name: value for name, value in whole.items() if name != key}
        with pytest.raises(HeadError) as caught:
            load(write(tmp_path, rest))
        assert str(caught.value).endswith(f"does not fit (missing: {key})")


def test_first_blocks_without_any_weight_are_named_as_the_file_has_them(tmp_path):
    tensors = published(2, 2, prefix=True)
    for head in range(2):
        del tensors[f"hydra_mlp.{head}.1.linear.weight"]
    with pytest.raises(HeadError, match=r"\(missing: hydra_mlp.0.1.linear.weight, hydra_mlp.1.1"):
        load(write(tmp_path, tensors))


def test_a_layer_that_one_head_lacks_is_not_taken_from_another_number(tmp_path):
    """Undoing the shift of the numbers makes 3 a 1, and there is a 1 already."""
    tensors = published(2, 2, grounded=False, prefix=True)
    for part in ("weight", "bias"):
        del tensors[f"hydra_mlp.1.3.linear.{part}"]
    with pytest.raises(HeadError, match="missing: hydra_mlp.1.3.linear.weight, hydra_mlp.1.3"):
        load(write(tmp_path, tensors))


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"hydra_head_arch": "eagle-attn"}, "hydra_head_arch 'eagle-attn' is not known"),
        ({"hidden_state_offset": -1}, "hidden_state_offset must be a small whole number"),
        ({"hidden_state_offset": "0"}, "hidden_state_offset must be a small whole number"),
    ],
)
def test_a_config_that_asks_for_something_else_is_refused(tmp_path, config, reason):
    with pytest.raises(HeadError, match=reason):
        load(write(tmp_path, published(), **config))


def test_heads_for_another_vocabulary_are_refused(tmp_path):
    heads = load(write(tmp_path, published()))
    with pytest.raises(HeadError, match="heads for 20 tokens, this target's vocabulary is 24"):
        attach_guessing(heads, tiny_llama(24, 0), packed=False)
    heads = load(write(tmp_path, published(own=False)))
    with pytest.raises(HeadError, match="heads for 20 tokens, this target's vocabulary is 24"):
        attach_guessing(heads, tiny_llama(24, 0), packed=False)


def test_a_block_that_stands_there_with_and_without_the_shift_is_refused(tmp_path):
    told = published(prefix=True, grounded=False)
    stray = {"hydra_mlp.0.0.linear.weight": torch.full_like(told["hydra_mlp.0.1.linear.weight"], 7)}
    with pytest.raises(HeadError, match=r"hydra_mlp.0.0.linear.weight twice"):
        load(write(tmp_path, told | stray))


def test_heads_with_a_prefix_layer_for_another_size_say_so(tmp_path):
    write(tmp_path, published(prefix=True))
    target = tiny_llama(V, 0).config
    target.hidden_size = 2 * H
    with pytest.raises(HeadError, match=f"heads for hidden size {H}, this target has {2 * H}"):
        read_hydra(open_heads(tmp_path, STEMS), target)


def gpt2():
    """A target of the heads' size that calls its sizes otherwise and has no Llama layer."""
    return GPT2Config(n_embd=H, n_head=HEADS, vocab_size=V)


def test_a_target_without_a_llama_layer_shapes_no_prefix_layer(tmp_path):
    write(tmp_path, published(prefix=True))
    reason = r"\(gpt2\) has no Llama layer .* neither it nor config.json tells intermediate_size$"
    with pytest.raises(HeadError, match=reason):
        read_hydra(open_heads(tmp_path, STEMS), gpt2())


@pytest.mark.parametrize("nested", [False, True])
def test_what_a_target_calls_otherwise_is_found_and_the_rest_may_be_the_files(tmp_path, nested):
    told = {"intermediate_size": INNER, "num_key_value_heads": KV}
    write(tmp_path, published(prefix=True), **({"model": told} if nested else told))
    config = read_hydra(open_heads(tmp_path, STEMS), gpt2()).prefix.config
    assert (config.hidden_size, config.num_attention_heads, config.vocab_size) == (H, HEADS, V)
    assert (config.intermediate_size, config.num_key_value_heads) == (INNER, KV)


LINEAR = {"rope_type": "linear", "factor": 2.0, "rope_theta": 7.0}


@pytest.mark.parametrize(
    ("told", "theta", "kind"),
    [
        ({}, 10000.0, "default"),
        ({"rope_theta": 500.0, "rope_scaling": None}, 500.0, "default"),
        (
            {"rope_parameters": {"rope_type": "linear", "factor": 2.0, "rope_theta": 7.0}},
            7,
            "linear",
        ),
    ],
)
def test_the_files_rotation_is_used_and_not_the_targets(tmp_path, told, theta, kind):
    write(tmp_path, published(prefix=True), **told)
    rope = load(tmp_path).prefix.config.rope_parameters
    assert (rope["rope_theta"], rope["rope_type"]) == (theta, kind)


def test_a_prefix_layer_that_sees_a_window_is_refused(tmp_path):
    write(tmp_path, published(prefix=True), layer_types=["sliding_attention"])
    with pytest.raises(HeadError, match="layer_types says 'sliding_attention'"):
        load(tmp_path)
