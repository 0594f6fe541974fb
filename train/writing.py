"""The target's answers to many prompts at once, with its laws and states as it writes."""

import argparse
from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn
from transformers import AttentionInterface, PreTrainedModel, StaticCache

from train.collect import top_law
from train.corpus import Row
from train.labels import LabelStore
from train.sheet import Sheet
from train.states import LAST, StateStore, tapped

DENSE = 0.8  # of a batch's lines; fewer are worth a copy of their caches


class Written(NamedTuple):
    """Answers of one batch, prompts padded on the left to one width; all on the CPU.

    Attributes:
        ids: [B, T] prompt and answer.
        pad: [B] padding before each prompt.
        stop: [B] where each answer ends.
        width: where the answers begin.
        states: column -> [B, T, H] fp16.
        top_ids, top_logprobs: [B, T, K] the target's law behind each token from the prompt's
            last on, without mass before.
    """

    ids: torch.Tensor
    pad: list[int]
    stop: list[int]
    width: int
    states: dict[str, torch.Tensor]
    top_ids: torch.Tensor
    top_logprobs: torch.Tensor


def attend_grouped(
    module: nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor,
    scaling: float,
    **_: object,
) -> tuple[torch.Tensor, None]:
    """Attention [B, n, H, D] that reads each shared key once, free slots (masked) among them.

    The slots in use alone are no dense tensor, so that a product would copy them first: at 200
    of 256 slots, 96 lines in bf16, 2.3 ms a layer for 0.6 of all.
    """
    batch, heads, rows, size = query.shape
    groups, slots = key.shape[1:3]
    keys, values = key.flatten(0, 1), value.flatten(0, 1)
    scores = torch.bmm(query.reshape(batch * groups, -1, size) * scaling, keys.mT)
    apart = scores.view(batch, groups, -1, rows, slots)  # [B, G, heads of a group, n, S]
    weights = apart.masked_fill_(~attention_mask[:, :, None], -torch.inf).softmax(-1)
    mixed = torch.bmm(weights.view_as(scores), values)
    return mixed.view(batch, heads, rows, size).transpose(1, 2), None


AttentionInterface.register("grouped", attend_grouped)


@torch.inference_mode()
def write(
    target: PreTrainedModel, prompts: list[list[int]], temperature: float, args: argparse.Namespace
) -> Written:
    """Answer ``prompts`` together; stops early once few of them are still being written."""
    lines, width, device = len(prompts), max(map(len, prompts)), target.device
    pad = [width - len(prompt) for prompt in prompts]
    ids = torch.zeros(lines, width + args.new_tokens, dtype=torch.long)
    for line, prompt, before in zip(ids, prompts, pad, strict=True):
        line[before:width] = torch.tensor(prompt)
    ids, padding = ids.to(device), torch.tensor(pad, device=device)
    capacity = ids.shape[1]
    cache = StaticCache(config=target.config, max_cache_len=capacity)
    ends = torch.full((lines,), capacity, device=device)
    live = torch.arange(lines, device=device)  # the lines that the passes still read
    sheet, at, end = Sheet(lines, capacity, device), 0, width
    while True:
        states = _read(target, ids[live, at:end], padding[live], at, cache, capacity)
        laws = _laws(target, states[LAST], args.top)
        sheet.put(live, slice(at, end), states, *laws)
        writing = ends[live] > end
        left = int(writing.sum())
        if end == capacity or left < lines * args.few or left == 0:
            break
        ids[live, end] = _choose(*laws, temperature)
        ends[live[writing & (ids[live, end] == args.eos)]] = end + 1
        if left <= len(live) * DENSE:
            live = live[writing]
            cache.reorder_cache(writing.nonzero()[:, 0])
        at, end = end, end + 1
    return Written(ids[:, :end].cpu(), pad, ends.clamp(max=end).tolist(), width, *sheet.cut(end))


def _laws(
    target: PreTrainedModel, states: torch.Tensor, top: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Laws [B, n, K] of which the last is read from ``states`` [B, n, H], the others are empty.

    Nothing is ever asked of a law inside a prompt, and the head is the dearest product of all.
    """
    shape = (*states.shape[:2], top)
    logprobs = torch.full(shape, -torch.inf, device=states.device)
    ids = torch.zeros(shape, dtype=torch.long, device=states.device)
    logprobs[:, -1], ids[:, -1] = top_law(target, states[:, -1], top)
    return logprobs, ids


def _choose(logprobs: torch.Tensor, tops: torch.Tensor, temperature: float) -> torch.Tensor:
    """Next tokens [B] of the last of the laws [B, n, K]; the few percent behind are left out."""
    if temperature == 0:
        return tops[:, -1, 0]
    law = (logprobs[:, -1].float() / temperature).softmax(-1)
    return tops[:, -1].gather(1, torch.multinomial(law, 1))[:, 0]


def _read(
    target: PreTrainedModel,
    ids: torch.Tensor,
    pad: torch.Tensor,
    at: int,
    cache: StaticCache,
    capacity: int,
) -> dict[str, torch.Tensor]:
    """One pass over ``ids`` [B, n] from slot ``at`` of ``capacity`` on; its states [B, n, H]."""
    slots = torch.arange(at, at + ids.shape[1], device=ids.device)
    keys = torch.arange(capacity, device=ids.device)
    seen = (keys <= slots[:, None]) & (keys >= pad[:, None, None])  # [B, n, S]
    seen |= keys == slots[:, None]  # a row of padding must look somewhere
    told = target.model(
        ids,
        attention_mask=seen[:, None],
        position_ids=(slots - pad[:, None]).clamp(min=0),
        past_key_values=cache,
        use_cache=True,
        output_hidden_states=True,
    )
    layers = tapped(target.config.num_hidden_layers)
    return {name: told.hidden_states[index] for name, index in layers.items()}


def keep(folder: Path, written: Written, greedy: bool, facts: dict[str, object]) -> int:
    """Write a batch as a store of its own; returns its tokens."""
    spans = [slice(before, stop) for before, stop in zip(written.pad, written.stop, strict=True)]
    rows = [
        Row(line[span].tolist(), written.width - span.start, greedy)
        for line, span in zip(written.ids, spans, strict=True)
    ]
    hidden = written.states[LAST].shape[-1]
    labels = LabelStore.create(folder, rows, written.top_ids.shape[-1], facts)
    states = StateStore.create(folder, labels, hidden)
    for row, span in enumerate(spans):
        place = labels.span(row)
        labels.top_ids[place] = written.top_ids[row, span]
        labels.top_logprobs[place] = written.top_logprobs[row, span]
        for name, column in states.columns.items():
            column[place] = written.states[name][row, span]
        labels.done[row] = states.done[row] = True
    return int(labels.starts[-1])
