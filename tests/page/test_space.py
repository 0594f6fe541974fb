"""What a host sets in the environment, a Hugging Face Space or a proxy, and the page under it."""

import os
from contextlib import contextmanager
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

import app
from tests.page import fakes
from tests.page.conftest import free_port
from ui.loader import Loader
from ui.runner import Runner


@contextmanager
def launched(**more):
    """The page, served as things are, until the end of the block."""
    page = app.build(Runner(Loader(fakes.bundle), fakes.FakeDecoder()))
    try:
        app.launch(page, server_name="127.0.0.1", server_port=free_port(), **more)
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


@pytest.mark.parametrize("prefix", ["", "/x"])
def test_behind_a_proxy_that_takes_a_prefix_off_all_of_it_is_there(prefix):
    with launched(root_path=prefix) as page:
        host = f"http://127.0.0.1:{page.server_port}"
        for own in ("player/player.js", "plotly/plotly.min.js", "traces"):
            with urlopen(f"{host}/own/{own}") as answer:
                assert answer.status == 200, own
        for outside in ("..%2Fstage.css", "%2Fetc%2Fpasswd", ""):
            with pytest.raises(HTTPError, match="404"):
                urlopen(f"{host}/own/player/{outside}")


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
