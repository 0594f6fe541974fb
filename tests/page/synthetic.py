"""Traces made up for tests of the page: valid records, drawn by a seeded generator."""

import random
from collections.abc import Iterable, Iterator
from dataclasses import replace

from engine.attention.kernel_path import KernelPath
from engine.attention.tree_mass import TreeMass
from engine.records import CacheStep, Emitted, Law, Nodes, Round, Seconds
from engine.roofline import Roofline
from engine.run_facts import End, Header, Weights
from engine.trace import VERSION, Trace

WORDS = (
    "",
    "the",
    "sky",
    "is",
    "blue",
    "because",
    "light",
    "of",
    "short",
    "waves",
    "scatters",
    "red",
)
PIECES = {token: f" {word}" for token, word in enumerate(WORDS)} | {0: "<b>", 1: "\n"}


def header(
    prompt: str = "Why is the sky blue?", method: str = "draft_tree", temperature: float = 0.7
) -> Header:
    """A header as the default target would write it."""
    weights = Weights("Tiny", "nowhere", "0" * 64, "float32")
    return Header(
        version=VERSION,
        method=method,
        config={"method": method, "max_new_tokens": 64, "temperature": temperature, "seed": 0},
        target=weights,
        draft=weights,
        device="cpu",
        path="packed",
        prompt=prompt,
        prompt_token=(3, 4, 5),
        prompt_text=(" sky", " is", " blue"),
        is_exact=True,
        has_point_mass=False,
        slot_bytes={"target": 46080, "draft": 2048},
        prefill_seconds=0.05,
        created="2026-01-02T03:04:05Z",
        software={"torch": "2.13"},
        pass_seconds={1: 0.03, 2: 0.032, 4: 0.035, 8: 0.045, 16: 0.07},
        roofline=Roofline(20e9, 90e9, 269_000_000, 134_500_000),
        kernels=KernelPath("sdpa", "Triton needs a CUDA card, not cpu"),
    )


def rounds(count: int, nodes: int = 10, seed: int = 0) -> Iterator[Round]:
    """Rounds with random trees and random verdicts that agree with each other."""
    draw = random.Random(seed)
    start = 3
    for index in range(count):
        this = _round(draw, index, start, nodes)
        start += len(this.emitted)
        yield this


def trace(count: int = 12, nodes: int = 10, seed: int = 0) -> Trace:
    """A whole run."""
    played = tuple(rounds(count, nodes, seed))
    tokens = sum(len(this.emitted) for this in played)
    return Trace(header(), played, End("length", count, tokens, 0.1 * count))


def _round(draw: random.Random, index: int, start: int, count: int) -> Round:
    parent = [-1]
    for node in range(1, count + 1):
        parent.append(draw.randrange(max(0, node - 4), node))
    verdict, path = _judge(draw, parent)
    tokens = [draw.randrange(len(PIECES)) for _ in parent]
    is_full = not any(above == path[-1] for above in parent)
    last = draw.randrange(2, len(PIECES))
    emitted = [tokens[node] for node in path[1:]] + [last]
    origin = ["accepted"] * (len(path) - 1) + ["bonus" if is_full else "recovered"]
    return Round(
        index=index,
        start=start,
        nodes=Nodes(
            token=tuple(tokens),
            parent=tuple(parent),
            rank=tuple(parent[:node].count(above) for node, above in enumerate(parent)),
            draft_prob=(None, *(round(draw.random(), 4) for _ in parent[1:])),
            target_prob=(None, *(round(draw.random(), 4) for _ in parent[1:])),
            uniform=tuple(
                round(draw.random(), 4) if word in ("accepted", "rejected") else None
                for word in verdict
            ),
            verdict=tuple(verdict),
        ),
        emitted=Emitted(tuple(emitted), tuple(origin), tuple(PIECES[token] for token in emitted)),
        laws=tuple(_law(draw, node) for node in path),
        caches=(
            CacheStep("target", start - 1, len(parent), tuple(start - 1 + node for node in path)),
            CacheStep(
                "draft", start - 1, len(path), tuple(range(start - 1, start - 1 + len(path)))
            ),
        ),
        seconds=Seconds(0.012, 0.046, 0.004, 0.002),
        pieces=PIECES,
    )


def _judge(draw: random.Random, parent: list[int]) -> tuple[list[str], list[int]]:
    """Verdict of every node, and the judged path."""
    verdict = ["root"] + ["untested"] * (len(parent) - 1)
    path = [0]
    while children := [node for node, above in enumerate(parent) if above == path[-1]]:
        for child in children:
            verdict[child] = "accepted" if draw.random() < 0.5 else "rejected"
            if verdict[child] == "accepted":
                path.append(child)
                break
        else:
            break
    return verdict, path


def _law(draw: random.Random, node: int) -> Law:
    share = tuple(sorted((round(draw.random() / 5, 4) for _ in range(5)), reverse=True))
    return Law(node, (2, 3, 4, 5, 6), share, share[::-1], share, share)


def weighed(played: Iterable[Round]) -> Iterator[Round]:
    """The same rounds, each with the mass of its nodes' attention: more of it the deeper."""
    for this in played:
        share = tuple(round(0.9 * node / len(this.nodes), 3) for node in range(len(this.nodes)))
        yield replace(this, mass=TreeMass(29, share))
