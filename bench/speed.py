"""Tokens a second of every method, against our plain decoding and against transformers'.

``python -m bench.speed``: for each prompt all contestants run in turn, so that a slow moment
hits them alike; a method's figure is the median over prompts of its ratio on each.
"""

import argparse
import sys
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, NamedTuple

import torch

from bench.prompts import COPY_HEAVY, EVERYDAY, MT_BENCH, mt_bench
from bench.report import Spread, print_table, spread, write_json
from engine import Bundle, DecodeConfig, Trace, load
from engine.bundle import AVAILABLE
from engine.models import METHODS
from engine.prompt import read_prompt
from engine.stats import Tally

PHASES = ("draft", "verify", "accept", "commit")
SETS = ("mt_bench", "everyday", "copy_heavy")


class Result(NamedTuple):
    """One answer.

    Attributes:
        mat: tokens a target pass; ``None`` where the library does not say.
        shares: of the rounds' time, by phase; empty where the library does not say.
    """

    tokens: int
    seconds: float
    mat: float | None = None
    shares: tuple[float, ...] = ()


Contestant = Callable[[tuple[int, ...]], Result]

LOOKUP = {"prompt_lookup_num_tokens": 10}


def main() -> None:
    """Each kind of prompt, one table each."""
    arguments = _arguments()
    try:
        sets = _sets(arguments)
    except (OSError, ValueError) as error:
        sys.exit(str(error))
    torch.manual_seed(0)
    ours, theirs = load(), load(packed=False)
    config = {"max_new_tokens": arguments.tokens, "temperature": arguments.temperature}
    found = {}
    for name, prompts in sets.items():
        contestants = _contestants(ours, theirs, config, arguments.methods)
        results = _race(ours, contestants, prompts)
        _print(name, results)
        found[name] = {method: [run._asdict() for run in runs] for method, runs in results.items()}
    print(write_json(f"speed_t{arguments.temperature:g}", found))


def _sets(arguments: argparse.Namespace) -> dict[str, Sequence[str]]:
    """Prompts by kind; unless told which, everyday ones where MT-bench's are not at hand."""
    known: dict[str, Callable[[], Sequence[str]]] = {
        "mt_bench": lambda: mt_bench(arguments.count, arguments.prompts),
        "everyday": lambda: EVERYDAY[: arguments.count],
        "copy_heavy": lambda: COPY_HEAVY[: arguments.count],
    }
    usual = "mt_bench" if arguments.prompts.exists() else "everyday"
    return {name: known[name]() for name in arguments.sets or (usual, "copy_heavy")}


def _contestants(
    ours: Bundle, theirs: Bundle, config: dict[str, Any], methods: list[str]
) -> dict[str, Contestant]:
    """Ours by method (all if ``methods`` is empty), theirs by the options of ``generate``."""
    names = ["plain", *(name for name in methods or METHODS if name != "plain")]
    for name in names:
        if (state := ours.methods[name]) != AVAILABLE:
            print(f"{name} is left out: {state}")
    names = [name for name in names if ours.methods[name] == AVAILABLE]
    race = {name: _ours(ours, DecodeConfig(method=name, **config)) for name in names}
    race["transformers plain"] = _theirs(theirs, config, {})
    race["transformers lookup"] = _theirs(theirs, config, LOOKUP)
    if theirs.draft is not None and (not methods or "draft" in methods):
        race["transformers assisted"] = _theirs(theirs, config, {"assistant_model": theirs.draft})
        race["draft, chain of 5"] = _ours(
            ours, DecodeConfig(method="draft", tree=5, num_draft=5, **config)
        )
        options = {"assistant_model": theirs.draft, "num_assistant_tokens": 5}
        race["transformers assisted, 5"] = _theirs(theirs, config, options)
    return race


