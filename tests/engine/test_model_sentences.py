"""What a user reads where a model, a draft model or a store is not what it should be."""

import pytest
from transformers import LlamaConfig

from engine import model_files, store
from engine.bundle import AVAILABLE
from engine.models import ModelError, load
from engine.suitability import refusal
from tests.engine.test_models import save
from tests.fakes import tiny_llama


def test_a_kind_of_layer_nobody_knows_is_named():
    config = LlamaConfig(num_hidden_layers=2)
    config.layer_types = ["full_attention", "compressed_attention"]
    assert "has layers of type compressed_attention" in refusal(config)
    config.layer_types = ["full_attention", "full_attention"]
    assert refusal(config) is None


def test_an_empty_store_names_the_command_that_fills_it(tmp_path, monkeypatch):
    monkeypatch.setenv("SPECULOSCOPE_MODELS", str(tmp_path))
    with pytest.raises(ModelError, match=r"not in the store .*make setup"):
        load()
    folder = store.target_folder()
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")  # half a store is none
    with pytest.raises(ModelError, match="not in the store"):
        load()


def test_a_hub_id_that_nobody_has_is_quoted(monkeypatch):
    monkeypatch.setattr(model_files, "has_network", lambda: False)
    with pytest.raises(ModelError, match="There is no model 'nobody/no-such-model' here"):
        load("nobody/no-such-model")


def test_a_draft_model_that_does_not_load_leaves_the_other_methods(tmp_path):
    target = save(tiny_llama(32, 0), tmp_path / "target")
    draft = save(tiny_llama(32, 1), tmp_path / "draft")
    (draft / "model.safetensors").write_bytes(b"not tensors at all")
    bundle = load(target, draft=draft)
    assert "this one does not load" in bundle.methods["draft"]
    assert str(draft) in bundle.methods["draft_tree"]
    assert bundle.methods["plain"] == bundle.methods["suffix"] == AVAILABLE
