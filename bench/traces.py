"""Records the traces that ship in ``assets/traces/``: true runs of the default target.

``python -m bench.traces [NAME...]``; each run's plain yardstick is measured right after it, and
of five such pairs the one with the median ratio ships: one pair alone is mostly noise.
A take whose method cannot run here is named and left out.
"""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from bench.prompts import COPY_HEAVY
from engine import Bundle, DecodeConfig, Trace, decode, load
from engine.bundle import AVAILABLE
from engine.decoding import measure_plain
from engine.stats import speed_up

TRACES = Path(__file__).parents[1] / "assets" / "traces"
SKY = "Explain in three sentences why the sky is blue."
FIBONACCI = "Write a Python function that returns the first n Fibonacci numbers."
PARAGRAPH = "Write the same short paragraph about the sea three times."
MORNING = "Describe a quiet morning in a small town."
EVENING = "Describe a quiet evening in a small town."
REPEATS = 5
CHAIN = ((0,), (0, 0), (0, 0, 0))
SHAPE = ((0,), (1,), (2,), (0, 0), (0, 1), (1, 0), (0, 0, 0), (0, 0, 1), (1, 0, 0), (0, 0, 0, 0))
WIDE = (*((i,) for i in range(6)), *((i, j) for i in range(6) for j in range(4)))


class Take(NamedTuple):
    """One run to record."""

    name: str
    prompt: str
    config: DecodeConfig


TAKES = (  # what is seen in each: ``ui.traces``
    Take(
        "eagle-code",
        FIBONACCI,
        DecodeConfig("eagle", 73, temperature=0.7, seed=2, tree=SHAPE, drafting="sampled"),
    ),
    Take(
        "draft-tree-sky", SKY, DecodeConfig("draft_tree", 56, temperature=0.7, seed=11, tree=SHAPE)
    ),
    Take("lookup-copy", COPY_HEAVY[0], DecodeConfig("lookup", 96, tree=8)),
    Take("suffix-three-times", PARAGRAPH, DecodeConfig("suffix", 120, tree=12)),
    # of the lessons
    Take("plain-sky", SKY, DecodeConfig("plain", 24)),
    Take("chain-cold", EVENING, DecodeConfig("draft", 40, tree=CHAIN)),
    Take("chain-warm", EVENING, DecodeConfig("draft", 40, temperature=0.8, seed=336, tree=CHAIN)),
    Take("chain-cool", MORNING, DecodeConfig("draft", 40, tree=CHAIN)),
    Take("chain-hot", MORNING, DecodeConfig("draft", 40, temperature=0.8, seed=5, tree=CHAIN)),
    Take("lookup-sky", SKY, DecodeConfig("lookup", 32, tree=8)),
    Take("wide-tree", MORNING, DecodeConfig("draft_tree", 16, tree=WIDE)),
    Take("medusa-story", MORNING, DecodeConfig("medusa", 40, tree=SHAPE)),
    Take("hydra-story", MORNING, DecodeConfig("hydra", 40, tree=SHAPE)),
    Take("eagle-story", MORNING, DecodeConfig("eagle", 40, tree=SHAPE)),
)


def main() -> None:
    """All takes, or those named, each with an empty memory."""
    parser = argparse.ArgumentParser(prog="python -m bench.traces", description=__doc__)
    known = [take.name for take in TAKES]
    parser.add_argument("names", nargs="*", help=f"all unless given, of {', '.join(known)}")
    names = parser.parse_args().names
    if unknown := set(names) - set(known):
        parser.error(f"there is no take {min(unknown)!r}; there are {', '.join(known)}")
    bundle = load()
    bundle.warm_up()  # what passes cost and what the machine can do stand in the header
    TRACES.mkdir(parents=True, exist_ok=True)
    for take in TAKES:
        if names and take.name not in names:
            continue
        if (answer := bundle.methods[take.config.method]) != AVAILABLE:
            print(f"{take.name}: left out: {take.config.method} {answer}")
            continue
        trace = _record(bundle, take)
        trace.save(TRACES / f"{take.name}.jsonl")
        print(f"{take.name}: {len(trace.rounds)} rounds, {len(trace.token_ids)} tokens")


def _record(bundle: Bundle, take: Take) -> Trace:
    """The run and its yardstick, some times in turn: the pair whose ratio is the median."""
    pairs = sorted((_play(bundle.for_visitor(), take) for _ in range(REPEATS)), key=_ratio)
    return pairs[REPEATS // 2]


def _play(bundle: Bundle, take: Take) -> Trace:
    run = decode(bundle, take.prompt, take.config)
    rounds = tuple(run)
    yardstick = measure_plain(bundle, take.prompt, take.config, run.generated)
    return Trace(run.header, rounds, replace(run.end, plain=yardstick))


def _ratio(trace: Trace) -> float:
    return speed_up(trace.end).value


if __name__ == "__main__":
    main()
