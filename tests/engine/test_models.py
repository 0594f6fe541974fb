"""What loads, and the sentence that refuses what cannot be verified as a tree."""

from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    MambaConfig,
    MistralConfig,
    PreTrainedTokenizerFast,
    T5Config,
)

from engine.bundle import AVAILABLE
from engine.config import DecodeConfig
from engine.models import ModelError, load
from tests.fakes import METHODS, text_of, tiny_llama


def save(model: torch.nn.Module, folder: Path, vocab: int = 32) -> Path:
    """A folder with a model and a tokenizer of words w0, w1, ..."""
    words = Tokenizer(WordLevel({f"w{i}": i for i in range(vocab)}, unk_token="w0"))
    words.pre_tokenizer = Whitespace()
    model.save_pretrained(folder)
    PreTrainedTokenizerFast(tokenizer_object=words, unk_token="w0").save_pretrained(folder)
    return folder


@pytest.fixture
def good(tmp_path: Path) -> Path:
    return save(tiny_llama(32, 0), tmp_path / "good")


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (T5Config(), "is an encoder-decoder"),
        (MambaConfig(), "keeps a recurrent state"),
        (MistralConfig(sliding_window=64, max_position_embeddings=128), "window of 64 tokens"),
    ],
)
def test_what_no_tree_can_be_verified_with_is_refused_by_name(tmp_path, config, reason):
    config.save_pretrained(tmp_path)
    with pytest.raises(ModelError, match=reason):
        load(tmp_path)


def test_a_window_as_long_as_the_context_is_allowed(tmp_path):
    """It gets as far as the weights, which are not there."""
    MistralConfig(sliding_window=128, max_position_embeddings=128).save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="could not be loaded"):
        load(tmp_path)


def test_a_folder_without_a_config_is_no_model(tmp_path):
    with pytest.raises(ModelError, match="has no config.json"):
        load(tmp_path)


def test_a_name_that_cannot_be_one_is_refused():
    with pytest.raises(ModelError, match="There is no model 'no/such/model'"):
        load("no/such/model")


def test_a_folder_without_a_tokenizer_is_refused(tmp_path):
    tiny_llama(32, 0).save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="has no tokenizer that can be read"):
        load(tmp_path)


def test_an_unknown_method_is_named(good):
    with pytest.raises(ModelError, match="There is no method 'medusa'"):
        load(good, drafters=["medusa"])


def test_a_draft_of_another_vocabulary_leaves_the_other_methods(good, tmp_path):
    bundle = load(good, draft=save(tiny_llama(40, 1), tmp_path / "draft", 40))
    reason = "needs a draft model with the same vocabulary: 40 vs 32"
    free = ("plain", "lookup", "suffix")
    assert bundle.methods == {m: AVAILABLE if m in free else reason for m in METHODS}


@pytest.mark.parametrize("packed", [True, False])
def test_a_good_folder_decodes_as_generate_does(good, packed):
    bundle = load(good, packed=packed)
    ids = torch.tensor([[3, 1, 4]])
    whole = bundle.target.generate(ids, max_new_tokens=12, do_sample=False, pad_token_id=0)
    assert text_of(bundle, [3, 1, 4], DecodeConfig(max_new_tokens=12)) == tuple(
        whole[0, 3:].tolist()
    )
    assert packed or bundle.path == "transformers"


def test_learned_positions_decode_alike_by_every_method(tmp_path):
    ends = {"bos_token_id": None, "eos_token_id": None}
    config = GPT2Config(
        vocab_size=32, n_positions=64, n_embd=32, n_layer=2, n_head=4, initializer_range=0.3, **ends
    )
    torch.manual_seed(0)
    folder = save(GPT2LMHeadModel(config), tmp_path / "gpt2")
    bundle = load(folder, draft=folder)
    texts = {m: text_of(bundle, [3, 1, 4], DecodeConfig(m, 16, tree=6)) for m in METHODS}
    assert set(texts.values()) == {texts["plain"]} and len(texts["plain"]) == 16
