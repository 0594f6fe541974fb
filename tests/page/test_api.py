"""The endpoint for programs, asked by ``gradio_client`` as anybody would."""

import httpx
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

from engine.trace import Trace
from tests.page import fakes, synthetic

pytestmark = pytest.mark.page


@pytest.fixture(scope="module")
def client(served):
    client = Client(served[0], verbose=False)
    yield client
    client.close()


@pytest.fixture
def decoder(served):
    decoder = served[1]
    decoder.count, decoder.nodes, decoder.delay = 6, 8, 0.0
    decoder.runs.clear()
    yield decoder
    decoder.room = fakes.FakeRun.room


def test_a_program_gets_the_whole_trace_of_its_run(client, decoder, tmp_path):
    text = client.predict("Why?", "lookup", 40, 0.7, 3, api_name="/decode")
    (tmp_path / "run.jsonl").write_text(text, encoding="utf-8")
    trace = Trace.load(tmp_path / "run.jsonl")
    assert trace.rounds == tuple(synthetic.rounds(6, 8, seed=3))
    assert trace.header.prompt == "Why?" and trace.end.reason == "length"
    (run,) = decoder.runs
    config = run.config
    assert (config.method, config.max_new_tokens) == ("lookup", 40)
    assert (config.temperature, config.seed) == (0.7, 3)


def test_all_but_the_prompt_may_be_left_out(client, decoder):
    client.predict("Why?", api_name="/decode")
    config = decoder.runs[0].config
    assert (config.method, config.max_new_tokens, config.temperature) == ("suffix", 96, 0.0)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (dict(prompt=" "), "The prompt is empty"),
        (dict(prompt=None), "The prompt is empty"),
        (dict(method="draft"), "not available: it needs a draft model"),
        (dict(method="no such"), "There is no method 'no such'"),
        (dict(method=["plain"]), "Method must be a name"),
        (dict(max_new_tokens=5000), "Tokens: at most 1024"),
        (dict(max_new_tokens="many"), "Tokens: a number is missing"),
        (dict(temperature=-1), "Temperature must be between"),
        (dict(seed=1e99), "Seed must be a whole number"),
        (dict(seed=None), "Seed: a number is missing"),
    ],
)
def test_a_bad_request_is_refused_in_a_sentence_and_decodes_nothing(client, decoder, more, words):
    with pytest.raises(AppError, match=words):
        client.predict(**{"prompt": "Why?"} | more, api_name="/decode")
    assert decoder.runs == []


def test_a_run_that_fails_frees_the_device_for_the_next(client, decoder, served):
    with pytest.raises(AppError):
        client.predict("Why?", "draft", api_name="/decode")
    jobs = [client.submit("Why?", api_name="/decode") for _ in range(3)]
    assert all(job.result(timeout=60).count("\n") == 8 for job in jobs)
    assert all(run.closed_after == 6 for run in decoder.runs)


def test_a_run_that_memory_cuts_short_hands_over_its_rounds(client, decoder, tmp_path):
    decoder.room = 2
    (tmp_path / "run.jsonl").write_text(client.predict("Why?", api_name="/decode"))
    trace = Trace.load(tmp_path / "run.jsonl")
    assert (len(trace.rounds), trace.end.reason) == (2, "memory")
    decoder.room = 0
    with pytest.raises(AppError, match="Memory gave out"):
        client.predict("Why?", api_name="/decode")


def test_a_caller_who_leaves_keeps_the_decoder_from_nobody(client, decoder, served):
    """Over plain HTTP: what he asked for ends with the round in hand."""
    decoder.count, decoder.delay = 400, 0.1
    call = f"{served[0].rstrip('/')}/gradio_api/call/decode"
    asked = httpx.post(call, json={"data": ["Why?", "suffix", 96, 0, 0]}).json()["event_id"]
    with httpx.stream("GET", f"{call}/{asked}") as told:
        next(told.iter_lines())
    (left,) = decoder.runs
    decoder.count = 2
    assert client.predict("Why?", api_name="/decode").count("\n") == 4
    assert 0 < left.closed_after < 400


def test_the_pages_own_functions_are_no_endpoints(client):
    listed = client.view_api(return_format="dict")
    assert list(listed["named_endpoints"]) == ["/decode"]
    assert listed["unnamed_endpoints"] == {}
    names = [p["parameter_name"] for p in listed["named_endpoints"]["/decode"]["parameters"]]
    assert names == ["prompt", "method", "max_new_tokens", "temperature", "seed"]