def _ours(bundle: Bundle, config: DecodeConfig) -> Contestant:
    def run(prompt: tuple[int, ...]) -> Result:
        start = perf_counter()
        trace = Trace.record(bundle.for_visitor(), prompt, config)
        seconds, tally = perf_counter() - start, Tally.of(trace.rounds)
        shares = tuple(tally.time_share(phase).value or 0.0 for phase in PHASES)
        return Result(
            len(trace.token_ids), seconds, tally.mean_accepted_length.value or 0.0, shares
        )

    return run


def _theirs(bundle: Bundle, config: dict[str, Any], options: dict[str, Any]) -> Contestant:
    """``generate`` with drafts of fixed length, whatever their confidence.

    Its own schedule carries over from run to run, and it would end a draft where the draft
    model's probability is below 0.4; contestants share that model and its settings.
    """
    sampling = {"do_sample": config["temperature"] > 0}
    if sampling["do_sample"]:
        sampling |= {"temperature": config["temperature"], "top_k": 0}
    draft = options.get("assistant_model")
    length = options.get("num_assistant_tokens", 20)
    if draft is not None:
        options = {"assistant_model": draft}

    def run(prompt: tuple[int, ...]) -> Result:
        ids = torch.tensor([prompt])
        if draft is not None:
            fixed = {"num_assistant_tokens_schedule": "constant", "num_assistant_tokens": length}
            draft.generation_config.update(**fixed, assistant_confidence_threshold=0.0)
        start = perf_counter()
        out = bundle.target.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=config["max_new_tokens"],
            **sampling,
            **options,
        )
        return Result(out.shape[1] - len(prompt), perf_counter() - start)

    return run


def _race(
    bundle: Bundle, contestants: dict[str, Contestant], prompts: Any
) -> dict[str, list[Result]]:
    """Per contestant one result a prompt; each begins another prompt's turn."""
    results: dict[str, list[Result]] = {name: [] for name in contestants}
    order = deque(contestants)
    for number, prompt in enumerate(prompts):
        ids = read_prompt(bundle, prompt, DecodeConfig())
        for name in order:
            if number == 0:
                contestants[name](ids)  # calibrates and warms up
            results[name].append(contestants[name](ids))
        order.rotate(-1)
        print(f"{number + 1}/{len(prompts)}", end=" ", flush=True)
    return results


def _print(name: str, results: dict[str, list[Result]]) -> None:
    """Ratios prompt by prompt, then their median: the prompts differ more than the methods."""
    rows = []
    for method, runs in results.items():
        against = [_against(runs, results[base]) for base in ("plain", "transformers plain")]
        rate = median(run.tokens / run.seconds for run in runs)
        told = [run.mat for run in runs if run.mat is not None]
        mat = f"{median(told):.2f}" if told else "–"
        rows.append([method, f"{rate:.1f}", mat, *against, _shares(runs)])
    columns = ["method", "tokens/s", "tokens a pass", "x our plain", "x transformers' plain"]
    print_table(
        f"{name}: medians over {len(runs)} prompts (quartiles)",
        [*columns, f"{' / '.join(PHASES)} %"],
        rows,
    )


def _against(runs: list[Result], base: list[Result]) -> Spread:
    """How many times as many tokens a second as ``base``, prompt by prompt."""
    return spread(
        [
            (run.tokens / run.seconds) / (other.tokens / other.seconds)
            for run, other in zip(runs, base, strict=True)
        ]
    )


def _shares(runs: list[Result]) -> str:
    """Median share of each phase in the rounds' time."""
    columns = zip(*(run.shares for run in runs), strict=True)
    return " / ".join(f"{median(column):.0%}"[:-1] for column in columns)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=4, help="prompts of a kind")
    parser.add_argument("--tokens", type=int, default=128, help="most new tokens a run")
    parser.add_argument("--temperature", type=float, default=0.0)
    parser.add_argument("--methods", nargs="*", default=[], choices=METHODS, help="all by default")
    parser.add_argument("--sets", nargs="*", default=[], choices=SETS)
    parser.add_argument("--prompts", type=Path, default=MT_BENCH)
    return parser.parse_args()


if __name__ == "__main__":
    main()
