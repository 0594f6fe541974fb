"""Draft models of other rows than the target's: they guess what both have, and texts stay."""

import json
from functools import cache
from pathlib import Path

import pytest
import torch
from transformers import GPTJConfig, GPTJForCausalLM, LlamaForCausalLM

from engine.attention.tree_attention import use_tree_attention
from engine.bundle import AVAILABLE, Bundle
from engine.config import DecodeConfig
from engine.decoding import Run, decode
from engine.device.drafters.draft import DeviceDraft
from engine.draft_rows import fit_rows, rows_vocab
from engine.models import load
from tests.engine.heads.test_guessing_law import PROCESSORS, TREE, VOCAB, Setting
from tests.engine.heads.test_guessing_law import PROMPT as LAW_PROMPT
from tests.engine.loops import assert_same, both
from tests.engine.test_models import save
from tests.fakes import text_of, tiny_bundle, tiny_llama

PROMPT = [3, 1, 4]
PADDINGS = [(40, 36), (36, 40), (33, 32)]  # rows of target and draft
DRAFTS = ("draft", "draft_tree")


def padded(folder: Path, rows: int, seed: int) -> Path:
    """A model of so many rows; its tokenizer has 32 words."""
    return save(tiny_llama(rows, seed), folder, 32)


def uneven(target: int = 40, draft: int = 36, favours: int | None = None) -> Bundle:
    """A bundle of random models of so many rows.

    Args:
        favours: a token that the target thinks of first now and then.
    """
    bundle = tiny_bundle(target, 4)
    if favours is not None:
        with torch.no_grad():
            bundle.target.lm_head.weight[favours] *= 3
    bundle.draft = tiny_llama(draft, 5)
    fit_rows(bundle.draft, target)
    return bundle


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize(("own", "other"), PADDINGS)
def test_models_of_the_same_words_draft_for_each_other_whatever_their_padding(
    tmp_path, own, other, packed
):
    home, draft = padded(tmp_path / "target", own, 0), padded(tmp_path / "draft", other, 1)
    bundle = load(home, draft=draft, packed=packed)
    plain = text_of(bundle, PROMPT, DecodeConfig(max_new_tokens=40))
    for method in DRAFTS:
        assert bundle.methods[method] == AVAILABLE
        run = Run(bundle.for_visitor(), PROMPT, DecodeConfig(method, 40, tree=6))
        rounds = list(run)
        assert run.generated == plain
        assert all(max(this.nodes.token[1:], default=0) < min(own, other) for this in rounds)


def test_a_word_at_an_id_beyond_both_models_rows_is_no_difference(tmp_path):
    home, draft = padded(tmp_path / "target", 32, 0), padded(tmp_path / "draft", 32, 1)
    for folder in (home, draft):
        file = folder / "tokenizer.json"
        before = file.read_text()
        told = json.loads(before)
        told["model"]["vocab"]["<pad>"] = 32
        file.write_text(json.dumps(told))
        assert load(home, draft=draft).methods["draft"] == AVAILABLE
        file.write_text(before)


@pytest.mark.parametrize("changed", ["target", "draft"])
def test_a_word_that_one_of_them_lacks_is_none_where_both_have_a_row_either(tmp_path, changed):
    """As a fine-tuned model's <think> in what is padding in the other."""
    home, draft = padded(tmp_path / "target", 40, 0), padded(tmp_path / "draft", 36, 1)
    file = tmp_path / changed / "tokenizer.json"
    told = json.loads(file.read_text())
    told["model"]["vocab"]["<think>"] = 34
    file.write_text(json.dumps(told))
    assert load(home, draft=draft).methods["draft"] == AVAILABLE
    told["model"]["vocab"]["other"] = told["model"]["vocab"].pop("w7")
    file.write_text(json.dumps(told))
    reason = load(home, draft=draft).methods["draft"]
    assert reason == "needs a draft model with the same vocabulary: 1 of 36 tokens differ"


def test_weights_without_a_tokenizer_must_have_as_many_rows(tmp_path):
    home = padded(tmp_path / "target", 40, 0)
    tiny_llama(36, 1).save_pretrained(tmp_path / "draft")
    reason = load(home, draft=tmp_path / "draft").methods["draft"]
    assert reason == "needs a draft model with the same vocabulary: 36 vs 40"


