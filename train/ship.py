"""Ships trained heads: weights, trees and a card with figures of the very weights it wrote.

``python -m train.ship eagle`` turns the last checkpoint of ``runs/eagle`` into
``assets/drafters/eagle``.
"""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from train.arguments import machine_of
from train.drawn import drawn_chances
from train.exam import HELD, all_ranks, table, texts
from train.head_card import head_card, summary
from train.heads import FAMILIES, begin, read_shipped
from train.lighter import common_ids, narrow
from train.needs import DRAFTERS, PROMPTS, TARGET, read_target
from train.onward import MEAN, average, need_start, spare_longer, write_history
from train.precision import AUTO, dtype_of
from train.ranks import all_rows
from train.replaced import replaced
from train.state_feed import open_parts
from train.training import Training
from train.trees import DRAWN_RANKS, greedy_chances, write_trees


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
    """Write the folder and measure what a reader of it gets; then it takes its place.

    Raises:
        SystemExit: the run has no checkpoint, and an untrained head would be shipped; or what
            is there was trained for longer.
    """
    run, out = args.run or Path("runs") / args.kind, args.out or DRAFTERS / args.kind
    family = FAMILIES[args.kind]
    if not (run / "checkpoint.pt").exists():
        raise SystemExit(f"{run} has no checkpoint yet: nothing to ship")
    told = json.loads((run / "settings.json").read_text())
    here = dict(out=run, labels=args.labels, device="cpu")  # wherever it was trained
    training, speech = begin(
        family, open_parts(args.labels, args.target), argparse.Namespace(**told | here)
    )
    spare_longer(training, out, args.force)
    if args.mean:
        need_start(training, args.mean, run)
        average(training.model, family.grown(read_shipped(args.kind, args.mean, args.target)))
    with replaced(out) as folder:
        facts = fill(folder, training, speech.words, told, args)
    print("\n".join(summary(facts)))


def fill(
    folder: Path,
    training: Training,
    words: Tensor,
    told: Mapping[str, Any],
    args: argparse.Namespace,
) -> dict[str, Any]:
    """Write weights, history, trees and card to ``folder``; returns what the card says.

    Args:
        words: [V, H] the target's embedding.
        told: the training's settings.
    """
    family = FAMILIES[args.kind]
    parts = texts(args, read_target(args.target, dtype_of(AUTO)))
    stores = [part.labels for part in open_parts(args.labels, args.target)]
    ids = common_ids(stores, len(words), args.vocab)
    family.save(family.limited(training.model.eval(), ids), folder)
    if args.narrow:
        narrow(folder)
    write_history(training, folder)
    head = read_shipped(args.kind, folder, args.target)
    found = {name: all_ranks(family, head, all_rows(part), words) for name, part in parts.items()}
    chances = greedy_chances(found[HELD])
    drawn = drawn_chances(family, head, all_rows(parts[HELD])[: args.drawn], words, DRAWN_RANKS)
    figures = table(found, write_trees(folder / "trees.json", chances, drawn))
    facts = card_facts(training, told, found, figures, head)
    facts |= dict(vocab=args.vocab, new_tokens=args.new_tokens, held=len(parts[HELD].labels))
    facts["ending"] = MEAN if args.mean else ""
    facts["bits"] = "matrices in eight bits (float8 e4m3; read in fp32)" if args.narrow else "fp32"
    (folder / "README.md").write_text(head_card(args.kind, facts), encoding="utf-8")
    return facts


if __name__ == "__main__":
    main()
