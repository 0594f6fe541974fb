import argparse
import sys
from itertools import islice

import numpy as np
import pytest
import torch
from transformers import LlamaForCausalLM

from tests.train.elsewhere import elsewhere, move
from tests.train.tiny_text import VOCAB, tiny_target
from train import generate as module
from train import writing
from train.generate import answer
from train.labels import LabelStore
from train.requests import requests
from train.states import StateStore, tapped
from train.whose import said_by
from train.writing import keep, write

PROMPTS = [[3, 5], [7, 1, 4, 9], [2, 2, 8]]
EOS = 11


def writer(target):
    """The same weights with the attention that batches are written with."""
    config = type(target.config)(**target.config.to_dict(), attn_implementation="grouped")
    grouped = LlamaForCausalLM(config).eval()
    grouped.load_state_dict(target.state_dict())
    return grouped


def settings(**told):
    names = dict(new_tokens=12, top=VOCAB, few=0.0, eos=EOS, mark="one")
    return argparse.Namespace(**(names | told))


@pytest.fixture(scope="module")
def target():
    return tiny_target()


def alone(target, prompt, number):
    """Greedy text of one prompt, token by token, without a cache."""
    ids = list(prompt)
    while len(ids) < len(prompt) + number and ids[-1] != EOS:
        ids.append(int(target(torch.tensor([ids])).logits[0, -1].argmax()))
    return ids


def test_answers_written_together_are_those_written_alone(target):
    written = write(writer(target), PROMPTS, 0.0, settings())
    for line, prompt in enumerate(PROMPTS):
        text = written.ids[line, written.pad[line] : written.stop[line]].tolist()
        assert text == alone(target, prompt, 12)


def test_kept_states_and_laws_are_those_of_a_plain_pass(target, tmp_path):
    keep(tmp_path, write(writer(target), PROMPTS, 0.0, settings()), True, {})
    labels, states = LabelStore.open(tmp_path), StateStore.open(tmp_path)
    assert labels.done.all() and states.done.all() and labels.greedy.all()
    for row, prompt in enumerate(PROMPTS):
        ids, span = labels.row_ids(row), labels.span(row)
        assert labels.first[row] == len(prompt)
        told = target(torch.from_numpy(ids)[None].long(), output_hidden_states=True)
        laws = told.logits[0].log_softmax(-1)
        for t in range(len(ids) - 1):  # behind an answer's last token nothing is asked
            place = span.start + t
            for name, index in tapped(4).items():
                wanted = told.hidden_states[index][0, t].numpy()
                assert np.allclose(states.columns[name][place], wanted, atol=5e-3)
            if t < len(prompt) - 1:  # nor of a law inside a prompt
                assert np.isneginf(labels.top_logprobs[place]).all()
                continue
            assert labels.top_ids[place][0] == int(laws[t].argmax())
            best = laws[t].max().item()
            assert labels.top_logprobs[place][0] == pytest.approx(best, abs=5e-3)


@pytest.mark.parametrize("rank", [0, 1])
def test_lines_that_are_finished_are_read_no_longer_and_keep_what_was_found(
    rank, target, monkeypatch
):
    """A batch that lets go of finished lines is one that reads all of them to its end."""
    many = [[first, 5, 3] for first in range(8)]
    read, found = [], []

    def counted(model, ids, *rest):
        read[-1] += len(ids)
        return passed(model, ids, *rest)

    passed = writing._read
    monkeypatch.setattr(writing, "_read", counted)
    monkeypatch.setattr(writing, "_choose", lambda _, tops, __: tops[:, -1, rank])
    for dense in (0.0, writing.DENSE):
        monkeypatch.setattr(writing, "DENSE", dense)
        read.append(0)
        found.append(write(writer(target), many, 0.0, settings(eos=15)))
    whole, dropped = found
    assert min(whole.stop) < max(whole.stop) and read[1] < read[0]
    assert whole.stop == dropped.stop
    for line, (before, stop) in enumerate(zip(whole.pad, whole.stop, strict=True)):
        span = slice(before, stop)
        assert torch.equal(whole.ids[line, span], dropped.ids[line, span])
        assert torch.equal(whole.top_ids[line, span], dropped.top_ids[line, span])
        for name, column in whole.states.items():
            assert torch.allclose(column[line, span], dropped.states[name][line, span], atol=1e-3)


