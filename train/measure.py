"""How well a draft model speaks for the target: agreement, and accepted lengths of real chains.

At temperature 0 an accepted draft *is* the target's own text, so the drafts of a decoder
are found without decoding: one pass of the draft model over the target's greedy answer
says at every token whether the draft would have been right, and rounds are walked from
there.  ``python -m train.measure FOLDER`` does so for held-out answers and for MT-bench.
"""

import argparse
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel

from train.labels import LabelStore, held_out, open_stores
from train.needs import PROMPTS, TARGET, need_text, read_target
from train.whose import hold_to_target, target_mark


class Answer(NamedTuple):
    """A prompt with the target's greedy answer to it."""

    ids: np.ndarray  # [T], prompt and answer
    first: int  # position of the answer's first token


class Figures(NamedTuple):
    """Means over all answers; the denominators are ``tokens`` and ``rounds``."""

    agreement: float  # of one step: share of tokens that the draft's best guess meets
    accepted_length: float  # tokens emitted per round, the extra one included
    tokens: int
    rounds: int


@torch.inference_mode()
def hits(model: PreTrainedModel, answer: Answer) -> np.ndarray:
    """Per token of the answer whether the model's best guess is that token. [T - first] bool."""
    ids = torch.from_numpy(answer.ids).long().to(model.device)[None]
    states = model.model(ids[:, :-1], use_cache=False).last_hidden_state
    guesses = model.lm_head(states[0, answer.first - 1 :]).argmax(-1)
    return (guesses == ids[0, answer.first :]).cpu().numpy()


def count_rounds(hit: np.ndarray, num_draft: int) -> int:
    """Rounds that chains of ``num_draft`` tokens take to write the answer."""
    rounds, at = 0, 0
    while at < len(hit):
        misses = np.flatnonzero(~hit[at : at + num_draft])
        at += (int(misses[0]) if len(misses) else num_draft) + 1
        rounds += 1
    return rounds


def figures(model: PreTrainedModel, answers: Iterable[Answer], num_draft: int = 4) -> Figures:
    """Agreement and mean accepted length of chains of ``num_draft`` tokens."""
    met = [hits(model, answer) for answer in answers]
    tokens, rounds = sum(map(len, met)), sum(count_rounds(hit, num_draft) for hit in met)
    return Figures(sum(int(hit.sum()) for hit in met) / tokens, tokens / rounds, tokens, rounds)


def held_out_answers(stores: Sequence[LabelStore]) -> list[Answer]:
    """The target's greedy answers that are kept from training, of all stores in turn."""
    found = [
        [
            Answer(store.row_ids(row), int(store.first[row]))
            for row in np.flatnonzero(held_out(store) & store.greedy)
        ]
        for store in stores
    ]
    longest = max(map(len, found), default=0)
    return [answers[i] for i in range(longest) for answers in found if i < len(answers)]


@torch.inference_mode()
def write_answers(target: str, prompts: Path, tokens: int, lines: int = 16) -> list[Answer]:
    """The target's greedy answers to the first turns of ``prompts``, in fp32."""
    need_text(prompts, "--prompts")
    model = read_target(target, torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(target, padding_side="left")
    turns = [json.loads(line)["turns"][0] for line in prompts.read_text("utf-8").splitlines()]
    turns.sort(key=len)  # like lengths together: little padding
    chats = [[{"role": "user", "content": turn}] for turn in turns]
    answers = []
    for start in range(0, len(chats), lines):
        opening = tokenizer.apply_chat_template(
            chats[start : start + lines],
            add_generation_prompt=True,
            padding=True,
            return_tensors="pt",
            return_dict=True,
        )
        written = model.generate(**opening, max_new_tokens=tokens, do_sample=False)
        width = opening["input_ids"].shape[1]
        for ids, mask in zip(written, opening["attention_mask"], strict=True):
            answers.append(trim(ids.numpy(), width, int(mask.sum()), tokenizer.eos_token_id))
        print(f"{len(answers)} of {len(chats)} answers", flush=True)
    return answers


def trim(ids: np.ndarray, width: int, prompt: int, eos: int) -> Answer:
    """A line of a padded batch without its padding.

    Args:
        ids: padding, prompt, answer, padding.
        width: where the answer begins.
        prompt: tokens of the prompt.
        eos: token that ends an answer and belongs to it.
    """
    ends = np.flatnonzero(ids[width:] == eos)
    stop = width + int(ends[0]) + 1 if len(ends) else len(ids)
    return Answer(ids[width - prompt : stop], prompt)


def bench_answers(target: str, prompts: Path, tokens: int, folder: Path) -> list[Answer]:
    """``write_answers``, written once and then read from ``folder``."""
    kept = folder / f"{Path(target).name}_{prompts.stem}_{tokens}.npz"
    if not kept.exists():
        answers = write_answers(target, prompts, tokens)
        folder.mkdir(parents=True, exist_ok=True)
        columns = {str(i): answer.ids for i, answer in enumerate(answers)}
        begun = kept.with_suffix(".part.npz")
        first = [answer.first for answer in answers]
        np.savez(begun, first=first, target=target_mark(target), **columns)
        begun.replace(kept)
    with np.load(kept) as file:
        if "target" in file:  # the name of a folder is no target's own
            hold_to_target(kept, str(file["target"]), target_mark(target))
        return [Answer(file[str(i)], int(first)) for i, first in enumerate(file["first"])]


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", help="of a draft model")
    parser.add_argument("--labels", type=Path, nargs="+", default=[Path("runs/labels")])
    parser.add_argument("--target", default=TARGET)
    parser.add_argument("--prompts", type=Path, default=PROMPTS)
    parser.add_argument("--new-tokens", type=int, default=128)
    parser.add_argument("--held", type=int, default=60, help="held-out answers to measure on")
    parser.add_argument("--bench", type=Path, default=Path("runs/bench"))
    parser.add_argument("--num-draft", type=int, default=4)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    bench = bench_answers(args.target, args.prompts, args.new_tokens, args.bench)
    model = AutoModelForCausalLM.from_pretrained(args.folder, dtype=torch.float32).eval()
    held = held_out_answers(open_stores(args.labels, args.target))[: args.held]
    for name, answers in (("held-out answers", held), (args.prompts.stem, bench)):
        print(name, figures(model, answers, args.num_draft))


if __name__ == "__main__":
    main()
