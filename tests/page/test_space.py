"""What a Hugging Face Space sets in the environment, and the page under it."""

from urllib.request import urlopen

import app
from tests.page import fakes
from tests.page.conftest import free_port
from ui.loader import Loader
from ui.runner import Runner


def test_where_rendering_on_a_server_is_asked_for_python_serves_the_page_itself(monkeypatch):
    """Node would stand in front and pass on Gradio's routes alone: no player, no plotly."""
    monkeypatch.setenv("GRADIO_SSR_MODE", "true")
    page = app.build(Runner(Loader(fakes.bundle), fakes.FakeDecoder()))
    app.launch(page, server_name="127.0.0.1", server_port=free_port())
    try:
        assert page.ssr_mode is False
        with urlopen(f"{page.local_url}own/player/player.js") as answer:
            assert "class Player" in answer.read().decode()
    finally:
        page.close(verbose=False)
