"""EAGLE-3 files: the authors' layout, the servers' variants, and what is wrong with bad ones."""

import json

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from engine.heads.attach_feature_head import attach_feature_head
from engine.heads.checkpoint import HeadError
from engine.heads.eagle3_file import load_eagle3, save_eagle3
from engine.heads.find import SHIPPED
from engine.packed import pack_parts
from tests.engine.heads import eagle_paper as paper
from tests.engine.heads.test_eagle_files import CONFIG, HEADS, INNER, KV, H, V, write
from tests.fakes import tiny_llama

IDS = torch.tensor([0, 2, 3, 7, 11, 19])  # the draft vocabulary
VD, HT = len(IDS), 12
TOLD = CONFIG | {"draft_vocab_size": VD}


def published(seed=0, target=H, words=False, states=3) -> dict[str, torch.Tensor]:
    """Random weights under the authors' names, with both tables of the draft vocabulary."""
    rng = torch.Generator().manual_seed(seed)

    def draw(*shape):
        return torch.randn(shape, generator=rng) * 0.3

    kv = H // HEADS * KV
    tensors = {
        "d2t": IDS - torch.arange(VD),
        "t2d": torch.isin(torch.arange(V), IDS),
        "fc.weight": draw(H, states * target),
        "midlayer.self_attn.q_proj.weight": draw(H, 2 * H),
        "midlayer.self_attn.k_proj.weight": draw(kv, 2 * H),
        "midlayer.self_attn.v_proj.weight": draw(kv, 2 * H),
        "midlayer.self_attn.o_proj.weight": draw(H, H),
        "midlayer.mlp.gate_proj.weight": draw(INNER, H),
        "midlayer.mlp.up_proj.weight": draw(INNER, H),
        "midlayer.mlp.down_proj.weight": draw(H, INNER),
        "midlayer.hidden_norm.weight": 1 + draw(H),
        "midlayer.input_layernorm.weight": 1 + draw(H),
        "midlayer.post_attention_layernorm.weight": 1 + draw(H),
        "norm.weight": 1 + draw(H),
        "lm_head.weight": draw(VD, H),
    }
    return tensors | ({"embed_tokens.weight": draw(V, H)} if words else {})


def answers(head, target=H, count=7):
    """Random states [T, S Ht] and words [T, H]; the head's states and logits of them."""
    rng = torch.Generator().manual_seed(5)
    states = torch.randn(count, head.num_states * target, generator=rng)
    words = torch.randn(count, H, generator=rng)
    with torch.no_grad():
        hidden = head(head.fuse(states[None]), words[None], torch.arange(count)[None])
        logits = head.lm_head(head.to_head(hidden))
    return states.double(), words.double(), hidden[0].double(), logits[0].double()


def expected(weights, states, words, fused=None):
    """States a [T, H] and logits [T, Vd] by the paper."""
    fused = paper.linear(weights, "fc", states) if fused is None else fused
    hidden = paper.eagle3(weights, fused, words, HEADS, KV, theta=500.0, eps=1e-5)
    return hidden, speak(weights, hidden)


def speak(weights, hidden):
    return paper.linear(weights, "lm_head", paper.normed(hidden, weights["norm.weight"], 1e-5))


