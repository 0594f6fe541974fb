"""Ships trained heads: weights, trees and a card with figures of the very weights it wrote.

``python -m train.ship eagle`` turns the last checkpoint of ``runs/eagle`` into
``assets/drafters/eagle``.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from train.arguments import machine_of
from train.drawn import drawn_chances
from train.exam import HELD, all_ranks, table, texts
from train.head_card import head_card, summary
from train.heads import FAMILIES, begin, read_shipped
from train.labels import LabelStore, common_tokens
from train.needs import DRAFTERS, PROMPTS, TARGET, read_target
from train.onward import MEAN, average, need_start, spare_longer, write_history
from train.precision import AUTO, dtype_of
from train.ranks import all_rows
from train.state_feed import open_parts
from train.training import Training
from train.trees import DRAWN_RANKS, greedy_chances, write_trees

NARROW = torch.float8_e4m3fn


def narrow(folder: Path) -> None:
    """Keep matrices in eight bits a weight: a relative error of 2.6 %, half the file.

    Five heads and a draft model fit into the project's 60 MB so; what reads the folder widens
    them again.
    """
    path = folder / "model.safetensors"
    tensors = {
        name: (w.to(NARROW) if w.ndim == 2 and w.is_floating_point() else w)
        for name, w in load_file(path).items()
    }
    save_file(tensors, path)


def common_ids(stores: Sequence[LabelStore], size: int, number: int, prior: float = 1e4) -> Tensor:
    """The ``number`` tokens most looked to, ascending.

    Args:
        prior: occurrences that are shared out among all tokens beforehand, more to those that
            the tokenizer learnt first.
    """
    counts, _ = common_tokens(list(stores), size, 1)
    counts = counts + prior / (np.arange(size) + 50)
    return torch.from_numpy(np.sort(np.argsort(-counts)[:number]))


def card_facts(
    training: Training,
    told: Mapping[str, Any],
    found: Mapping[str, list[np.ndarray]],
    figures: list[tuple[str, str, float, int, int]],
    head: nn.Module,
) -> dict[str, Any]:
    """What the card says of one training."""
    agreement = {
        name: [float((np.concatenate(each)[:, d] == 0).mean()) for d in range(each[0].shape[1])]
        for name, each in found.items()
    }
    return dict(
        {name: told[name] for name in ("hard", "rate", "seed", "tokens")},
        parameters=sum(weight.numel() for weight in head.parameters()) / 1e6,
        figures=figures,
        agreement=agreement,
        curve=training.curve,
        curve_rows=told["held"],
        level=1 - told["decay"],
        rows=f"{told['rows']:,}",
        unique=told["unique"],
        machine=machine_of(told),
        decay=FAMILIES[told["kind"]].decay,
        optimiser="Muon for matrices, AdamW for the rest" if told["muon"] else "AdamW",
        step=training.steps_before + training.step,
        trained=training.tokens,
        hours=training.seconds / 3600,
    )


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=FAMILIES)
    parser.add_argument("--run", type=Path, help="runs/KIND unless given")
    parser.add_argument("--out", type=Path, help="assets/drafters/KIND unless given")
    parser.add_argument(
        "--mean", type=Path, help="heads that the run went on from, to average with"
    )
    parser.add_argument("--labels", type=Path, nargs="+", default=[Path("runs/labels")])
    parser.add_argument("--bench", type=Path, default=Path("runs/bench"))
    parser.add_argument("--target", default=TARGET)
    parser.add_argument("--prompts", type=Path, default=PROMPTS)
    parser.add_argument("--new-tokens", type=int, default=128)
    parser.add_argument("--drawn", type=int, default=3, help="answers for drawn trees")
    parser.add_argument("--vocab", type=int, default=8192, help="tokens that the heads guess")
    parser.add_argument("--held", type=int, default=60, help="held-out answers to measure on")
    parser.add_argument("--narrow", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--force", action="store_true", help="over one that learnt for longer")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    ship(args)


def ship(args: argparse.Namespace) -> None:
    """Write the folder, then measure what a reader of it gets.

    Raises:
        SystemExit: the run has no checkpoint, and an untrained head would be shipped; or what
            is there was trained for longer.
    """
    run, out = args.run or Path("runs") / args.kind, args.out or DRAFTERS / args.kind
    family = FAMILIES[args.kind]
    if not (run / "checkpoint.pt").exists():
        raise SystemExit(f"{run} has no checkpoint yet: nothing to ship")
    told = argparse.Namespace(**json.loads((run / "settings.json").read_text()))
    told.out, told.labels, told.device = run, args.labels, "cpu"
    training, speech = begin(family, open_parts(args.labels), told)
    spare_longer(training, out, args.force)
    if args.mean:
        need_start(training, args.mean, run)
        average(training.model, family.grown(read_shipped(args.kind, args.mean, args.target)))
    # before anything is overwritten: the questions may be missing
    parts = texts(args, read_target(args.target, dtype_of(AUTO)))
    stores = [part.labels for part in open_parts(args.labels)]
    ids = common_ids(stores, len(speech.words), args.vocab)
    family.save(family.limited(training.model.eval(), ids), out)
    if args.narrow:
        narrow(out)
    write_history(training, out)
    head, words = read_shipped(args.kind, out, args.target), speech.words
    found = {name: all_ranks(family, head, all_rows(part), words) for name, part in parts.items()}
    chances = greedy_chances(found[HELD])
    drawn = drawn_chances(family, head, all_rows(parts[HELD])[: args.drawn], words, DRAWN_RANKS)
    figures = table(found, write_trees(out / "trees.json", chances, drawn))
    told = card_facts(training, vars(told), found, figures, head)
    told |= dict(vocab=args.vocab, new_tokens=args.new_tokens, held=len(parts[HELD].labels))
    told["ending"] = MEAN if args.mean else ""
    told["bits"] = "matrices in eight bits (float8 e4m3; read in fp32)" if args.narrow else "fp32"
    (out / "README.md").write_text(head_card(args.kind, told), encoding="utf-8")
    print("\n".join(summary(told)))


if __name__ == "__main__":
    main()