def test_drawn_answers_are_the_same_for_the_same_seed_and_no_greedy_ones(target):
    model = writer(target)
    texts = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        texts.append(write(model, PROMPTS, 1.5, settings(eos=-1)).ids.tolist())
    assert texts[0] == texts[1] != texts[2]


def test_requests_are_text_that_a_chat_can_begin_with():
    assert all(text.strip() and len(text) < 600 for text in islice(requests(1), 300))


class Lengths:
    """A tokenizer whose chat is as many tokens as its text has letters."""

    def apply_chat_template(self, chat, add_generation_prompt, return_dict):
        return {"input_ids": [3] * len(chat[0]["content"])}


@pytest.mark.parametrize("texts", [[], ["longer than that"]])
def test_a_batch_without_a_request_that_fits_is_passed_over(texts, tmp_path):
    told = settings(longest=8, temperature=0.7)
    assert answer(None, Lengths(), texts, tmp_path / "0000", 0, told) == 0
    assert not (tmp_path / "0000").exists()


def test_requests_that_fit_are_answered(target, tmp_path):
    told = settings(longest=8, temperature=0.7, seed=0)
    texts = ["abc", "longer than that", "abcde"]
    count = answer(writer(target), Lengths(), texts, tmp_path / "0000", 0, told)
    labels = LabelStore.open(tmp_path / "0000")
    assert labels.first.tolist() == [3, 5] and count == len(labels.ids)
    assert said_by(tmp_path / "0000") == "one"


@pytest.mark.parametrize("temperature", [0.0, 1.5])
def test_answers_written_on_another_device_are_kept_on_the_cpu(temperature, target, tmp_path):
    """Of tensors on two devices a GPU makes nothing, and neither does this one."""
    found = []
    for model in (writer(target), move(writer(target))):
        torch.manual_seed(3)
        with elsewhere():
            found.append(write(model, PROMPTS, temperature, settings()))
    near, away = found
    assert torch.equal(near.ids, away.ids) and near.stop == away.stop
    tensors = (away.ids, away.top_ids, away.top_logprobs, *away.states.values())
    assert {type(tensor) for tensor in tensors} == {torch.Tensor}
    assert keep(tmp_path, away, True, {}) == sum(away.stop) - sum(away.pad)


def test_two_devices_in_one_operation_are_found_out():
    with elsewhere(), pytest.raises(AssertionError, match="mixes devices"):
        torch.arange(3, device="meta") + torch.arange(3)


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_answers_are_written_on_the_device_that_is_named(device, monkeypatch):
    taken = []
    monkeypatch.setattr(module, "generate", taken.append)
    monkeypatch.setattr(sys, "argv", ["generate", "--device", device])
    module.main()
    assert taken[0].device == device


def seed_asked_with(words, monkeypatch):
    """The seed that requests are drawn with under that command line."""
    told = []
    monkeypatch.setattr(module, "read_target", lambda *_, **__: torch.nn.Identity())
    monkeypatch.setattr(module, "target_mark", lambda _: "one")
    tokenizer = argparse.Namespace(eos_token_id=EOS)
    monkeypatch.setattr(module.AutoTokenizer, "from_pretrained", lambda _: tokenizer)
    monkeypatch.setattr(module, "questions", lambda *settings: iter(told.append(settings[3]) or ()))
    monkeypatch.setattr(sys, "argv", ["generate", "--batches", "0", *words])
    module.main()
    return told[0]


def test_a_training_after_another_asks_anew_and_one_broken_off_goes_on(tmp_path, monkeypatch):
    out, drafters = tmp_path / "own", tmp_path / "drafters"
    words = ["--out", str(out), "--drafters", str(drafters)]
    assert seed_asked_with(words, monkeypatch) == 0
    for kind, steps in (("draft", 400), ("eagle", 30)):
        (drafters / kind).mkdir(parents=True)
        (drafters / kind / "training.json").write_text(f'{{"steps": {steps}}}')
    assert seed_asked_with(words, monkeypatch) == 430
    assert seed_asked_with([*words, "--seed", "7"], monkeypatch) == 7
    (out / "0000").mkdir(parents=True)
    (out / "0000" / "facts.json").write_text('{"seed": 12}')
    assert seed_asked_with(words, monkeypatch) == 12
    (out / "0000" / "facts.json").write_text('{"seed": 12, "target": "two"}')
    with pytest.raises(SystemExit, match="another target"):
        seed_asked_with(words, monkeypatch)
