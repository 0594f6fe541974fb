"""What recording a trace costs: the same loop with recording on and off, in turn.

``python -m bench.recording``
"""

from argparse import ArgumentParser
from time import perf_counter

from bench.prompts import COPY_HEAVY, EVERYDAY
from bench.report import print_table, spread, write_json
from engine import Bundle, DecodeConfig, decode, load

METHODS = ("plain", "suffix", "draft_tree")
TOKENS = 32
REPEATS = 2


def main() -> None:
    """Per method the ratio of seconds, pair by pair."""
    ArgumentParser(description=__doc__).parse_args()
    bundle = load()
    prompts = [*EVERYDAY[:2], COPY_HEAVY[0]]
    rows, found = [], {}
    for method in METHODS:
        if bundle.methods[method] != "available":
            continue
        ratios = [ratio for prompt in prompts for ratio in _ratios(bundle, method, prompt)]
        found[method] = spread(ratios)
        rows.append([method, found[method]])
    print_table("seconds with recording / without", ["method", "ratio (quartiles)"], rows)
    print(write_json("recording", found))


def _ratios(bundle: Bundle, method: str, prompt: str) -> list[float]:
    """Seconds with recording over seconds without, alternating which goes first."""
    ratios = []
    for repeat in range(REPEATS + 1):
        order = (True, False) if repeat % 2 else (False, True)
        seconds = {is_on: _seconds(bundle, method, prompt, is_on) for is_on in order}
        if repeat:  # the first pair warms up
            ratios.append(seconds[True] / seconds[False])
    return ratios


def _seconds(bundle: Bundle, method: str, prompt: str, record: bool) -> float:
    config = DecodeConfig(method=method, max_new_tokens=TOKENS, tree=6, record=record)
    run = decode(bundle.for_visitor(), prompt, config)
    start = perf_counter()
    for _ in run:
        pass
    return perf_counter() - start


if __name__ == "__main__":
    main()
