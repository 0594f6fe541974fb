"""The command line that all trainings share: what is learnt from, how long, and on what."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from train.needs import TARGET
from train.precision import faster_dtype


def training_parser(about: str | None, **defaults: float) -> argparse.ArgumentParser:
    """A parser of what every training is told.

    Args:
        defaults: of the settings that differ from drafter to drafter.
    """
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--labels", type=Path, nargs="+", default=[Path("runs/labels")])
    parser.add_argument("--target", default=TARGET)
    parser.add_argument("--out", type=Path, help="the drafter's folder in runs unless given")
    parser.add_argument("--shipped", type=Path, help="folder of a drafter to go on from")
    parser.add_argument("--steps", type=int)
    parser.add_argument("--tokens", type=int, default=2048, help="of a batch, padding included")
    parser.add_argument("--rate", type=float, help="highest learning rate")
    parser.add_argument("--warmup", type=int, help="steps")
    parser.add_argument("--decay", type=float, help="share of the steps")
    parser.add_argument("--hard", type=float, default=0.2, help="share of one-hot in the label")
    parser.add_argument("--common", type=int, help="tokens always in the softmax")
    parser.add_argument("--random", type=int, help="others drawn for each step")
    parser.add_argument("--held", type=int, help="held-out answers to measure on")
    parser.add_argument("--minutes", type=float, default=4.0, help="between checkpoints")
    parser.add_argument(
        "--autocast",
        action=argparse.BooleanOptionalAction,
        help="to bf16; where that is faster unless given",
    )
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.set_defaults(**defaults)
    return parser


def machine_of(told: Mapping[str, Any]) -> str:
    """What a training ran on, by its settings."""
    if told["device"] != "cpu":
        return f"a {told['device']} device"
    return "one CPU core" if told["threads"] == 1 else f"{told['threads']} CPU cores"


def read_arguments(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """What the command line says; what it leaves open is settled, the threads are set."""
    args = parser.parse_args()
    if args.autocast is None:
        args.autocast = faster_dtype(args.device) is torch.bfloat16
    torch.set_num_threads(args.threads)
    return args
