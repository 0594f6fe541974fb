"""What a pass over the nodes of a tree costs: as transformers runs it, and packed.

``python -m bench.pass_cost``: all contestants read all numbers of nodes in turn, again and again,
so that a slow moment hits them alike.  A ratio is that of two passes of one turn; quoted are
medians and quartiles.
"""

import argparse
from collections.abc import Sequence
from time import perf_counter

import torch
from transformers import Cache, DynamicCache, PreTrainedModel

from bench.report import Spread, print_table, spread, write_json
from engine import load
from engine.cache import SlotCache
from engine.packed import pack

NODES = (1, 2, 4, 6, 8, 12, 16, 32, 64)
CONTEXTS = (64, 512)
PREFILLS = (64, 512, 1024)
THEIRS, OURS, FULL = "transformers", "packed", "packed, fp32 weights"

Timings = dict[str, list[float]]  # contestant -> seconds, one per repeat


def main() -> None:
    """A table per context, one for reading a prompt, and all of it as JSON."""
    repeats = _arguments().repeats
    models = {THEIRS: load(packed=False).target, OURS: load().target}
    models[FULL] = load(packed=False).target
    pack(models[FULL], halve=False)
    found = {}
    for context in CONTEXTS:
        passes = _time_passes(models, context, NODES, repeats)
        _print(f"one pass at context {context}, ms", "nodes", passes, OURS)
        found[f"context {context}"] = _summary(passes)
    reads = _time_passes(models, 0, PREFILLS, max(3, repeats // 4))
    _print("reading a prompt, ms", "tokens", reads, OURS)
    print(write_json("pass_cost", found | {"prefill": _summary(reads)}))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=25)
    return parser.parse_args()


@torch.inference_mode()
def _time_passes(
    models: dict[str, PreTrainedModel], context: int, sizes: Sequence[int], repeats: int
) -> dict[int, Timings]:
    """Seconds of passes over each number of tokens behind ``context`` cached ones, all in turn."""
    most = max(sizes)
    caches = {name: _cache(name, model, context, most) for name, model in models.items()}
    inputs = {rows: _tree(context, rows) if context else _prompt(rows) for rows in sizes}
    timings: dict[int, Timings] = {rows: {name: [] for name in models} for rows in sizes}
    for repeat in range(repeats + 1):
        for rows in sizes:
            for name, model in models.items():
                start = perf_counter()
                model(**inputs[rows], past_key_values=caches[name], use_cache=True)
                if repeat:  # the first turn warms up
                    timings[rows][name].append(perf_counter() - start)
                _cut(caches[name], context)
    return timings


def _cache(name: str, model: PreTrainedModel, context: int, rows: int) -> Cache:
    """A cache with ``context`` tokens in it: transformers' own for its model, slots for ours."""
    if name == THEIRS:
        cache: Cache = DynamicCache(config=model.config)
    else:
        cache = SlotCache("target", model.config.num_hidden_layers, context + rows)
    if context:
        model(**_prompt(context), past_key_values=cache, use_cache=True)
        _cut(cache, context)
    return cache


def _cut(cache: Cache, context: int) -> None:
    if isinstance(cache, SlotCache):
        cache.truncate(context)
    elif cache.get_seq_length() > context:
        cache.crop(context - cache.get_seq_length())  # negative: that many from the end


def _prompt(rows: int) -> dict[str, torch.Tensor | int]:
    return {"input_ids": torch.arange(rows)[None] + 1000, "logits_to_keep": 1}


def _tree(context: int, nodes: int) -> dict[str, torch.Tensor | None]:
    """A binary tree of ``nodes`` behind ``context`` tokens."""
    seen, depths = torch.eye(nodes, dtype=torch.bool), [0] * nodes
    for node in range(1, nodes):
        parent = (node - 1) // 2
        seen[node] |= seen[parent]
        depths[node] = depths[parent] + 1
    hidden = torch.nn.functional.pad(~seen, (context, 0))
    mask = torch.zeros(hidden.shape).masked_fill(hidden, torch.finfo(torch.float32).min)
    return {
        "input_ids": torch.arange(nodes)[None] + 2000,
        "attention_mask": mask[None, None] if nodes > 1 else None,
        "position_ids": context + torch.tensor([depths]),
    }


def _print(title: str, unit: str, timings: dict[int, Timings], ours: str) -> None:
    """Milliseconds, the ratios to transformers, and the growth over the first row."""
    names = list(next(iter(timings.values())))
    columns = [unit, *names, f"{THEIRS} / {ours}", f"{ours}, against the first row"]
    first = next(iter(timings.values()))[ours]
    rows = []
    for size, found in timings.items():
        cells = [str(_milliseconds(found[name])) for name in names]
        growth = _ratio(found[ours], first)
        rows.append([size, *cells, str(_ratio(found[THEIRS], found[ours])), str(growth)])
    print_table(title, columns, rows)


def _milliseconds(seconds: Sequence[float]) -> Spread:
    return spread([1000 * value for value in seconds])


def _ratio(theirs: Sequence[float], ours: Sequence[float]) -> Spread:
    """Spread of the ratios, pair by pair."""
    return spread([a / b for a, b in zip(theirs, ours, strict=True)])


def _summary(timings: dict[int, Timings]) -> dict[str, dict[str, Spread]]:
    return {
        str(size): {name: _milliseconds(values) for name, values in found.items()}
        | {f"{THEIRS} / {name}": _ratio(found[THEIRS], found[name]) for name in (OURS, FULL)}
        for size, found in timings.items()
    }


if __name__ == "__main__":
    main()