@pytest.mark.parametrize("method", DRAFTS)
@pytest.mark.parametrize("options", [{}, {"temperature": 1.0}, {"repetition_penalty": 1.3}])
def test_a_token_that_the_draft_model_has_no_row_for_is_read_and_never_guessed(method, options):
    bundle, config = uneven(favours=38), DecodeConfig(method, 40, tree=6, seed=2, **options)
    run = Run(bundle.for_visitor(), [3, 39, 4], config)
    guessed = {token for this in run for token in this.nodes.token[1:]}
    assert 38 in run.generated and guessed and max(guessed) < 36
    if not options:
        assert run.generated == text_of(bundle, [3, 39, 4], DecodeConfig(max_new_tokens=40))


class DraftSetting(Setting):
    """A target of five rows and a draft model of other many, at their first round."""

    def __init__(self, rows: int, tree: tuple) -> None:
        bundle = tiny_bundle(VOCAB, 3)
        bundle.draft = tiny_llama(rows, 4).double()
        bundle.target.double()
        fit_rows(bundle.draft, VOCAB)
        self.run = Run(bundle, LAW_PROMPT, DecodeConfig("draft_tree", 20, tree=tree, **PROCESSORS))
        self.law = cache(self._law)

    def proposals(self, monkeypatch):
        """Each proposal begins with the cache as it was."""
        for chance, proposal in super().proposals(monkeypatch):
            yield chance, proposal
            self.run._drafter.context.commit([])


@pytest.mark.parametrize("rows", [3, 8])
@pytest.mark.parametrize("tree", [((0,), (0, 0)), TREE])
def test_the_law_of_the_text_is_the_targets(rows, tree, monkeypatch):
    """Every draw and every test enumerated; the prompt has a token that three rows lack."""
    setting = DraftSetting(rows, tree)
    found = setting.found(monkeypatch)
    assert float(found.sum()) == pytest.approx(1.0, abs=1e-9)
    assert float((found - setting.expected()).abs().max()) < 1e-9


@pytest.mark.parametrize("method", DRAFTS)
@pytest.mark.parametrize("options", [{}, {"temperature": 1.0, "top_p": 0.9}])
@pytest.mark.parametrize("rows", [36, 44])
def test_the_devices_loop_drafts_with_it_too(method, options, rows):
    bundle = uneven(40, rows)
    use_tree_attention(bundle.draft)
    config = DecodeConfig(method, 24, tree=((0,), (0, 0)), num_draft=2, seed=2, **options)
    ordinary, static, _ = both(bundle, [3, 39, 38], config)  # the root is none of its tokens
    assert_same(ordinary, static, near=2e-4)


def test_the_device_drafts_with_it():
    bundle = uneven()
    for model in (bundle.target, bundle.draft):
        use_tree_attention(model)
    bundle.wants_static = True
    run = decode(bundle, PROMPT, DecodeConfig("draft", 8, tree=3, num_draft=3))
    assert type(run._drafter) is DeviceDraft


def test_logits_that_cannot_be_cut_leave_the_other_methods(tmp_path, monkeypatch):
    home, draft = padded(tmp_path / "target", 36, 0), padded(tmp_path / "draft", 40, 1)
    monkeypatch.setattr(LlamaForCausalLM, "get_output_embeddings", lambda _: None)
    reason = load(home, draft=draft, packed=False).methods["draft"]
    assert reason.endswith("does not load: its output layer, a NoneType, cannot be cut.")


def test_a_bias_is_cut_with_its_rows():
    config = GPTJConfig(vocab_size=40, n_positions=64, n_embd=32, n_layer=1, n_head=4, rotary_dim=4)
    model, ids = GPTJForCausalLM(config).eval(), torch.tensor([PROMPT])
    torch.nn.init.normal_(model.lm_head.bias)
    before = model(ids).logits
    fit_rows(model, 36)
    assert torch.equal(model(ids).logits, before[..., :36]) and rows_vocab(model, 36).ids is None
