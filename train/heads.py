"""Trains heads: ``python -m train.heads eagle`` and so on, one loop for every kind.

It trains on what ``train.collect`` and ``train.generate`` have kept and goes on from the last
checkpoint; the learning rate falls over the last ``--decay`` of the steps, so a run stopped
early goes on, or ends, with another ``--steps``.
"""

import argparse
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from transformers import AutoConfig

from engine.heads.checkpoint import open_heads
from engine.heads.kinds import KINDS
from engine.heads.logit_shape import PLAIN, LogitShape, logit_shape
from train.arguments import read_arguments, training_parser
from train.distil import distil
from train.eagle import Eagle
from train.eagle3 import Eagle3
from train.family import Aids, Family, after
from train.hydra import Hydra
from train.labels import common_tokens, text_facts
from train.loss import slice_vocabulary
from train.medusa import Medusa
from train.needs import read_target
from train.onward import keep_before, read_history, take_weights
from train.ranks import Chains, chain_figures, held_out_parts
from train.state_feed import Part, StateBatch, feed_states, gather_states, open_parts
from train.states import LAST
from train.training import Training, make_optimizers, rate_at, take_up

FAMILIES: dict[str, Family] = {
    "eagle": Eagle(),
    "hydra": Hydra(),
    "medusa": Medusa(),
    "hydra++": Hydra(num_layers=2, has_prefix=True),
    "eagle3": Eagle3(),
}


class Speech(NamedTuple):
    """The target's embedding and head [V, H], which no training here changes, and common tokens.

    ``shape`` is what makes logits of the head's products.
    """

    words: Tensor
    common: Tensor
    shape: LogitShape = PLAIN


def learn(
    training: Training, family: Family, batch: StateBatch, speech: Speech, args: argparse.Namespace
) -> float:
    """One step; its loss in nats, the guesses weighted."""
    device = speech.words.device
    with torch.autocast(device.type, torch.bfloat16, enabled=args.autocast):
        loss = batch_loss(training, family, batch, speech, args)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(training.model.parameters(), 1.0)
    share = rate_at(training.step, args.steps, args.warmup, args.decay)
    for optimizer in training.optimizers:
        for group in optimizer.param_groups:
            group["lr"] = args.rate * share
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    training.step += 1
    training.tokens += int((batch.stop - batch.first).sum())
    return loss.item()


def batch_loss(
    training: Training, family: Family, batch: StateBatch, speech: Speech, args: argparse.Namespace
) -> Tensor:
    """Weighted mean of what the guesses of ``batch`` lack."""
    head, known = training.model, family.draft_ids(training.model)
    if known is None:
        seen = batch.top_ids[batch.top_probs > 0.05].long()
        certain = torch.cat([speech.common, seen, batch.top_ids[..., 0].flatten()]).unique()
        part = slice_vocabulary(certain, len(speech.words), args.random, training.generator)
    else:
        part = slice_vocabulary(known, len(speech.words), 0, training.generator)
    rows = speech.words[part.ids]  # gathered, and made shorter, once for all guesses
    rows = rows.bfloat16() if args.autocast else rows
    total, weights = torch.zeros(()), 0.0
    known_words = after(batch.ids, speech.words, family.num_ahead)
    for guess in family.guesses(head, batch, known_words, family.num_ahead):
        ids, probs = batch.law(guess.asked, guess.ahead)
        weight = family.decay**guess.ahead
        lacks = distil(guess.hidden, rows, ids, probs, part, args.hard, speech.shape)
        total, weights = total + weight * (lacks + guess.penalty), weights + weight
    return total / weights


