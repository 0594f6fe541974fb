"""Mean accepted length of every method on MT-bench, by decoding it: ``python -m bench.accepted``.

At temperature 0 a method's tokens a pass depend on its tree alone, not on the machine's speed or
on what else it does: unlike ``bench.speed`` this may run beside other work.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.prompts import MT_BENCH, mt_bench
from bench.report import print_table, write_json
from engine import Bundle, DecodeConfig, Trace, load
from engine.bundle import AVAILABLE
from engine.models import METHODS
from engine.stats import Tally

CHAIN = ((0,), (0, 0), (0, 0, 0), (0, 0, 0, 0))  # what the draft model's aim is stated for


def main() -> None:
    """A row a method, a column a tree."""
    arguments = _arguments()
    try:
        prompts = mt_bench(arguments.count, arguments.prompts)
    except (OSError, ValueError) as error:
        sys.exit(str(error))
    bundle = load()
    ready = [name for name, state in bundle.methods.items() if state == AVAILABLE]
    found: dict[str, dict[str, list[int]]] = {}
    for method in arguments.methods or [name for name in ready if name != "plain"]:
        found[method] = {"chain of 4": decode_all(bundle, prompts, method, CHAIN, arguments)}
        for size in arguments.sizes:
            found[method][f"tree of {size}"] = decode_all(bundle, prompts, method, size, arguments)
        _print({method: found[method]}, len(prompts), arguments)
    print(write_json("accepted", {"tokens and passes": found}))


def decode_all(
    bundle: Bundle,
    prompts: Sequence[str],
    method: str,
    tree: int | tuple[tuple[int, ...], ...],
    arguments: argparse.Namespace,
) -> list[int]:
    """Tokens and passes over all prompts, each with an empty memory of earlier runs."""
    config = DecodeConfig(
        method, arguments.tokens, tree=tree, temperature=arguments.temperature, record=False
    )
    tokens = passes = 0
    for prompt in prompts:
        tally = Tally.of(Trace.record(bundle.for_visitor(), prompt, config).rounds)
        tokens, passes = tokens + tally.tokens, passes + tally.passes
    return [tokens, passes]


def _print(
    found: dict[str, dict[str, list[int]]], prompts: int, arguments: argparse.Namespace
) -> None:
    """Tokens a pass, the denominators beside them."""
    rows = [
        [method, tree, f"{tokens / passes:.2f}", tokens, passes]
        for method, trees in found.items()
        for tree, (tokens, passes) in trees.items()
    ]
    title = f"{prompts} prompts, {arguments.tokens} tokens, T = {arguments.temperature:g}"
    print_table(title, ["method", "tree", "tokens a pass", "tokens", "passes"], rows)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    drafters = [name for name in METHODS if name != "plain"]
    parser.add_argument("--methods", nargs="*", default=[], choices=drafters, help="all by default")
    parser.add_argument("--sizes", type=int, nargs="*", default=[8], help="of trees, in nodes")
    parser.add_argument("--count", type=int, default=80, help="MT-bench prompts")
    parser.add_argument("--tokens", type=int, default=128, help="most new tokens a run")
    parser.add_argument("--temperature", type=float, default=0.0)
    parser.add_argument("--prompts", type=Path, default=MT_BENCH)
    return parser.parse_args()


if __name__ == "__main__":
    main()
