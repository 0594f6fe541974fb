"""One sentence on what holds a run back, with the numbers it rests on."""

from typing import NamedTuple

from engine.balance import Balance, balance
from engine.breakdown import Breakdown
from engine.pass_cost import PassCost
from engine.stats import Ratio, Tally
from viz.amount import count, milliseconds

LITTLE = 0.1  # of the round: what takes less is not worth a word
FEW = 1.2  # tokens a pass: below, even free drafting would gain a fifth at the most


class Sentence(NamedTuple):
    """What is said, and what it was worked out from."""

    text: str
    hover: str


def what_holds_it_back(tally: Tally, breakdown: Breakdown, cost: PassCost | None) -> Sentence:
    """The largest of what a round costs beyond a plain pass, or drafts that rarely hold."""
    found = balance(tally, breakdown, cost)
    if found is None:
        return Sentence("No round has been timed.", "")
    if not tally.drafted:
        return Sentence(
            "Nothing was drafted: every token costs one pass.",
            f"{count(tally.tokens, 'token')} in {count(tally.passes, 'target pass', 'es')}",
        )
    if 2 * breakdown.sizes[0] > tally.passes:
        return Sentence(
            f"Little was drafted: nothing in {breakdown.sizes[0]} of {tally.passes} rounds.",
            f"{count(tally.drafted, 'drafted node')} in {count(tally.passes, 'target pass', 'es')}",
        )
    length = tally.mean_accepted_length
    if (length.value or 0) < FEW:
        return Sentence(
            f"Drafts rarely hold: {length.value:.2f} tokens come out of a pass.",
            f"{count(length.part, 'token')} in {count(length.whole, 'target pass', 'es')}",
        )
    return _largest(found, length)


def _largest(found: Balance, length: Ratio) -> Sentence:
    shares = {"draft": found.draft, "wider": found.wider, "rest": found.rest}
    known = {name: ratio.value or 0 for name, ratio in shares.items() if ratio is not None}
    worst = max(known, key=known.__getitem__)
    if known[worst] < LITTLE:
        return _little(found, length)
    if worst == "wider" and found.wider is not None:
        text = f"{found.nodes.value:.1f} nodes cost {found.passes:.1f} passes here."
        hover = (
            f"{found.nodes.part:g} nodes in {count(found.nodes.whole, 'pass', 'es')}; "
            f"beyond one node's: {milliseconds(found.wider.part)} (calibrated) of "
            f"{milliseconds(found.wider.whole)}"
        )
        return Sentence(text.replace(".0 nodes", " nodes"), hover)
    ratio = shares[worst]
    what = "Drafting takes" if worst == "draft" else "Judging and committing take"
    text = f"{what} {100 * known[worst]:.0f} % of the round."
    hover = f"{milliseconds(ratio.part)} of {milliseconds(ratio.whole)} for all four phases"
    if found.wider is None:
        hover += "; what wider passes cost was not measured"
    return Sentence(text, hover)


def _little(found: Balance, length: Ratio) -> Sentence:
    """Where nothing beyond the passes matters, or nobody measured what does."""
    passes = found.draft.whole - found.draft.part - found.rest.part
    hover = f"{milliseconds(passes)} of {milliseconds(found.draft.whole)} for all four phases"
    if found.wider is None:
        text = f"The passes take {100 * passes / found.draft.whole:.0f} % of the round"
        return Sentence(f"{text}; wider ones were not measured apart.", hover)
    tokens = f"{count(length.part, 'token')} in {count(length.whole, 'pass', 'es')}"
    return Sentence(
        f"Little holds it back: {length.value:.2f} tokens come out of a pass.",
        f"{tokens}; the passes take {hover}",
    )