def begin(family: Family, parts: list[Part], args: argparse.Namespace) -> tuple[Training, Speech]:
    """A new training or the one that was left off."""
    torch.manual_seed(args.seed)
    target = read_target(args.target, torch.float32)
    words = target.requires_grad_(False).get_input_embeddings().weight
    counts, common = common_tokens([part.labels for part in parts], len(words), args.common)
    is_new = not (args.out / "checkpoint.pt").exists()
    sample, is_first = sample_of(parts, family, args), is_new and not args.shipped
    aids = Aids(target, torch.from_numpy(counts), scale_of(sample), sample if is_first else [])
    head = family.new(aids)
    if is_new and args.base:
        path = args.base / "checkpoint.pt"
        kept = torch.load(path, map_location="cpu", weights_only=True)["model"]
        head.load_state_dict(kept, strict=False)
    if is_new and args.shipped:
        take_weights(head, family.grown(read_shipped(args.kind, args.shipped, args.target)))
    head.to(args.device)
    optimizers = make_optimizers(head, args.rate, args.muon)
    training = Training(head, optimizers, torch.Generator().manual_seed(args.seed))
    if not is_new:
        training.load(args.out / "checkpoint.pt")
    elif args.shipped:
        read_history(training, args.shipped)
    told = words.to(args.device), torch.tensor(common, device=args.device)
    return training, Speech(*told, logit_shape(target.config))


def read_shipped(kind: str, folder: Path, target: str) -> nn.Module:
    """The heads that a reader of ``folder`` gets, in fp32."""
    file = open_heads(folder, KINDS[kind].stems)
    return KINDS[kind].read(file, AutoConfig.from_pretrained(target)).float().eval()


def sample_of(
    parts: list[Part], family: Family, args: argparse.Namespace
) -> list[tuple[StateBatch, Tensor]]:
    """Some training batches beside the last states in them, for what is set before training."""
    dealt = islice(feed_states(parts, args.tokens, args.seed), args.sample)
    return [
        (gather_states(part, rows, family.columns), gather_states(part, rows, (LAST,)).states)
        for part, rows in dealt
    ]


def scale_of(sample: list[tuple[StateBatch, Tensor]]) -> Tensor:
    """[S * H] root mean square of the states' entries, the first tokens left out."""
    found = []
    for batch, _ in sample[:8]:
        inside = torch.arange(batch.ids.shape[1]) < batch.stop[:, None]
        inside[:, 0] = False  # attention sinks: out of all proportion
        found.append(batch.states[inside])
    return torch.cat(found).pow(2).mean(0).sqrt()


def resume(
    parts: list[Part], family: Family, args: argparse.Namespace, step: int
) -> Iterator[StateBatch]:
    """The batches from ``step`` on."""
    for number, (part, rows) in enumerate(feed_states(parts, args.tokens, args.seed)):
        if number >= step:
            yield gather_states(part, rows, family.columns).to(torch.device(args.device))


def train(args: argparse.Namespace) -> None:
    """Train up to ``args.steps``, with a checkpoint every few minutes."""
    family, parts = FAMILIES[args.kind], open_parts(args.labels, args.target)
    training, speech = begin(family, parts, args)
    held = Chains(held_out_parts(parts, args.held), speech.words)
    vars(args).update(text_facts([p.labels for p in parts], [p.ready for p in parts]))
    end = min(args.stop or args.steps, args.steps)
    take_up(training, args, end, len(held.rows))
    if args.shipped:
        keep_before(training, args.shipped, args.out)
    batches = resume(parts, family, args, training.step)
    training.run(
        end,
        lambda: learn(training, family, next(batches), speech, args),
        lambda head: chain_figures(family, head, held)[:2],
        args.out / "checkpoint.pt",
        args.minutes,
    )


def main() -> None:
    """Command line."""
    told = dict(steps=400, rate=2e-3, warmup=20, decay=0.5, common=3072, random=512, held=40)
    parser = training_parser(__doc__, **told)
    parser.add_argument("kind", choices=FAMILIES)
    parser.add_argument("--base", type=Path, help="run of another kind whose weights to begin with")
    parser.add_argument("--stop", type=int, default=0, help="break off after this step")
    parser.add_argument("--muon", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--sample", type=int, default=16, help="batches for what is set first")
    args = read_arguments(parser)
    args.out = args.out or Path("runs") / args.kind
    train(args)


if __name__ == "__main__":
    main()
