"""What a heads file may be, and what is refused by name before anything of it is used."""

import json
import pickle
import zipfile

import pytest
import torch
from huggingface_hub import constants
from safetensors.torch import save_file

from engine.heads import checkpoint
from engine.heads.checkpoint import HeadError, open_heads, read_json, write_heads
from engine.heads.claims import Claims


class Proof:
    """Unpickled, it would write a file."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return (open, (self.path, "w"))


def table(**shapes):
    return {key: torch.full(shape, 0.5) for key, shape in shapes.items()}


@pytest.mark.parametrize("suffix", [".safetensors", ".pt", ".bin"])
@pytest.mark.parametrize("by", ["folder", "file"])
def test_tensors_are_read_from_every_kind_of_file(tmp_path, suffix, by):
    path, tensors = tmp_path / f"heads{suffix}", table(a=(2, 3), b=(4,))
    save_file(tensors, path) if suffix == ".safetensors" else torch.save(tensors, path)
    (tmp_path / "config.json").write_text('{"medusa_num_heads": 2}')
    file = open_heads(tmp_path if by == "folder" else path, ["heads"])
    assert file.shapes == {"a": (2, 3), "b": (4,)}
    assert torch.equal(file.get("a"), tensors["a"])
    assert file.config == {"medusa_num_heads": 2}


def test_a_pickle_is_opened_only_where_no_safetensors_file_has_its_name(tmp_path):
    torch.save({"old": torch.ones(1)}, tmp_path / "first.pt")
    save_file({"new": torch.ones(1)}, tmp_path / "first.safetensors")
    assert set(open_heads(tmp_path, ["first", "second"]).shapes) == {"new"}


def test_the_heads_own_name_comes_before_that_of_a_model_beside_them(tmp_path):
    torch.save({"heads": torch.ones(1)}, tmp_path / "medusa_lm_head.pt")
    save_file({"target": torch.ones(1)}, tmp_path / "model.safetensors")
    assert set(open_heads(tmp_path, ["medusa_lm_head", "model"]).shapes) == {"heads"}


@pytest.mark.parametrize("name", ["model.safetensors.index.json", "model.bin.index.json"])
def test_a_file_in_parts_is_refused_with_its_index_and_a_remedy(tmp_path, name):
    (tmp_path / name).write_text('{"weight_map": {}}')
    with pytest.raises(HeadError, match=f"^{name} tells of .* as one file, model.safetensors"):
        open_heads(tmp_path, ["heads", "model"])


def test_a_file_of_the_older_format_of_torch_is_read_too(tmp_path):
    torch.save(table(a=(2,)), tmp_path / "heads.pt", _use_new_zipfile_serialization=False)
    assert open_heads(tmp_path, ["heads"]).shapes == {"a": (2,)}


@pytest.mark.parametrize("is_torch", [True, False])
def test_a_pickle_with_code_in_it_is_refused_and_never_run(tmp_path, is_torch):
    path, proof = tmp_path / "heads.pt", tmp_path / "ran"
    value = {"a": torch.ones(1), "b": Proof(proof)}
    torch.save(value, path) if is_torch else path.write_bytes(pickle.dumps(value))
    with pytest.raises(HeadError, match=r"heads.pt holds more than tensors.*never run"):
        open_heads(tmp_path, ["heads"])
    assert not proof.exists()


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
@pytest.mark.parametrize("suffix", [".safetensors", ".pt", ".bin"])
def test_a_truncated_file_is_refused(tmp_path, suffix, share):
    path, tensors = tmp_path / f"heads{suffix}", table(a=(40, 30))
    save_file(tensors, path) if suffix == ".safetensors" else torch.save(tensors, path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(HeadError, match="cut short"):
        open_heads(tmp_path, ["heads"])


@pytest.mark.parametrize("value", [[1, 2], {"a": 3}, {3: torch.ones(1)}, torch.ones(2)])
def test_a_file_of_something_else_than_a_table_of_tensors_is_refused(tmp_path, value):
    torch.save(value, tmp_path / "heads.pt")
    with pytest.raises(HeadError, match="holds no table of tensors"):
        open_heads(tmp_path, ["heads"])


@pytest.mark.parametrize(
    "odd",
    [
        lambda: torch.zeros(1).expand(2**20, 2**20),  # terabytes in a file of one number
        lambda: torch.eye(3).to_sparse(),
        lambda: torch.eye(3).to_sparse_csr(),
        lambda: torch.empty(3, device="meta"),
    ],
)
@pytest.mark.filterwarnings("ignore:Sparse CSR")
def test_a_tensor_whose_numbers_are_not_in_the_file_is_refused(tmp_path, odd):
    torch.save({"good": torch.ones(2), "odd": odd()}, tmp_path / "heads.pt")
    with pytest.raises(HeadError, match=r"heads.pt holds no plain numbers at odd"):
        open_heads(tmp_path, ["heads"])


def test_a_pickle_that_was_zipped_again_is_refused(tmp_path):
    """Mapped as it stands, its packed bytes would pass for numbers."""
    torch.save(table(a=(40, 30)), tmp_path / "plain.pt")
    packed = zipfile.ZipFile(tmp_path / "heads.pt", "w", zipfile.ZIP_DEFLATED)
    with zipfile.ZipFile(tmp_path / "plain.pt") as plain, packed:
        for part in plain.infolist():
            packed.writestr(part.filename, plain.read(part))
    with pytest.raises(HeadError, match=r"^heads.pt is a compressed archive: .* torch.save"):
        open_heads(tmp_path, ["heads"])


def test_what_is_not_there_is_named(tmp_path):
    with pytest.raises(HeadError, match=r"no one or two \(.safetensors, .pt, .bin\)"):
        open_heads(tmp_path, ["one", "two"])
    (tmp_path / "heads.gguf").write_text("x")
    with pytest.raises(HeadError, match="heads.gguf is no heads file"):
        open_heads(tmp_path / "heads.gguf", ["heads"])


def test_without_a_network_only_the_cache_of_the_hub_is_asked(monkeypatch):
    monkeypatch.setattr(checkpoint, "has_network", lambda: False)
    with pytest.raises(HeadError, match="there is no medusa_lm_head "):
        open_heads("nobody/no-such-heads", ["medusa_lm_head"])
    with pytest.raises(HeadError, match="no heads 'no/such/heads'"):
        open_heads("no/such/heads", ["medusa_lm_head"])


@pytest.mark.parametrize("is_cached", [True, False])
def test_a_hub_that_does_not_answer_leaves_what_is_in_its_cache(is_cached, tmp_path, monkeypatch):
    """There is a route and no Hub behind it: of two names the cache knows the second alone."""
    monkeypatch.setattr(checkpoint, "has_network", lambda: True)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    repository = tmp_path / "models--somebody--eagle-tiny"
    if is_cached:
        (repository / "refs").mkdir(parents=True)
        (repository / "refs" / "main").write_text("abc")
        (repository / "snapshots" / "abc").mkdir(parents=True)
        torch.save({"fc.weight": torch.ones(2, 4)}, repository / "snapshots/abc/second.bin")
        assert open_heads("somebody/eagle-tiny", ["first", "second"]).path.name == "second.bin"
    else:
        with pytest.raises(HeadError, match="the Hub could not be asked"):
            open_heads("somebody/eagle-tiny", ["first", "second"])


def test_whatever_the_hub_client_raises_becomes_a_sentence(monkeypatch):
    """Its HTTP library's errors are neither ``OSError`` nor its own: a proxy's, for one."""

    class ProxyError(Exception):
        pass

    def refuse(*_, **__):
        raise ProxyError("503")

    monkeypatch.setattr(checkpoint, "hf_hub_download", refuse)
    with pytest.raises(HeadError, match=r"no heads 'some/heads' .* \(ProxyError\)"):
        open_heads("some/heads", ["medusa_lm_head"])


def test_a_file_beyond_the_bounds_is_refused(tmp_path, monkeypatch):
    save_file(table(a=(2,), b=(2,)), tmp_path / "heads.safetensors")
    monkeypatch.setattr(checkpoint, "MAX_KEYS", 1)
    with pytest.raises(HeadError, match="holds 2 tensors, more than any heads have"):
        open_heads(tmp_path, ["heads"])
    monkeypatch.setattr(checkpoint, "MAX_BYTES", 10)
    with pytest.raises(HeadError, match="heads.safetensors is larger"):
        open_heads(tmp_path, ["heads"])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[1]", "holds no object"),
        ("{", "cannot be read"),
        (f'{{"a": {"1" * 5000}}}', "cannot be read: Exceeds the limit"),
        ("\xff\xfe", "cannot be read"),
        ("[" * 100_000, "cannot be read"),
        (json.dumps({"a": "b" * 2**20}), "is larger than 1 MiB"),
    ],
)
def test_a_config_that_is_none_is_refused(tmp_path, text, reason):
    (tmp_path / "config.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(HeadError, match=f"^config.json {reason}"):
        read_json(tmp_path, "config.json")


def test_a_config_may_begin_with_a_byte_order_mark(tmp_path):
    (tmp_path / "config.json").write_text('{"k": 1}', encoding="utf-8-sig")
    assert read_json(tmp_path, "config.json") == {"k": 1}


def test_every_key_that_does_not_fit_is_named_at_once(tmp_path):
    bad = torch.ones(2)
    bad[1] = torch.nan
    save_file(table(wide=(4, 5), extra=(1,), more=(1,)) | {"bad": bad}, tmp_path / "h.safetensors")
    claims = Claims(open_heads(tmp_path, ["h"]))
    claims.take("wide", (2, 5))
    claims.take("bad", (2,))
    claims.take("gone", (7,))
    with pytest.raises(HeadError) as caught:
        claims.finish()
    for part in (
        "h.safetensors does not fit",
        "wide: expected [2, 5], found [4, 5]",
        "bad: holds values that are not finite",
        "missing: gone",
        "not known: extra, more",
    ):
        assert part in str(caught.value)


def test_what_is_written_is_read_again_in_half_the_bytes(tmp_path):
    shared = torch.randn(3, 3).bfloat16().float()
    write_heads(tmp_path, {"a": shared, "b": shared, "ids": torch.tensor([4, 5])}, {"k": 1})
    file = open_heads(tmp_path, ["model"])
    assert file.get("b").dtype == torch.bfloat16 and file.config == {"k": 1}
    assert torch.equal(file.get("a").float(), shared)
    assert file.get("ids").tolist() == [4, 5]
    claims = Claims(file)
    for key, shape in file.shapes.items():
        claims.take(key, shape, is_weight=key != "ids")
    claims.finish()
