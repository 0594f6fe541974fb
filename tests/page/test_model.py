"""The page with the real default target behind it."""

import pytest

from engine.trace import Trace
from tests.page.conftest import Visit


@pytest.mark.model
def test_a_question_is_decoded_watched_saved_and_opened(tab, real, tmp_path):
    visit = Visit(tab, real[0])
    visit.page.set_default_timeout(120_000)
    visit.open()
    visit.open_settings()
    visit.page.get_by_label("Tokens", exact=True).fill("24")
    visit.decode("Explain in three sentences why the sky is blue.")
    visit.until("player.isDone")
    visit.press("End")
    visit.until("document.querySelector('#facts').textContent.includes('×')")
    assert "sky" in visit.page.text_content(".stage .words")
    with visit.page.expect_download() as download:
        visit.page.click(".bar .save")
    download.value.save_as(tmp_path / "run.jsonl")
    trace = Trace.load(tmp_path / "run.jsonl")
    assert trace.header.config["max_new_tokens"] == 24
    assert trace.end.plain.same_tokens == len(trace.token_ids)
    visit.close()
