"""What a host sets in the environment, a Hugging Face Space or a proxy, and the page under it."""

import os
from contextlib import contextmanager
from urllib.request import urlopen

import pytest

import app
from tests.page import fakes
from tests.page.conftest import free_port
from ui.loader import Loader
from ui.runner import Runner


@contextmanager
def launched():
    """The page, served as things are, until the end of the block."""
    page = app.build(Runner(Loader(fakes.bundle), fakes.FakeDecoder()))
    try:
        app.launch(page, server_name="127.0.0.1", server_port=free_port())
        yield page
    finally:
        page.close(verbose=False)


def test_where_rendering_on_a_server_is_asked_for_python_serves_the_page_itself(monkeypatch):
    """Node would stand in front and pass on Gradio's routes alone: no player, no plotly."""
    monkeypatch.setenv("GRADIO_SSR_MODE", "true")
    with launched() as page:
        assert page.ssr_mode is False
        with urlopen(f"{page.local_url}own/player/player.js") as answer:
            assert "class Player" in answer.read().decode()


@pytest.mark.parametrize("told", [None, "example.org"])
def test_a_proxy_is_not_asked_for_the_page_itself(told, monkeypatch):
    """Gradio does not start where it cannot reach itself; what was not to be asked stays so."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")  # nobody answers there
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, told) if told else monkeypatch.delenv(name, raising=False)
    with launched() as page, urlopen(page.local_url) as answer:
        assert b"Speculoscope" in answer.read()
    assert told is None or told in os.environ["NO_PROXY"].split(",")
