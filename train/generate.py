"""Lets the target answer more requests, and keeps its laws and states as it writes.

``python -m train.generate`` adds a folder of labels to ``runs/labels/own`` (``imagined`` where the
target thinks of the requests) for each batch of answers, every other batch greedy, until told to
stop; interrupted, it goes on with the next.

Requests and answers come of the seed.  Unless it is given it is the one that the folder was begun
with, and of a new folder how many steps the shipped drafters were trained for: they have most
likely learnt from what the seeds of fewer steps bring, and those of another training asks anew.
"""

import argparse
import json
import lzma
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from transformers import AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from train.collect import LABELS
from train.imagine import imagine
from train.needs import CORPUS, DRAFTERS, REQUESTS, TARGET, need_text, read_target
from train.onward import HISTORY, steps_of
from train.precision import AUTO, dtype_of
from train.progress import Progress
from train.requests import requests
from train.whose import TARGET_FACT, hold_to_target, said_by, target_mark
from train.writing import keep, write


def questions(corpus: Path, skip: int, share: int, seed: int) -> Iterator[str]:
    """Requests of ``train.requests``, and after every ``share`` of them one of the corpus."""
    need_text(path := corpus / REQUESTS, "--corpus")
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        left = [json.loads(line)["prompt"] for line in islice(lines, skip, None)]
    order = np.random.default_rng(seed).permutation(len(left))
    own = requests(seed)
    for index in order:
        yield from islice(own, share)
        yield left[index]


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, default=CORPUS)
    parser.add_argument("--skip", type=int, default=2880, help="prompts that are answered already")
    parser.add_argument("--share", type=int, default=3, help="own requests for one of the corpus")
    parser.add_argument(
        "--imagine", action="store_true", help="the target thinks of the requests itself"
    )
    parser.add_argument("--target", default=TARGET)
    parser.add_argument("--out", type=Path, help="runs/labels/own or imagined unless given")
    parser.add_argument("--batches", type=int, default=24)
    parser.add_argument("--lines", type=int, default=64, help="answers of a batch")
    parser.add_argument("--new-tokens", type=int, default=192)
    parser.add_argument("--few", type=float, default=0.2, help="share of answers that is cut off")
    parser.add_argument("--temperature", type=float, default=0.7, help="of every other batch")
    parser.add_argument("--longest", type=int, default=160, help="tokens of a prompt")
    parser.add_argument("--top", type=int, default=64)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default=AUTO, help="of the target; auto is what is faster")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, help="see above unless given")
    parser.add_argument(
        "--drafters", type=Path, default=DRAFTERS, help="shipped ones, whose steps are a seed"
    )
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    generate(args)


def generate(args: argparse.Namespace) -> None:
    """Answer every batch that is not there yet."""
    dtype = dtype_of(args.dtype, args.device)
    target = read_target(args.target, dtype, attn_implementation="grouped").to(args.device)
    tokenizer = AutoTokenizer.from_pretrained(args.target)
    args.eos = tokenizer.eos_token_id
    args.out = args.out or LABELS / ("imagined" if args.imagine else "own")
    args.mark = target_mark(args.target)
    for kept in args.out.glob("*/facts.json"):
        hold_to_target(args.out, said_by(kept.parent), args.mark)
    if args.seed is None:
        args.seed = seed_of(args.out, args.drafters)
    asked = iter(()) if args.imagine else questions(args.corpus, args.skip, args.share, args.seed)
    done = sum((args.out / f"{index:04d}" / "whole").exists() for index in range(args.batches))
    print(f"{done} of {args.batches} batches are in {args.out}", flush=True)
    progress, told = Progress(args.batches - done, "batches", every=5.0), 0
    for index in range(args.batches):
        texts, folder = list(islice(asked, args.lines)), args.out / f"{index:04d}"
        if (folder / "whole").exists():
            continue
        torch.manual_seed(args.seed * 10_000 + index)
        texts = imagine(target, tokenizer, args) if args.imagine else texts
        told += answer(target, tokenizer, texts, folder, index, args)
        progress.advance(1, f"{told:,} tokens")


def seed_of(folder: Path, drafters: Path) -> int:
    """The seed that the batches in ``folder`` were written with, or one that is new."""
    for kept in sorted(folder.glob("*/facts.json")):
        return int(json.loads(kept.read_text("utf-8")).get("seed", 0))
    return sum(steps_of(path.parent) for path in drafters.glob(f"*/{HISTORY}"))


def answer(
    target: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    texts: list[str],
    folder: Path,
    index: int,
    args: argparse.Namespace,
) -> int:
    """Answer one batch of requests and keep it in ``folder``; returns its tokens."""
    chats = [[{"role": "user", "content": text}] for text in texts]
    opened = [
        tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_dict=True)
        for chat in chats
    ]
    prompts = [chat["input_ids"] for chat in opened if len(chat["input_ids"]) <= args.longest]
    if not prompts:  # of a few lines none may be finished, or short enough
        return 0
    temperature = args.temperature * (index % 2)
    facts = dict(part="own", top=args.top, temperature=temperature, seed=args.seed)
    facts[TARGET_FACT] = args.mark
    count = keep(folder, write(target, prompts, temperature, args), temperature == 0, facts)
    (folder / "whole").touch()
    return count


if __name__ == "__main__":
    main()
