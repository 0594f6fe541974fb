"""A training under way: what it needs to go on, its optimisers and its learning rate."""

import argparse
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import AutoConfig, LlamaForCausalLM

from train.needs import need_target
from train.newborn import Shape, draft_config
from train.progress import Progress

COUNTS = ("step", "steps_before", "tokens", "seconds", "curve")


@dataclass(slots=True)
class Training:
    """All that a checkpoint must hold to go on as if never stopped."""

    model: nn.Module
    optimizers: list[torch.optim.Optimizer]
    generator: torch.Generator
    step: int = 0
    steps_before: int = 0  # of the trainings whose shipped weights it began with
    tokens: int = 0  # of the assistant, repeated ones counted again
    seconds: float = 0.0
    curve: list[tuple[int, float, float]] = field(default_factory=list)
    """Tokens trained, agreement and accepted length on held-out answers."""

    def save(self, path: Path) -> None:
        """Write a checkpoint; a crash on the way leaves the last one whole."""
        state = {name: getattr(self, name) for name in COUNTS}
        state["model"] = self.model.state_dict()
        state["optimizers"] = [optimizer.state_dict() for optimizer in self.optimizers]
        state["generator"] = self.generator.get_state()
        torch.save(state, path.with_suffix(".new"))
        path.with_suffix(".new").replace(path)

    def run(
        self,
        end: int,
        learn: Callable[[], float],
        measure: Callable[[nn.Module], tuple[float, float]],
        path: Path,
        minutes: float,
    ) -> None:
        """Train up to step ``end``, with a measured checkpoint in ``path`` every few minutes.

        Args:
            learn: makes one step and returns its loss in nats a token.
            measure: agreement and accepted length of the model on held-out answers.
        """
        progress, mean = Progress(end - self.step, "steps"), 0.0
        clock = time.perf_counter()
        while self.step < end:
            loss = learn()
            mean = loss if not mean else 0.95 * mean + 0.05 * loss
            progress.advance(1, f"step {self.step}, {self.tokens:,} tokens, loss {mean:.3f}")
            if self.step == end or time.perf_counter() - clock > 60 * minutes:
                agreement, accepted_length = measure(self.model.eval())
                self.model.train()
                self.curve.append((self.tokens, agreement, accepted_length))
                self.seconds += time.perf_counter() - clock
                clock = time.perf_counter()
                self.save(path)
                print(f"agreement {agreement:.4f}, accepted length {accepted_length:.3f}")

    def load(self, path: Path) -> None:
        """Go on from a checkpoint.

        Raises:
            SystemExit: it is of a model of another shape, or of other optimisers.
        """
        state = torch.load(path, map_location="cpu", weights_only=True)  # wherever it was trained
        model, optimizers = state.pop("model"), state.pop("optimizers")
        if _shapes(model) != _shapes(self.model.state_dict()) or (
            [_lengths(kept) for kept in optimizers]
            != [_lengths(own.state_dict()) for own in self.optimizers]
        ):
            raise SystemExit(
                f"{path.parent} holds a training of another shape or with other optimisers than "
                "this one: move it away, or name another --out"
            )
        self.model.load_state_dict(model)
        for optimizer, kept in zip(self.optimizers, optimizers, strict=True):
            optimizer.load_state_dict(kept)
        self.generator.set_state(state.pop("generator"))
        for name, value in state.items():
            setattr(self, name, value)


def _shapes(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Size]:
    return {name: tensor.shape for name, tensor in tensors.items()}


def _lengths(optimizer: Mapping[str, Any]) -> list[int]:
    """Parameters of each group."""
    return [len(group["params"]) for group in optimizer["param_groups"]]


def take_up(training: Training, args: argparse.Namespace, end: int, held: int) -> None:
    """Say from where it goes on, and keep what it is told beside the checkpoints to come.

    Args:
        end: step to train to; with nothing left to train, what an earlier run was told stays.
        held: answers to measure on.

    Raises:
        SystemExit: there are none: the first measure would fail before the first checkpoint.
    """
    if not held:
        folders = ", ".join(map(str, args.labels))
        raise SystemExit(f"no greedy answer in {folders} is held out: collect or generate more")
    if training.step:
        unread = f"; {args.shipped} is not read" if args.shipped else ""
        print(f"goes on from step {training.step:,} of {args.out}{unread}", flush=True)
    if training.step < end:
        args.out.mkdir(parents=True, exist_ok=True)
        told = json.dumps(vars(args), default=str, indent=1)
        (args.out / "settings.json").write_text(told)


def make_optimizers(
    model: nn.Module, rate: float, use_muon: bool = True
) -> list[torch.optim.Optimizer]:
    """Muon (Jordan et al. 2024) for the layers' matrices, AdamW for embeddings and all else."""
    linears = [m.weight for m in model.modules() if isinstance(m, nn.Linear)]
    words = [m.weight for m in model.modules() if isinstance(m, nn.Embedding)]
    matrices = [w for w in linears if use_muon and all(w is not word for word in words)]
    others = [p for p in model.parameters() if all(p is not matrix for matrix in matrices)]
    chosen: list[torch.optim.Optimizer] = [
        torch.optim.AdamW(others, rate, betas=(0.9, 0.98), weight_decay=0.0, fused=True)
    ]
    if matrices:
        muon = torch.optim.Muon(matrices, rate, weight_decay=0.1, adjust_lr_fn="match_rms_adamw")
        chosen.insert(0, muon)
    return chosen


def rate_at(step: int, steps: int, warmup: int, decay: float) -> float:
    """Share of the full learning rate: up over ``warmup`` steps, level, down to the end."""
    fall = (steps - step) / max(decay * steps, 1)
    return max(min(1.0, (step + 1) / max(warmup, 1), fall), 0.0)


def revive(run: Path) -> Training:
    """The training that ``run`` holds, without what it learnt from."""
    told = json.loads((run / "settings.json").read_text())
    need_target(told["target"])
    shape = Shape(layers=told["layers"], intermediate=told["intermediate"])
    model = LlamaForCausalLM(draft_config(AutoConfig.from_pretrained(told["target"]), shape))
    training = Training(model, make_optimizers(model, told["rate"]), torch.Generator())
    training.load(run / "checkpoint.pt")
    return training
