"""The record tells by source and hash which weights ran, without reading gigabytes for it."""

from pathlib import Path

import pytest
from huggingface_hub import constants

from engine import model_files, store
from engine.models import load
from engine.weights_used import INDEX, weights_of
from tests.engine.test_models import save
from tests.fakes import tiny_llama

COMMIT = "0123456789abcdef0123456789abcdef01234567"
NAME = "somebody/tiny"


def in_parts(folder: Path, seed: int = 0) -> Path:
    """A model whose weights are in several files."""
    save(tiny_llama(32, seed), folder)
    (folder / store.WEIGHTS).unlink()
    tiny_llama(32, seed).save_pretrained(folder, max_shard_size="20KB")
    assert (folder / INDEX).is_file() and len(list(folder.glob("*.safetensors"))) > 1
    return folder


def cached(folder: Path, cache: Path) -> None:
    """Lay ``folder`` out as the Hub's own client does: weights are links to blobs."""
    repository = cache / "models--somebody--tiny"
    snapshot, blobs = repository / "snapshots" / COMMIT, repository / "blobs"
    for new in (snapshot, blobs, repository / "refs"):
        new.mkdir(parents=True)
    (repository / "refs" / "main").write_text(COMMIT)
    for file in folder.iterdir():
        blob = blobs / store.sha256(file)
        blob.write_bytes(file.read_bytes())
        (snapshot / file.name).symlink_to(blob)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(model_files, "has_network", lambda: False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_the_commit_is_not_lost(tmp_path, cache, monkeypatch):
    folder = save(tiny_llama(32, 0), tmp_path / "tiny")
    cached(folder, cache)
    digest = store.sha256(folder / store.WEIGHTS)
    monkeypatch.setattr(store, "sha256", lambda _: pytest.fail("the weights were read for it"))
    weights = load(NAME).weights
    assert (weights.name, weights.source) == ("tiny", f"{NAME}@{COMMIT[:12]}")
    assert weights.sha256 == digest


def test_parts_in_the_cache_are_told_apart_by_their_blobs(tmp_path, cache, monkeypatch):
    cached(in_parts(tmp_path / "tiny"), cache)
    weights = load(NAME, draft=NAME).draft_weights
    assert weights.source == f"{NAME}@{COMMIT[:12]}" and len(weights.sha256) == 64
    monkeypatch.setattr("engine.weights_used.SAMPLE", 0)
    assert weights_of(NAME, tiny_llama(32, 0)).sha256 == weights.sha256


def test_weights_in_parts_have_a_hash_that_other_weights_have_not(tmp_path):
    model = tiny_llama(32, 0)
    one, same, other = (
        weights_of(str(in_parts(tmp_path / str(at), seed)), model)
        for at, seed in enumerate((0, 0, 1))
    )
    assert len(one.sha256) == 64 and one.sha256 == same.sha256 != other.sha256
    assert load(tmp_path / "0").weights == one
    assert one.source == "0"  # a trace is shared, a home is not


def test_the_ends_of_a_part_are_all_that_is_read_of_it(tmp_path, monkeypatch):
    monkeypatch.setattr("engine.weights_used.SAMPLE", 8)
    model, folder = tiny_llama(32, 0), in_parts(tmp_path)
    before, part = weights_of(str(folder), model), max(folder.glob("*.safetensors"))
    whole = part.read_bytes()
    for at, differs in ((0, True), (len(whole) // 2, False), (len(whole) - 1, True)):
        part.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert (weights_of(str(folder), model).sha256 != before.sha256) == differs


def test_a_model_without_safetensors_has_no_hash(tmp_path):
    tmp_path.joinpath("pytorch_model.bin").write_bytes(b"weights")
    assert weights_of(str(tmp_path), tiny_llama(32, 0)).sha256 == ""
