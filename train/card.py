"""Ships a trained draft model: weights in bf16, its trees, and a card that says how good it is.

``python -m train.card`` turns the last checkpoint of ``runs/draft`` into
``assets/drafters/draft``, with figures measured on the very weights that it wrote.
"""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModelForCausalLM, LlamaForCausalLM

from train.arguments import machine_of
from train.curve import thin
from train.draft_card import CARD
from train.drawn import drawn_chances
from train.exam import HELD, all_ranks, table, texts
from train.labels import open_stores
from train.needs import DRAFTERS, PROMPTS, TARGET, read_target
from train.onward import MEAN, average, need_start, spare_longer, write_history
from train.precision import AUTO, dtype_of
from train.ranks import all_rows
from train.replaced import replaced
from train.standalone import Standalone
from train.state_feed import Part
from train.training import Training, revive
from train.trees import DRAWN_RANKS, greedy_chances, write_trees

DRAWN_ANSWERS = 3  # whose places the drawn children are judged at


def write_weights(training: Training, folder: Path) -> LlamaForCausalLM:
    """Save the model in bf16 and hand back what a reader of the folder gets, in fp32."""
    training.model.to(torch.bfloat16).save_pretrained(folder)
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


def examine(model: LlamaForCausalLM, parts: Mapping[str, Part], out: Path) -> dict[str, Any]:
    """Measure the model and its trees, which are written to ``out``; what the card says of it."""
    kind, words = Standalone(), model.lm_head.weight
    found = {name: all_ranks(kind, model, all_rows(part), words) for name, part in parts.items()}
    answers = all_rows(parts[HELD])[:DRAWN_ANSWERS]
    drawn = drawn_chances(kind, model, answers, words, DRAWN_RANKS)
    figures = table(found, write_trees(out / "trees.json", greedy_chances(found[HELD]), drawn))
    first = {name: np.concatenate(each)[:, 0] == 0 for name, each in found.items()}
    return dict(
        figures="\n".join(
            f"| {name} | {draft} | {length:.2f} | {tokens:,} / {rounds:,} |"
            for name, draft, length, tokens, rounds in figures
        ),
        agreement=" and ".join(f"{hit.mean():.1%} of {name}" for name, hit in first.items()),
        held=len(parts[HELD].labels),
    )


def thin_curve(curve: list[tuple[int, float, float]], lines: int = 12) -> str:
    """Lines of the card's curve."""
    kept = thin(curve, lines)
    return "\n".join(f"| {tokens:,} | {hit:.3f} | {length:.2f} |" for tokens, hit, length in kept)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, default=Path("runs/draft"))
    parser.add_argument("--out", type=Path, default=DRAFTERS / "draft")
    parser.add_argument(
        "--mean", type=Path, help="model that the run went on from, to average with"
    )
    parser.add_argument("--labels", type=Path, nargs="+", default=[Path("runs/labels")])
    parser.add_argument("--bench", type=Path, default=Path("runs/bench"))
    parser.add_argument("--target", default=TARGET)
    parser.add_argument("--prompts", type=Path, default=PROMPTS)
    parser.add_argument("--new-tokens", type=int, default=128)
    parser.add_argument("--held", type=int, default=60, help="held-out answers to measure on")
    parser.add_argument("--force", action="store_true", help="over one that learnt for longer")
    card(parser.parse_args())


def card(args: argparse.Namespace) -> None:
    """Write the folder and measure what a reader of it gets; then it takes its place.

    Raises:
        SystemExit: the run has no checkpoint yet, or what is there was trained for longer.
    """
    if not (args.run / "checkpoint.pt").exists():
        raise SystemExit(f"{args.run} has no checkpoint yet: nothing to ship")
    training = revive(args.run)
    spare_longer(training, args.out, args.force)
    if args.mean:
        need_start(training, args.mean, args.run)
        average(training.model, AutoModelForCausalLM.from_pretrained(args.mean, dtype="float32"))
    told = json.loads((args.run / "settings.json").read_text())
    with replaced(args.out) as folder:
        print(fill(folder, training, told, args))


def fill(
    folder: Path, training: Training, told: Mapping[str, Any], args: argparse.Namespace
) -> str:
    """Write weights, history, trees and card to ``folder``; returns the card's figures.

    Args:
        told: the training's settings.
    """
    stores = open_stores(args.labels, args.target)
    parts = texts(args, read_target(args.target, dtype_of(AUTO)))
    model = write_weights(training, folder)
    write_history(training, folder)
    found = examine(model, parts, folder)
    text = CARD.format(
        parameters=model.num_parameters() / 1e6,
        layers=model.config.num_hidden_layers,
        hidden=model.config.hidden_size,
        new_tokens=args.new_tokens,
        curve=thin_curve(training.curve),
        top=stores[0].top_ids.shape[1],
        steps=training.steps_before + training.step,
        trained=training.tokens,
        batch=told["tokens"],
        hours=training.seconds / 3600,
        **{name: told[name] for name in ("hard", "rate", "seed")},
        machine=machine_of(told),
        rows=f"{told['rows']:,}",
        unique=told["unique"],
        ending=MEAN if args.mean else "",
        **found,
    )
    (folder / "README.md").write_text(text, encoding="utf-8")
    return found["figures"]


if __name__ == "__main__":
    main()
