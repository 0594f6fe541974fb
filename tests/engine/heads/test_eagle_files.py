"""EAGLE-1 and EAGLE-2 files: every published layout, and what is wrong with bad ones."""

import json

import pytest
import torch
from safetensors.torch import save_file

from engine.heads.checkpoint import HeadError
from engine.heads.eagle_file import load_eagle, save_eagle
from tests.engine.heads import eagle_paper as paper

H, INNER, V, HEADS, KV = 16, 24, 20, 4, 2
CONFIG = {
    "hidden_size": H,
    "intermediate_size": INNER,
    "num_attention_heads": HEADS,
    "num_key_value_heads": KV,
    "num_hidden_layers": 1,
    "vocab_size": V,
    "rms_norm_eps": 1e-5,
    "rope_theta": 500.0,
}


def published(seed=0, bias=True, words=True) -> dict[str, torch.Tensor]:
    """Random weights under the authors' names."""
    rng = torch.Generator().manual_seed(seed)

    def draw(*shape):
        return torch.randn(shape, generator=rng) * 0.3

    kv = H // HEADS * KV
    tensors = {
        "fc.weight": draw(H, 2 * H),
        "layers.0.self_attn.q_proj.weight": draw(H, H),
        "layers.0.self_attn.k_proj.weight": draw(kv, H),
        "layers.0.self_attn.v_proj.weight": draw(kv, H),
        "layers.0.self_attn.o_proj.weight": draw(H, H),
        "layers.0.mlp.gate_proj.weight": draw(INNER, H),
        "layers.0.mlp.up_proj.weight": draw(INNER, H),
        "layers.0.mlp.down_proj.weight": draw(H, INNER),
        "layers.0.post_attention_layernorm.weight": 1 + draw(H),
    }
    if bias:
        tensors["fc.bias"] = draw(H)
    if words:
        tensors["embed_tokens.weight"] = draw(V, H)
    return tensors


def write(folder, tensors, config=CONFIG, name="model.safetensors"):
    """A heads file as somebody would have published it."""
    (folder / "config.json").write_text(json.dumps(config))
    if name.endswith(".safetensors"):
        save_file(tensors, folder / name)
    else:
        torch.save(tensors, folder / name)
    return folder


def answers(head, seed=5, count=7):
    """Random features and words [T, H], and what the head makes of them."""
    rng = torch.Generator().manual_seed(seed)
    features, words = torch.randn(2, count, H, generator=rng)
    with torch.no_grad():
        hidden = head(features[None], words[None], torch.arange(count)[None])[0]
    return features.double(), words.double(), hidden.double()


