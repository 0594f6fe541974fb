"""Distils the draft model: a small Llama that learns the target's law over its own answers.

``python -m train.draft --steps 1500`` trains on what ``train.collect`` has kept and goes on
from the last checkpoint; the learning rate falls over the last ``--decay`` of the steps, so a
run stopped early goes on, or ends, with another ``--steps``.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import torch
from transformers import LlamaForCausalLM

from train.arguments import read_arguments, training_parser
from train.distil import distil
from train.feed import Batch, feed
from train.labels import LabelStore, common_tokens, open_stores, text_facts
from train.loss import slice_vocabulary
from train.measure import figures, held_out_answers
from train.needs import read_target
from train.newborn import Shape, new_draft
from train.onward import keep_before, read_history
from train.training import Training, make_optimizers, rate_at, take_up


def learn(
    training: Training, batch: Batch, common: torch.Tensor, args: argparse.Namespace
) -> float:
    """One step; its loss in nats a token."""
    model, device = training.model, training.model.device
    batch = Batch(*(column.to(device) for column in batch))
    seen = batch.top_ids[batch.top_probs > 0.02]
    certain = torch.cat([common, seen, batch.top_ids[:, 0]]).unique()
    part = slice_vocabulary(certain, model.config.vocab_size, args.random, training.generator)
    with torch.autocast(device.type, torch.bfloat16, enabled=args.autocast):
        states = model.model(batch.ids, use_cache=False).last_hidden_state
    head = model.lm_head.weight[part.ids]
    head = head.bfloat16() if args.autocast else head
    states = states.flatten(0, 1)[batch.where]
    loss = distil(states, head, batch.top_ids, batch.top_probs, part, args.hard)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    share = rate_at(training.step, args.steps, args.warmup, args.decay)
    for optimizer in training.optimizers:
        for group in optimizer.param_groups:
            group["lr"] = args.rate * share
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    training.step += 1
    training.tokens += len(batch.where)
    return loss.item()


def begin(args: argparse.Namespace, stores: list[LabelStore]) -> tuple[Training, torch.Tensor]:
    """A new training or the one that was left off, and the common tokens."""
    torch.manual_seed(args.seed)
    target = read_target(args.target, torch.float32)
    counts, common = common_tokens(stores, target.config.vocab_size, args.common)
    shape = Shape(layers=args.layers, intermediate=args.intermediate)
    if args.shipped:
        model = LlamaForCausalLM.from_pretrained(args.shipped, dtype=torch.float32)
        args.layers = model.config.num_hidden_layers  # whatever was asked for: it is kept
        args.intermediate = model.config.intermediate_size
    else:
        model = new_draft(target, counts, shape)
    model.to(args.device).train()
    generator = torch.Generator().manual_seed(args.seed)
    training = Training(model, make_optimizers(model, args.rate), generator)
    if (args.out / "checkpoint.pt").exists():
        training.load(args.out / "checkpoint.pt")
    elif args.shipped:
        read_history(training, args.shipped)
    return training, torch.tensor(common, device=args.device)


def resume(stores: list[LabelStore], args: argparse.Namespace, step: int) -> Iterator[Batch]:
    """The batches from ``step`` on."""
    batches = feed(stores, args.tokens, args.seed)
    for _ in range(step):
        next(batches)
    return (batch for _, batch in batches)


def train(args: argparse.Namespace) -> None:
    """Train up to ``args.steps``, with a checkpoint every few minutes."""
    stores = open_stores(args.labels, args.target)
    training, common = begin(args, stores)
    held = held_out_answers(stores)[: args.held]
    vars(args).update(text_facts(stores, [store.done for store in stores]))
    take_up(training, args, args.steps, len(held))
    if args.shipped:
        keep_before(training, args.shipped, args.out)
    batches = resume(stores, args, training.step)
    training.run(
        args.steps,
        lambda: learn(training, next(batches), common, args),
        lambda model: figures(model, held)[:2],
        args.out / "checkpoint.pt",
        args.minutes,
    )


def main() -> None:
    """Command line."""
    told = dict(steps=2000, rate=8e-3, warmup=80, decay=0.3, common=8192, random=1024, held=60)
    parser = training_parser(__doc__, **told)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--intermediate", type=int, default=768)
    args = read_arguments(parser)
    args.out = args.out or Path("runs/draft")
    train(args)


if __name__ == "__main__":
    main()
