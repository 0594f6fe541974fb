"""What loads, and the sentence that refuses what cannot be verified as a tree."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import (
    BertConfig,
    BloomConfig,
    Gemma4TextConfig,
    GPT2Config,
    GPT2LMHeadModel,
    GPTJConfig,
    GPTJForCausalLM,
    GPTNeoConfig,
    GPTNeoXConfig,
    JambaConfig,
    LlamaConfig,
    MambaConfig,
    MistralConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    RwkvConfig,
    T5Config,
)

from engine import model_files, store
from engine.bundle import AVAILABLE
from engine.config import DecodeConfig
from engine.heads.trees import TreeFile, Trees
from engine.models import ModelError, load
from engine.suitability import refusal
from tests.fakes import METHODS, text_of, tiny_llama

WIDE = {"sliding_window": 131_072}  # as the context: every layer sees it all


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


def test_weights_that_a_card_is_too_full_for_are_refused_in_a_sentence(good, monkeypatch):
    def full(*_):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nAdvice.")

    monkeypatch.setattr(PreTrainedModel, "to", full)
    with pytest.raises(ModelError, match=r"0\.0 GiB of weights.*CUDA out of memory.*2\.00 GiB\.$"):
        load(good)


def test_a_name_that_cannot_be_one_is_refused():
    with pytest.raises(ModelError, match="There is no model 'no/such/model'"):
        load("no/such/model")


def test_a_folder_without_a_tokenizer_is_refused(tmp_path):
    tiny_llama(32, 0).save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="has no tokenizer that can be read"):
        load(tmp_path)


def test_an_unknown_method_is_named(good):
    with pytest.raises(ModelError, match="There is no method 'teleport'"):
        load(good, drafters=["teleport"])


def test_a_draft_of_another_vocabulary_leaves_the_other_methods(good, tmp_path):
    other = save(tiny_llama(40, 1), tmp_path / "draft", 40)
    file = other / "tokenizer.json"
    file.write_text(file.read_text().replace('"w3', '"v3'))
    bundle = load(good, draft=other)
    reason = "needs a draft model with the same vocabulary: 3 of 32 tokens differ"
    free = ("plain", "lookup", "suffix")
    states = {m: AVAILABLE if m in free else reason for m in METHODS}
    assert bundle.methods.items() >= states.items()


def test_the_record_names_the_weights_that_ran_by_their_hash(good):
    bundle = load(good, draft=good)
    digest = store.sha256(good / store.WEIGHTS)
    assert bundle.weights.sha256 == bundle.draft_weights.sha256 == digest
    assert str(good.parent) not in repr(bundle.weights)  # a trace is shared, a home is not


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
    assert bundle.path == "transformers"
    texts = {m: text_of(bundle, [3, 1, 4], DecodeConfig(m, 16, tree=6)) for m in METHODS}
    assert set(texts.values()) == {texts["plain"]} and len(texts["plain"]) == 16


def test_a_model_without_sdpa_decodes_by_its_own_attention(tmp_path):
    ends = {"bos_token_id": None, "eos_token_id": None}
    config = GPTJConfig(
        vocab_size=32, n_positions=64, n_embd=32, n_layer=2, n_head=4, rotary_dim=4,
        initializer_range=0.3, **ends,
    )  # fmt: skip
    torch.manual_seed(0)
    bundle = load(save(GPTJForCausalLM(config), tmp_path / "gptj"))
    whole = bundle.target.generate(torch.tensor([[3, 1, 4]]), max_new_tokens=16, do_sample=False)
    for method in ("plain", "lookup", "suffix"):
        text = text_of(bundle, [3, 1, 4], DecodeConfig(method, 16, tree=6))
        assert text == tuple(whole[0, 3:].tolist())
    assert bundle.kernels.name == "eager"


def test_a_text_ends_where_generate_ends_it(good):
    """The tokenizer's or the config's end is none where the generation's own settings have one."""
    bundle = load(good)
    bundle.target.generation_config.eos_token_id, bundle.target.config.eos_token_id = [3, 5], 4
    assert bundle.eos_ids == {3, 5}
    bundle.target.generation_config.eos_token_id = None
    assert bundle.eos_ids == {4}
    bundle.target.config.eos_token_id = None
    assert bundle.eos_ids == set()
    bundle.tokenizer.eos_token = "w7"
    assert bundle.eos_ids == {7}


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (BertConfig(), "reads in both directions"),
        (BloomConfig(), "takes no positions"),
        (GPTNeoConfig(), "window of 256 tokens"),
        (JambaConfig(), "keeps a recurrent state"),
        (RwkvConfig(), "keeps a recurrent state"),
    ],
)
def test_what_only_its_class_or_its_layers_betray_is_refused(config, reason):
    assert reason in refusal(config)


@pytest.mark.parametrize("config", [GPTNeoXConfig(), GPT2Config(), BertConfig(is_decoder=True)])
def test_what_writes_left_to_right_is_allowed_whatever_its_config_says(config):
    assert refusal(config) is None


UNEVEN = {
    "head_dim 256 and 512": Gemma4TextConfig(num_hidden_layers=6, **WIDE),
    "num_key_value_heads 1 and 4, head_dim 256 and 512": Gemma4TextConfig(
        num_hidden_layers=6, attention_k_eq_v=True, num_global_key_value_heads=1, **WIDE
    ),
    "num_key_value_heads 32 and 8": LlamaConfig(per_layer_config={1: {"num_key_value_heads": 8}}),
}