def assert_is_the_papers(head, weights):
    features, words, hidden = answers(head)
    expected = paper.eagle(weights, features, words, HEADS, KV, theta=500.0, eps=1e-5)
    torch.testing.assert_close(hidden, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("words", [True, False])
@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin"])
def test_the_authors_layout_is_the_papers_formula(tmp_path, bias, words, name):
    weights = published(bias=bias, words=words)
    head = load_eagle(write(tmp_path, weights, name=name))
    assert_is_the_papers(head, weights)
    assert (head.embed_tokens is not None) == words and head.lm_head is None
    if words:
        assert torch.equal(head.embed_tokens.weight, weights["embed_tokens.weight"])


def test_biases_of_the_projections_are_used(tmp_path):
    weights = published()
    for name, size in (("q", H), ("k", H // 2), ("v", H // 2)):
        weights[f"layers.0.self_attn.{name}_proj.bias"] = torch.linspace(-1, 1, size)
    assert_is_the_papers(load_eagle(write(tmp_path, weights)), weights)


def test_the_servers_prefix_and_their_norms_that_are_never_applied(tmp_path):
    """vLLM's conversion: a prefix, the target's head, dummies where its own layer has norms."""
    weights = published()
    told = {f"model.{key}": tensor for key, tensor in weights.items() if "fc" not in key}
    told |= {key: tensor for key, tensor in weights.items() if "fc" in key}
    told["lm_head.weight"] = torch.randn(V, H)
    told["model.layers.0.input_layernorm.weight"] = torch.ones(H)
    told["model.norm.weight"] = torch.ones(H)
    told["model.layers.0.self_attn.rotary_emb.inv_freq"] = torch.ones(2)
    head = load_eagle(write(tmp_path, told))
    assert_is_the_papers(head, weights)
    assert torch.equal(head.lm_head.weight, told["lm_head.weight"])


def test_the_names_of_speculators(tmp_path):
    weights = published()
    told = {
        key.replace("fc.", "fusion_fc.").replace("layers.0.", "transformer."): tensor
        for key, tensor in weights.items()
    }
    config = {"speculators_model_type": "eagle", "transformer_layer_config": CONFIG}
    assert_is_the_papers(load_eagle(write(tmp_path, told, config)), weights)


@pytest.mark.parametrize(
    "names", [("enorm", "hnorm"), ("embedding_layernorm", "hidden_states_layernorm")]
)
def test_norms_before_fc_are_applied(tmp_path, names):
    """HASS, as vLLM writes it."""
    weights = published()
    scales = torch.linspace(0.5, 2, H), torch.linspace(2, 0.5, H)
    told = weights | {f"{name}.weight": scale for name, scale in zip(names, scales, strict=True)}
    features, words, hidden = answers(load_eagle(write(tmp_path, told)))
    words, features = (
        paper.normed(x, scale, 1e-5) for x, scale in zip((words, features), scales, strict=True)
    )
    expected = paper.eagle(weights, features, words, HEADS, KV, theta=500.0, eps=1e-5)
    torch.testing.assert_close(hidden, expected, atol=1e-5, rtol=1e-5)


def test_a_shorter_vocabulary_is_named_by_its_token_map(tmp_path):
    ids = torch.tensor([1, 4, 9])
    told = published() | {"lm_head.weight": torch.randn(3, H), "token_map": ids}
    head = load_eagle(write(tmp_path, told))
    assert head.draft_ids.tolist() == [1, 4, 9] and head.lm_head.out_features == 3
    head = load_eagle(write(tmp_path, published() | {"token_map": ids}))
    assert head.draft_ids.tolist() == [1, 4, 9] and head.lm_head is None


def test_what_is_saved_is_read_again(tmp_path):
    torch.manual_seed(0)
    whole = {key: tensor.bfloat16().float() for key, tensor in published().items()}
    head = load_eagle(write(tmp_path, whole))
    save_eagle(head, tmp_path / "saved", note="tiny")
    again = load_eagle(tmp_path / "saved")
    assert_is_the_papers(again, whole)
    told = json.loads((tmp_path / "saved" / "config.json").read_text())
    assert told["note"] == "tiny" and told["rope_theta"] == 500.0


def change(weights, key, tensor):
    return {**weights, key: tensor}


BAD = {
    "missing: layers.0.mlp.up_proj.weight": lambda w: {
        k: t for k, t in w.items() if "up_proj" not in k
    },
    "not known: extra.weight": lambda w: change(w, "extra.weight", torch.ones(2)),
    "not known: layers.1.mlp.up_proj.weight": lambda w: change(
        w, "layers.1.mlp.up_proj.weight", torch.ones(2)
    ),
    "fc.weight: expected [16, 32], found [16, 31]": lambda w: change(
        w, "fc.weight", torch.ones(H, 2 * H - 1)
    ),
    "embed_tokens.weight: expected [20, 16], found [21, 16]": lambda w: change(
        w, "embed_tokens.weight", torch.ones(V + 1, H)
    ),
    "fc.bias: holds values that are not finite": lambda w: change(
        w, "fc.bias", torch.full((H,), torch.nan)
    ),
    "layers.0.input_layernorm.weight": lambda w: change(
        w, "layers.0.input_layernorm.weight", torch.full((H,), 0.5)
    ),
    "lm_head.weight has 3 rows": lambda w: change(w, "lm_head.weight", torch.ones(3, H)),
    "token_map, row 1: names token 20": lambda w: change(w, "token_map", torch.tensor([0, V])),
    "token_map names a token twice": lambda w: change(w, "token_map", torch.tensor([3, 3])),
    "fc.weight twice": lambda w: change(w, "model.fc.weight", torch.ones(H, 2 * H)),
}


@pytest.mark.parametrize("reason", BAD)
def test_a_file_that_does_not_fit_is_refused_with_its_key(tmp_path, reason):
    with pytest.raises(HeadError) as caught:
        load_eagle(write(tmp_path, BAD[reason](published())))
    assert reason in str(caught.value)


UNEVEN = {"rope_type": "longrope", "factor": 2.0, "original_max_position_embeddings": 64} | {
    f"{length}_factor": [1.0] * 3 for length in ("short", "long")
}
BAD_CONFIGS = {
    "layer_types says 'sliding_attention', and heads are run with full_attention": {
        "layer_types": ["sliding_attention"]
    },
    "bias must be true or false, got 'yes'": {"bias": "yes"},
    "hidden_size, got None": {"hidden_size": None},
    "hidden_size, got 'x'": {"hidden_size": "x"},
    "cannot share 3 key/value heads": {"num_key_value_heads": 3},
    "cannot be split into 3 heads": {"num_attention_heads": 3, "num_key_value_heads": 3},
    "describes no Llama layer": {"rope_scaling": {"rope_type": "unheard-of"}},
    "describes no Llama layer: Attempting to broadcast": {"rope_scaling": UNEVEN},
    "for field 'hidden_act': TypeError: Field 'hidden_act' expected str": {"hidden_act": 3},
    "describes no Llama layer: 'loud'": {"hidden_act": "loud"},
    "head_dim, got -4": {"head_dim": -4},
    "num_key_value_heads, got 2.0": {"num_key_value_heads": 2.0},
    "rms_norm_eps, got nan": {"rms_norm_eps": float("nan")},
    "rope_theta, got '9'": {"rope_theta": "9"},
    "hidden_size, got 16000000000": {"hidden_size": 16 * 10**9},
    "expected [16777216, 33554432]": {"hidden_size": 2**24},  # 2 PB: no memory is taken
}


@pytest.mark.parametrize("reason", BAD_CONFIGS)
def test_a_config_that_does_not_fit_is_refused_with_its_entry(tmp_path, reason):
    with pytest.raises(HeadError) as caught:
        load_eagle(write(tmp_path, published(), CONFIG | BAD_CONFIGS[reason]))
    assert reason in str(caught.value)


def test_a_bias_that_the_config_promises_must_be_there(tmp_path):
    with pytest.raises(HeadError, match=r"\(missing: fc.bias\)"):
        load_eagle(write(tmp_path, published(bias=False), CONFIG | {"bias": True}))
    weights = published()
    assert_is_the_papers(load_eagle(write(tmp_path, weights, CONFIG | {"bias": True})), weights)


def test_the_kinds_of_layers_behind_the_heads_own_do_not_matter(tmp_path):
    """As in a config that was copied from a target's."""
    config = CONFIG | {"layer_types": ["full_attention", "sliding_attention"]}
    assert_is_the_papers(load_eagle(write(tmp_path, published(), config)), published())


def test_the_layer_that_vllms_script_nests_is_found(tmp_path):
    weights = published()
    config = {"model_type": "eagle", "model": CONFIG}
    assert_is_the_papers(load_eagle(write(tmp_path, weights, config)), weights)


def test_rows_that_the_token_map_does_not_name_are_counted(tmp_path):
    told = published() | {"lm_head.weight": torch.randn(20, H), "token_map": torch.tensor([1, 4])}
    with pytest.raises(HeadError, match=r"lm_head.weight has 20 rows, and token_map is \[2\]"):
        load_eagle(write(tmp_path, told))
