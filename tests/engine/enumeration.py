"""Exact integration of an acceptance rule over its uniforms: the shipped code, every branch.

A rule compares uniforms with numbers.  ``Coin`` stands in for a uniform: each comparison asks a
script whether it is true and notes with what probability it would be.  Running the rule once
for every script gives every outcome with its exact probability.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch

from engine.verify import Judgement


class Outcome(NamedTuple):
    chance: float
    judgement: Judgement


class Script:
    """A prefix of answers; beyond it the first answer is True, and the untried are noted."""

    def __init__(self, answers: tuple[bool, ...]):
        self.answers, self.asked, self.chance = answers, 0, 1.0
        self.untried: list[tuple[bool, ...]] = []
        self.given: list[bool] = []

    def answer(self, chance: float) -> bool:
        chance = min(max(chance, 0.0), 1.0)
        if self.asked < len(self.answers):
            said = self.answers[self.asked]
        else:
            said = chance > 0
            if 0 < chance < 1:
                self.untried.append((*self.given, False))
        self.asked += 1
        self.given.append(said)
        self.chance *= chance if said else 1 - chance
        return said


class Coin:
    """One uniform, compared at most once; ``coin * q < p`` is ``coin < p / q``."""

    def __init__(self, script: Script, scale: float = 1.0):
        self.script, self.scale = script, scale

    def __mul__(self, factor: float) -> "Coin":
        return Coin(self.script, self.scale * factor)

    def __lt__(self, bound: float) -> bool:
        if self.scale == 0:
            return self.script.answer(float(bound > 0))
        return self.script.answer(float(bound) / self.scale)


def outcomes(rule: Callable[..., Judgement], size: int, *arguments) -> Iterator[Outcome]:
    """Every outcome of ``rule(*arguments, uniforms)``; the last token's draw is left open."""
    waiting: list[tuple[bool, ...]] = [()]
    while waiting:
        script = Script(waiting.pop())
        uniforms = [0.5, *(Coin(script) for _ in range(size - 1))]
        judgement = rule(*arguments, uniforms)
        waiting += script.untried
        if script.chance:
            yield Outcome(script.chance, judgement)


def extend(
    law: torch.Tensor,
    path: list[int],
    judgement: Judgement,
    chance: float,
    p: Callable[[tuple[int, ...]], torch.Tensor],
) -> None:
    """Add an outcome to ``law`` [V, V, ...]: accepted tokens, the drawn one, then p's own laws."""
    length = law.ndim
    if len(path) >= length:
        law[tuple(path[:length])] += chance
        return
    texts = [(tuple(path), chance)]
    first = judgement.residuals[-1]
    texts = [(*_append(texts[0], token, first[token]),) for token in range(len(first))]
    while len(texts[0][0]) < length:
        texts = [
            _append((text, mass), token, p(text)[token])
            for text, mass in texts
            for token in range(len(first))
        ]
    for text, mass in texts:
        law[text] += float(mass)


def _append(item, token, factor):
    text, mass = item
    return (*text, token), mass * float(factor)