def assert_is_the_papers(head, weights, target=H):
    states, words, *found = answers(head, target)
    for told, right in zip(found, expected(weights, states, words), strict=True):
        torch.testing.assert_close(told, right, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("words", [True, False])
def test_the_authors_layout_is_the_papers_formula(tmp_path, words):
    weights = published(words=words)
    head = load_eagle3(write(tmp_path, weights, TOLD))
    assert_is_the_papers(head, weights)
    assert head.draft_ids.tolist() == IDS.tolist()
    assert (head.embed_tokens is not None) == words
    assert head.tapped(30) == (2, 15, 27)


def test_a_target_of_another_size(tmp_path):
    """As for Llama-3.3-70B: own embeddings, narrower than the target's states."""
    weights = published(target=HT, words=True)
    head = load_eagle3(write(tmp_path, weights, TOLD | {"target_hidden_size": HT}))
    assert_is_the_papers(head, weights, HT)
    assert head.target_size == HT


def test_without_tables_the_vocabulary_is_the_targets(tmp_path):
    weights = {k: t for k, t in published().items() if k not in ("d2t", "t2d")}
    weights["lm_head.weight"] = torch.randn(V, H)
    head = load_eagle3(write(tmp_path, weights, CONFIG))
    assert_is_the_papers(head, weights)
    assert head.draft_ids is None


def test_the_names_of_vllm_and_its_prefix_and_biases(tmp_path):
    weights = published()
    weights["fc.bias"] = torch.linspace(-1, 1, H)
    weights["midlayer.self_attn.q_proj.bias"] = torch.linspace(-1, 1, H)
    told = {f"model.{k.replace('midlayer.', 'layers.0.')}": t for k, t in weights.items()}
    told["lm_head.weight"] = told.pop("model.lm_head.weight")
    config = {
        "speculators_model_type": "eagle3",
        "draft_vocab_size": VD,
        "eagle_aux_hidden_state_layer_ids": [1, 2, 4],
        "transformer_layer_config": CONFIG,
    }
    head = load_eagle3(write(tmp_path, told, config))
    assert_is_the_papers(head, weights)
    assert head.tapped(30) == (1, 2, 4)


NORMS = {
    f"midlayer.self_attn.{name}_norm.weight": torch.linspace(start, 2, H // HEADS)
    for name, start in (("q", 0.5), ("k", 1.5))
}


@pytest.mark.parametrize("packed", [False, True])
def test_a_layer_of_qwen3_norms_its_queries_and_keys(tmp_path, packed):
    """vLLM's Eagle3Qwen3ForCausalLM, which speculators trains."""
    weights = published() | NORMS
    told = {k.replace("midlayer.", "layers.0."): t for k, t in weights.items()}
    config = {"speculators_model_type": "eagle3", "transformer_layer_config": CONFIG}
    head = load_eagle3(write(tmp_path, told, config))
    if packed:
        pack_parts(head)
    assert_is_the_papers(head, weights)


def test_a_layer_of_qwen3_is_saved_and_read_again(tmp_path):
    rounded = {k: t.bfloat16().float() for k, t in NORMS.items()}
    head = load_eagle3(write(tmp_path, published() | rounded, TOLD))
    save_eagle3(head, tmp_path / "saved")
    again = load_eagle3(tmp_path / "saved").state_dict()
    assert all(torch.equal(again[key], norm) for key, norm in rounded.items())


def test_of_the_two_norms_of_qwen3_none_may_lack(tmp_path):
    first, second = NORMS
    with pytest.raises(HeadError, match=f"missing: {second}"):
        load_eagle3(write(tmp_path, published() | {first: NORMS[first]}, TOLD))


def test_layers_inside_the_eagle_config_are_counted_by_their_outputs(tmp_path):
    """NVIDIA and SGLang number layers, vLLM the states before them: one apart."""
    config = TOLD | {"eagle_config": {"eagle_aux_hidden_state_layer_ids": [1, 14, 26]}}
    assert load_eagle3(write(tmp_path, published(), config)).tapped(30) == (2, 15, 27)


def test_norm_before_residual_adds_to_the_normed_feature(tmp_path):
    weights = published()
    head = load_eagle3(write(tmp_path, weights, TOLD | {"norm_before_residual": True}))
    states, words, hidden, logits = answers(head)
    fused = paper.linear(weights, "fc", states)
    read = [
        paper.normed(words, weights["midlayer.input_layernorm.weight"], 1e-5),
        paper.normed(fused, weights["midlayer.hidden_norm.weight"], 1e-5),
    ]
    right = paper.layer(
        weights, "midlayer.", torch.cat(read, -1), read[1], HEADS, KV, theta=500.0, eps=1e-5
    )
    torch.testing.assert_close(hidden, right, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(logits, speak(weights, right), atol=1e-5, rtol=1e-5)


def test_norms_before_fc_one_by_one_or_over_all(tmp_path):
    """EAGLE-3.1's three, and the one over all of NVIDIA's heads."""
    scales = torch.linspace(0.5, 2, 3 * H)
    for parts in (3, 1):
        weights = published()
        keys = [f"fc_norm.{i}.weight" for i in range(3)] if parts == 3 else ["input_norm.weight"]
        told = weights | dict(zip(keys, map(torch.clone, scales.chunk(parts)), strict=True))
        head = load_eagle3(write(tmp_path, told, TOLD))
        states, words, hidden, _ = answers(head)
        pairs = zip(states.chunk(parts, -1), scales.chunk(parts), strict=True)
        normed = torch.cat([paper.normed(part, scale, 1e-5) for part, scale in pairs], -1)
        right, _ = expected(weights, normed, words)
        torch.testing.assert_close(hidden, right, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("taps", [[5], [1, 4], [2, 3, 6, 9], [0, 2, 4, 6, 8, 9]])
@pytest.mark.parametrize("is_normed", [False, True])
def test_as_many_states_are_fused_as_the_config_names(tmp_path, taps, is_normed):
    """speculators' heads have one norm for each."""
    weights = published(states=len(taps))
    scales = torch.linspace(0.5, 2, len(taps) * H)
    keys = [f"fc_norm.{state}.weight" for state in range(len(taps))]
    norms = dict(zip(keys, map(torch.clone, scales.chunk(len(taps))), strict=True))
    told = weights | (norms if is_normed else {})
    config = TOLD | {"eagle_aux_hidden_state_layer_ids": taps}
    head = load_eagle3(write(tmp_path, told, config))
    assert head.tapped(30) == tuple(taps)
    states, words, hidden, _ = answers(head)
    parts = states.chunk(len(taps), -1)
    if is_normed:
        parts = [
            paper.normed(part, norms[key], 1e-5) for part, key in zip(parts, keys, strict=True)
        ]
    right, _ = expected(weights, torch.cat(list(parts), -1), words)
    torch.testing.assert_close(hidden, right, atol=1e-5, rtol=1e-5)
    save_eagle3(head, tmp_path / "saved")
    assert load_eagle3(tmp_path / "saved").fc.in_features == len(taps) * H


def test_states_that_the_config_does_not_name_are_what_is_wrong(tmp_path):
    target = LlamaForCausalLM(LlamaConfig(**CONFIG))
    for name in ("six", "told", "four", "normed"):
        (tmp_path / name).mkdir()
    six = write(tmp_path / "six", published(states=6), TOLD)
    with pytest.raises(HeadError, match="or they fuse 6 states, and their config names 3$"):
        attach_feature_head(load_eagle3(six), target)
    told = write(tmp_path / "told", published(states=6), TOLD | {"target_hidden_size": H})
    with pytest.raises(HeadError, match="target_hidden_size is 16; eagle_aux.* is not there to"):
        load_eagle3(told)
    four = write(tmp_path / "four", published(states=4), TOLD)
    with pytest.raises(
        HeadError, match=r"found \[16, 64\]; eagle_aux.* is not there to say of how"
    ):
        load_eagle3(four)
    norms = {f"fc_norm.{state}.weight": torch.ones(H) for state in range(4)}
    normed = write(tmp_path / "normed", published(states=4) | norms, TOLD)
    with pytest.raises(HeadError, match="norms 4 states, and eagle_aux.* does not name as many"):
        load_eagle3(normed)


def test_norm_output_feeds_the_normed_state_back(tmp_path):
    weights = published()
    head = load_eagle3(write(tmp_path, weights, TOLD | {"norm_output": True}))
    states, words, hidden, logits = answers(head)
    right, spoken = expected(weights, states, words)
    normed = paper.normed(right, weights["norm.weight"], 1e-5)
    torch.testing.assert_close(hidden, normed, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(logits, spoken, atol=1e-5, rtol=1e-5)


def test_what_is_saved_is_read_again(tmp_path):
    weights = {
        k: t.bfloat16().float() if t.is_floating_point() else t
        for k, t in published(target=HT, words=True).items()
    }
    config = TOLD | {"norm_output": True, "eagle_aux_hidden_state_layer_ids": [1, 2, 3]}
    head = load_eagle3(write(tmp_path, weights, config))
    save_eagle3(head, tmp_path / "saved")
    again = load_eagle3(tmp_path / "saved")
    for one, two in zip(answers(head, HT), answers(again, HT), strict=True):
        assert torch.equal(one, two)
    assert again.tapped(9) == (1, 2, 3)
    told = json.loads((tmp_path / "saved" / "config.json").read_text())
    assert told["draft_vocab_size"] == VD and told["target_hidden_size"] == HT


BAD = {
    "missing: midlayer.hidden_norm.weight": ("midlayer.hidden_norm.weight", None),
    "missing: fc.weight": ("fc.weight", None),
    "not known: midlayer.norm.weight": ("midlayer.norm.weight", torch.ones(H)),
    "fc.weight: expected [16, 3 x hidden size]": ("fc.weight", torch.ones(H, 47)),
    "expected [16, 32], found [16, 16]": ("midlayer.self_attn.q_proj.weight", torch.ones(H, H)),
    "d2t: expected [6], found [5]": ("d2t", torch.zeros(5, dtype=torch.long)),
    "d2t, row 5: names token 20": ("d2t", torch.tensor([0, 1, 1, 4, 7, 15])),
    "d2t, row 0: names token -1": ("d2t", torch.tensor([-1, 1, 1, 4, 7, 14])),
    "d2t names a token twice": ("d2t", torch.tensor([0, 1, 0, 4, 7, 14])),
    "t2d and d2t name different tokens": ("t2d", torch.ones(V, dtype=torch.bool)),
    "lm_head.weight has 6 rows, and no d2t": ("d2t", None),
    "not finite": ("norm.weight", torch.full((H,), torch.inf)),
}


@pytest.mark.parametrize("reason", BAD)
def test_a_file_that_does_not_fit_is_refused_with_its_key(tmp_path, reason):
    key, tensor = BAD[reason]
    weights = {k: t for k, t in published().items() if k != key}
    with pytest.raises(HeadError) as caught:
        load_eagle3(write(tmp_path, weights if tensor is None else {**weights, key: tensor}, TOLD))
    assert reason in str(caught.value)


@pytest.mark.parametrize("inner", [False, True])
@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("norm_before_fc", ["input_norm.weight"]),
        ("fc_norm", [f"fc_norm.{state}.weight" for state in range(3)]),
    ],
)
def test_norms_that_the_config_promises_must_be_there(tmp_path, name, keys, inner):
    """NVIDIA's heads say so inside ``eagle_config``."""
    config = TOLD | ({"eagle_config": {name: True}} if inner else {name: True})
    norms = {key: torch.ones(3 * H // len(keys)) for key in keys}
    assert load_eagle3(write(tmp_path, published() | norms, config)).keys.issuperset(keys)
    for lacking in (keys, keys[-1:]):
        told = {key: norm for key, norm in norms.items() if key not in lacking}
        with pytest.raises(HeadError) as caught:
            load_eagle3(write(tmp_path, published() | told, config))
        assert str(caught.value).endswith(f"(missing: {', '.join(lacking)})")


def test_of_three_norms_none_may_lack(tmp_path):
    told = published() | {"fc_norm.0.weight": torch.ones(H), "fc_norm.2.weight": torch.ones(H)}
    with pytest.raises(HeadError, match=r"\(missing: fc_norm.1.weight\)"):
        load_eagle3(write(tmp_path, told, TOLD))


def test_a_draft_vocabulary_without_its_head_says_that_the_targets_is_meant(tmp_path):
    weights = {key: t for key, t in published().items() if key != "lm_head.weight"}
    with pytest.raises(HeadError, match=r"\(missing: lm_head.weight\)"):
        load_eagle3(write(tmp_path, weights, TOLD))
    head = load_eagle3(write(tmp_path, weights, TOLD | {"target_lm_head": True}))
    assert head.lm_head is None and head.draft_ids.tolist() == IDS.tolist()
    save_eagle3(head, tmp_path / "saved")
    assert load_eagle3(tmp_path / "saved").lm_head is None


def test_a_saved_head_of_its_own_is_not_said_to_be_the_targets(tmp_path):
    save_eagle3(load_eagle3(write(tmp_path, published(), TOLD)), tmp_path / "saved")
    assert "target_lm_head" not in json.loads((tmp_path / "saved" / "config.json").read_text())


def test_the_shipped_head_says_that_the_targets_is_meant():
    config = json.loads((SHIPPED / "eagle3" / "config.json").read_text())
    assert config["target_lm_head"] is True
    assert load_eagle3(SHIPPED / "eagle3").lm_head is None


BAD_CONFIGS = {
    "fc.weight reads states of 16, target_hidden_size is 12": {"target_hidden_size": HT},
    "config.json needs a size target_hidden_size, got '16'": {"target_hidden_size": "16"},
    "layer_types says 'sliding_attention'": {"layer_types": ["sliding_attention"]},
    "fc_norm must be true or false, got 1": {"fc_norm": 1},
}


@pytest.mark.parametrize("reason", BAD_CONFIGS)
def test_a_config_that_says_otherwise_is_refused(tmp_path, reason):
    with pytest.raises(HeadError) as caught:
        load_eagle3(write(tmp_path, published(), TOLD | BAD_CONFIGS[reason]))
    assert reason in str(caught.value)


def test_the_size_that_the_config_names_serves_where_fc_lacks(tmp_path):
    """The norms before it are right, and are not blamed."""
    told = published() | {f"fc_norm.{state}.weight": torch.ones(HT) for state in range(3)}
    del told["fc.weight"]
    with pytest.raises(HeadError, match=r"does not fit \(missing: fc.weight\)"):
        load_eagle3(write(tmp_path, told, TOLD | {"target_hidden_size": HT}))


def tied_home(folder, words=None, size=H, **told):
    """A head with embeddings, no output layer and no tables, whose config ties the two."""
    lacking = ("d2t", "t2d", "lm_head.weight")
    weights = {k: t for k, t in published(target=size, words=True).items() if k not in lacking}
    weights |= {} if words is None else {"embed_tokens.weight": words}
    return write(folder, weights, CONFIG | {"tie_word_embeddings": True} | told)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("size", [H, 32])
def test_tied_embeddings_are_the_heads_output_layer(tmp_path, packed, size):
    """As in SGLang; the target may be wider than the head."""
    target = tiny_llama(V, 0) if size == 32 else LlamaForCausalLM(LlamaConfig(**CONFIG))
    head = load_eagle3(tied_home(tmp_path, size=size))
    words = head.embed_tokens.weight.detach().clone()
    attached = attach_feature_head(head, target, packed=packed)
    rows = torch.randn(3, H)
    torch.testing.assert_close(attached.lm_head(rows), rows @ words.T, atol=1e-5, rtol=1e-5)
    assert torch.equal(attached.embed(torch.arange(V)), words)


@pytest.mark.parametrize("is_tied", [False, True])
def test_tied_embeddings_that_are_the_targets_speak_as_they_do(tmp_path, is_tied):
    """By the target's own head where that is tied too: else it is another matrix."""
    target = LlamaForCausalLM(LlamaConfig(**CONFIG | {"tie_word_embeddings": is_tied}))
    words = target.get_input_embeddings().weight.detach().clone()
    attached = attach_feature_head(load_eagle3(tied_home(tmp_path, words)), target, packed=False)
    assert attached.embed is target.get_input_embeddings()
    assert (attached.lm_head is target.get_output_embeddings()) == is_tied
    rows = torch.randn(3, H)
    torch.testing.assert_close(attached.lm_head(rows), rows @ words.T, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    "told", [{"tie_word_embeddings": False}, {"target_lm_head": True}], ids=["untied", "targets"]
)
def test_embeddings_that_are_not_tied_speak_for_nobody(tmp_path, told):
    assert load_eagle3(tied_home(tmp_path, **told)).lm_head is None


def test_a_tied_head_is_saved_with_an_output_layer_of_its_own(tmp_path):
    head = load_eagle3(tied_home(tmp_path))
    save_eagle3(head, tmp_path / "saved")
    again = load_eagle3(tmp_path / "saved")
    assert torch.equal(again.lm_head.weight, head.lm_head.weight.bfloat16())


@pytest.mark.parametrize("inner", [False, True])
@pytest.mark.parametrize("value", ["false", 1, [True]])
def test_a_flag_that_is_no_yes_or_no_is_refused(tmp_path, value, inner):
    told = {"norm_before_residual": value}
    config = TOLD | ({"eagle_config": told} if inner else told)
    with pytest.raises(HeadError, match="norm_before_residual must be true or false, got "):
        load_eagle3(write(tmp_path, published(), config))


@pytest.mark.parametrize("taps", ["x", [1, 2, -3], [1, 2, 3.5], {"a": 1}, [1] * 1000])
def test_taps_that_are_no_layers_are_refused(tmp_path, taps):
    config = TOLD | {"eagle_aux_hidden_state_layer_ids": taps}
    with pytest.raises(HeadError, match="eagle_aux_hidden_state_layer_ids"):
        load_eagle3(write(tmp_path, published(), config))