@pytest.mark.parametrize("heads", UNEVEN)
def test_layers_whose_heads_differ_are_refused_before_the_first_round(heads):
    assert f"has layers whose heads differ ({heads})" in refusal(UNEVEN[heads])


def test_layers_that_differ_in_anything_else_are_allowed():
    assert refusal(LlamaConfig(per_layer_config={1: {"intermediate_size": 64}})) is None
    assert refusal(Gemma4TextConfig(num_hidden_layers=6, global_head_dim=256, **WIDE)) is None


def cut(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:200])


def drop_the_head(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    del weights["lm_head.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def count_in_letters(folder: Path) -> None:
    edit_config(folder, num_attention_heads="four")


def bring_code(folder: Path) -> None:
    edit_config(folder, model_type="own", auto_map={"AutoConfig": "own.Config"})
    (folder / "own.py").write_text("raise SystemExit('the code of the model ran')")


def edit_config(folder: Path, **values: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (cut, "could not be loaded"),
        (drop_the_head, "weights lack lm_head.weight"),
        (count_in_letters, "is no model: .*num_attention_heads"),
        (bring_code, "is no model: .*custom code"),
    ],
)
def test_a_spoilt_folder_is_refused_as_target_and_as_draft(
    good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoil: Callable, reason: str
) -> None:
    """Without weights drawn by lot, and without asking anybody whether to run code."""
    monkeypatch.setattr("builtins.input", lambda text: pytest.fail(f"asked: {text}"))
    spoil(shutil.copytree(good, tmp_path / "spoilt"))
    with pytest.raises(ModelError, match=reason):
        load(tmp_path / "spoilt")
    bundle = load(good, draft=tmp_path / "spoilt")
    assert re.search(reason, bundle.methods["draft"]) and bundle.draft is None


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ({"device": "tpu9"}, "no device 'tpu9'"),
        ({"device": "mps"}, "Device 'mps' may lack .*; use cpu or cuda"),
        ({"device": torch.device("meta")}, "Device 'meta' may lack .*; use cpu or cuda"),
        ({"dtype": "float3"}, "no dtype 'float3'"),
    ],
)
def test_an_unknown_device_or_dtype_is_named(good, place, reason):
    with pytest.raises(ModelError, match=reason):
        load(good, **place)


@pytest.mark.parametrize("name", ["", "a" * 5000, "a\0b", "nobody/nothing"])
def test_a_name_of_no_folder_is_refused_without_a_network(monkeypatch, name):
    monkeypatch.setattr(model_files, "has_network", lambda: False)
    with pytest.raises(ModelError, match="There is no model") as refused:
        load(name)
    assert len(str(refused.value)) < 500


def test_a_path_that_leads_nowhere_is_no_question_for_the_hub(good, tmp_path):
    for path in (tmp_path / "none", "./none", "~/none"):
        with pytest.raises(ModelError, match="There is no folder .*none"):
            load(path)
    with pytest.raises(ModelError, match="is a file: give the folder"):
        load(good / "config.json")


def test_drafters_are_a_list(good):
    with pytest.raises(ModelError, match="as a list of names, not as 'lookup'"):
        load(good, drafters="lookup")


def test_a_draft_of_other_words_is_refused_though_there_are_as_many(good, tmp_path):
    other = save(tiny_llama(32, 1), tmp_path / "draft")
    file = other / "tokenizer.json"
    file.write_text(file.read_text().replace('"w', '"v'))
    bundle = load(good, draft=other)
    assert bundle.methods["draft"].endswith("same vocabulary: 32 of 32 tokens differ")


def test_a_draft_model_that_nothing_is_to_draft_with_is_not_read(good):
    assert load(good, draft=good, drafters=["lookup"]).draft is None
    assert load(good, draft=good, drafters=["draft"]).draft is not None


def test_a_home_is_found_by_its_sign(good, monkeypatch):
    monkeypatch.setenv("HOME", str(good.parent))
    bundle = load(f"~/{good.name}", draft=f"~/{good.name}")
    assert bundle.methods["draft"] == AVAILABLE


def test_text_that_grows_is_not_cleaned_up(good):
    """The library takes the space before an apostrophe out, once the apostrophe is there."""
    assert load(good).tokenizer.clean_up_tokenization_spaces is False


def test_a_draft_models_folder_brings_its_trees(good):
    (good / "trees.json").write_text(json.dumps({"chances": [[0.5, 0.2]], "trees": {"1": [[0]]}}))
    bundle = load(good, draft=good)
    assert bundle.draft_trees.top == Trees(((0.5, 0.2),), {1: ((0,),)})
    assert load(good).draft_trees == TreeFile()


def test_trees_that_are_wrong_are_named_and_the_target_stays(good):
    (good / "trees.json").write_text(json.dumps({"trees": {"1": [[0, 0]]}}))
    bundle = load(good, draft=good)
    reason = bundle.methods["draft_tree"]
    assert "trees.json: trees.1, node 1, [0, 0], stands before its parent" in reason
    assert bundle.draft is None and bundle.methods["lookup"] == AVAILABLE
