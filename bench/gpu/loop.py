"""The device's loop against the ordinary one: the same tokens in the same slots, round by round.

Random weights in fp32 over a vocabulary so small that guesses are often right.  Every method
goes through the device's loop twice in one lane: the second time a card only replays.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import product
from typing import Any

import torch

from bench.gpu.correctness import checked
from bench.gpu.lines import Ceilings, Line
from bench.gpu.models import HEADS, OWN, add_heads, random_bundle
from bench.gpu.scale import Model, Scale
from engine import Bundle, DecodeConfig, decode
from engine.device.run import StaticRun
from engine.proof.equality import tokens_of
from engine.records import Round

METHODS = (*OWN, *HEADS)
MODEL = Model("loop", 2, 128, 192, 4, 2, 64, 24)
NOISE = 0.01  # of the draft model's weights beside the target's: it is right now and then
TOKENS, TURNS = 24, 2
PROMPT = (1, 5, 3, 4, 2, 9, 7)
TREE = tuple((*above, rank) for above in ((), (0,), (1,), (0, 0)) for rank in range(4))
CHAIN = ((0,), (0, 0), (0, 0, 0))
SHAPES: dict[str, Any] = {"plain": 0, "draft": CHAIN, "eagle2": 12, "eagle3": 12}
SETTINGS: dict[str, dict[str, Any]] = {
    "T 0": {},
    "T 0.8": {"temperature": 0.8, "drafting": "sampled"},
    "T 0.8, top p, penalty": {"temperature": 0.8, "top_p": 0.9, "repetition_penalty": 1.2},
    "auto": {"tree": "auto"},  # planned by what this machine takes: the same text, other trees
}


def check_loop(scale: Scale, _: Ceilings) -> Iterator[Line]:
    """Every method with all settings."""
    bundle = small_bundle(scale)
    for method, (name, settings) in product(METHODS, SETTINGS.items()):
        told = {"tree": SHAPES.get(method, TREE), "max_new_tokens": TOKENS, "chat": False}
        config = DecodeConfig(method, **told | settings)
        yield checked(f"loop: {method}, {name}", partial(difference, bundle, config))


def small_bundle(scale: Scale) -> Bundle:
    """Everything that drafts, for one target."""
    torch.manual_seed(0)
    bundle = random_bundle(replace(scale, dtype=torch.float32), MODEL, MODEL, is_static=True)
    bundle.draft.load_state_dict(bundle.target.state_dict())
    for weight in bundle.draft.parameters():
        weight += NOISE * torch.randn_like(weight)
    for method in HEADS:
        add_heads(bundle, method)
    return bundle


def difference(bundle: Bundle, config: DecodeConfig) -> str | None:
    """Where the two loops part.

    Raises:
        RuntimeError: the device's rounds are right, and no replays.
    """
    _, ordinary = _played(bundle, config, is_static=False)
    for turn in range(1, TURNS + 1):
        run, static = _played(bundle, config, is_static=True)
        if not isinstance(run, StaticRun):
            return "it goes through the ordinary loop"
        if (wrong := _parts(ordinary, static, config.tree == "auto")) is not None:
            return f"run {turn}, {wrong}"
    if not bundle.lanes:
        return "no lane was there, so that it went through the ordinary loop"
    for lane in bundle.lanes:
        if lane.troubles:  # not wrong, but not what was to be tried
            raise RuntimeError(f"not captured: {lane.troubles[0]:.90}")
    return None


def _played(bundle: Bundle, config: DecodeConfig, *, is_static: bool) -> tuple[Any, list[Round]]:
    run = decode(replace(bundle.for_visitor(), wants_static=is_static), PROMPT, config)
    return run, list(run)


def _parts(ordinary: list[Round], static: list[Round], is_text: bool) -> str | None:
    """The first round that differs in what it emitted, tested or kept; of a text its token."""
    if is_text:
        right, found = tokens_of(ordinary), tokens_of(static)
        return None if right == found else f"text {found[:8]}, not {right[:8]}"
    for one, two in zip(ordinary, static, strict=False):
        for part in ("emitted", "caches"):
            if getattr(one, part) != getattr(two, part):
                return f"round {one.index}: {part} {getattr(two, part)}, not {getattr(one, part)}"
        if (one.nodes.token, one.nodes.verdict) != (two.nodes.token, two.nodes.verdict):
            return f"round {one.index}: other nodes or verdicts"
    return None if len(ordinary) == len(static) else f"{len(static)} rounds, not {len(ordinary)}"
