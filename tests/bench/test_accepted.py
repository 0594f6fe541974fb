"""Tokens a pass of whole decodings, and the tables they are printed in."""

from argparse import Namespace

import pytest
import torch
from transformers import GenerationConfig

from bench.accepted import CHAIN, decode_all
from bench.prompts import mt_bench
from bench.speed import Result, _print, _sets, _theirs
from tests.fakes import tiny_bundle

ARGUMENTS = Namespace(tokens=12, temperature=0.0)
PROMPTS = ("abc", "hide")


def test_every_prompt_is_decoded_to_its_end_and_plain_takes_a_pass_a_token():
    assert decode_all(tiny_bundle(), PROMPTS, "plain", 0, ARGUMENTS) == [24, 24]


def test_a_draft_model_that_is_the_target_fills_every_chain():
    bundle = tiny_bundle()
    bundle.draft = bundle.target
    tokens, passes = decode_all(bundle, PROMPTS, "draft", CHAIN, ARGUMENTS)
    assert (tokens, passes) == (24, 6)  # 5 + 5 + 2 tokens for each prompt


def test_a_prompt_does_not_learn_from_the_one_before():
    bundle = tiny_bundle()
    once = decode_all(bundle, ("abc",), "suffix", 8, ARGUMENTS)
    twice = decode_all(bundle, ("abc", "abc"), "suffix", 8, ARGUMENTS)
    assert twice == [2 * figure for figure in once]


def test_the_table_of_speed_shows_ratios_by_prompt_and_shares_by_phase(capsys):
    plain = [Result(10, 1.0, 1.0, (0.0, 0.9, 0.1, 0.0)), Result(10, 2.0, 1.0, (0.0, 0.9, 0.1, 0.0))]
    fast = [
        Result(10, 0.5, 2.0, (0.25, 0.7, 0.05, 0.0)),
        Result(10, 0.5, 2.0, (0.25, 0.7, 0.05, 0)),
    ]
    theirs = [Result(10, 4.0), Result(10, 4.0)]
    _print("two", {"plain": plain, "eagle": fast, "transformers plain": theirs})
    said = capsys.readouterr().out
    assert "eagle               20.0      2.00           3.00 (2.00 to 4.00)" in said
    assert "25 / 70 / 5 / 0" in said and "8.00 (8.00 to 8.00)" in said


def test_without_mt_bench_everyday_prompts_stand_in_and_a_set_asked_for_by_name_says_what_lacks(
    tmp_path,
):
    given = dict(count=2, sets=[], prompts=tmp_path / "no such file")
    assert list(_sets(Namespace(**given))) == ["everyday", "copy_heavy"]
    (tmp_path / "two").write_text('{"turns": ["a"]}\n{"turns": ["b"]}\n', encoding="utf-8")
    here = _sets(Namespace(**given | {"prompts": tmp_path / "two"}))
    assert list(here) == ["mt_bench", "copy_heavy"] and here["mt_bench"] == ["a", "b"]
    with pytest.raises(FileNotFoundError, match="name them with --prompts"):
        _sets(Namespace(**given | {"sets": ["mt_bench"]}))


@pytest.mark.parametrize("count", [1, 24, 30, 50, 80, 100])
def test_questions_are_spread_over_all_categories(count, tmp_path):
    lines = "".join(f'{{"turns": ["{number}"]}}\n' for number in range(80))
    (tmp_path / "questions").write_text(lines, encoding="utf-8")
    found = [int(turn) for turn in mt_bench(count, tmp_path / "questions")]
    assert len(found) == len(set(found)) == min(count, 80)
    of_each = [sum(number // 10 == kind for number in found) for kind in range(8)]
    assert max(of_each) - min(of_each) <= 1


def test_contestants_that_share_a_draft_model_draft_their_own_length():
    """Each sets what ``generate`` reads from the model before it runs."""
    drafted = []

    def generate(ids, assistant_model, **_):
        settings = assistant_model.generation_config
        drafted.append((settings.num_assistant_tokens, settings.assistant_confidence_threshold))
        return torch.cat([ids, ids], 1)

    draft = Namespace(generation_config=GenerationConfig())
    bundle = Namespace(target=Namespace(generate=generate))
    config = {"max_new_tokens": 2, "temperature": 0.0}
    short = {"assistant_model": draft, "num_assistant_tokens": 5}
    race = [_theirs(bundle, config, {"assistant_model": draft}), _theirs(bundle, config, short)]
    for run in (*race, race[0]):
        run((1, 2))
    assert drafted == [(20, 0.0), (5, 0.0), (20, 0.0)]
