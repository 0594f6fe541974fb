"""The card of a folder of heads: what it is, how good, how it was made."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from train.card_parts import HELD_OUT, MEASURED
from train.curve import thin

BEGINNING = """---
license: apache-2.0
base_model: HuggingFaceTB/SmolLM2-135M-Instruct
---

# {title} for SmolLM2-135M-Instruct

{what}

{parameters:.1f} M parameters, `model.safetensors`: the names of the published layout without
embedding and language head, {bits}. The target's own
are used; of its head the {vocab:,} tokens named in the file. `trees.json` holds the measured
chances by depth and rank and the trees picked by them. Of no use without the target: other
programs need its tensors added and the matrices widened before they can load the file.

"""

GUESSES = """
Share of places at which the best guess for the token d places ahead is right, where the target's
own tokens stand drafted before it (d = 1 is the first drafted token). The last d - 1 places of an
answer have no such token and count as missed:

| text | {depths} |
|---|{rules}|
{agreement}

"""

ENDING = """ (`python -m train.ship {kind}`):
what a decoder with these trees emits at temperature 0; heads that read what was drafted are fed
their own guesses.

By tokens trained (chain of 4 on {curve_rows} held-out answers of the text then at hand, so that
only rows of one training compare; in the last one the rate fell from {level:.0%} of the steps on):

| assistant tokens | first guess met | accepted length |
|---|---|---|
{curve}

## How it was made

- **Data**: answers of the target, greedy or at temperature 0.7; in the last training {rows} of
  them ({unique:,} tokens). Requests: some that the target thought of itself
  (`train/imagine.py`), snakes (MIT), DSTC8 schema-guided dialogue (CC BY-SA 4.0), Taskmaster
  TM-4 (CC BY 4.0), grade-school-math train (MIT), function names of TheAlgorithms/Python (MIT), and
  forms of this project's own (`train/requests.json`). None of that text is in this folder.
- **Training**: {how} Label: the target's law, {hard:.0%} of it its best token alone; loss over a
  slice of the vocabulary (`train/loss.py`), {decay:g} to the power of the place.
- **Start**: {start}
- **Optimiser**: {optimiser}, highest rate {rate:g}, {step:,} steps of about {tokens:,} tokens, in
  trainings that go on from each other's weights (`training.json`); seed {seed}; bf16 autocast
  where faster; {hours:.2f} hours, the last training on {machine}.{ending}
- **Limits**: trained on {trained:,} assistant tokens, repeats counted. English, one turn,
  rows of at most 512 tokens. Where it drafts badly that costs speed and never changes the output.

Licence: Apache-2.0, as the target's.
"""

CARD = BEGINNING + MEASURED + GUESSES + HELD_OUT + ENDING

ABOUT: dict[str, dict[str, str]] = {
    "medusa": {
        "title": "Medusa heads",
        "what": "Four independent heads of two residual blocks (Cai et al., 2024, arXiv "
        "2401.10774)\nthat guess the next tokens from the target's last hidden state. The "
        "published form has a\nlanguage head for each of them; these share the target's (four of "
        "their own would be 227 MB).\n`x + SiLU(W x + b)` adds to the state and hardly takes away, "
        "which may be why they draft worse\nthan published ones.",
        "how": "heads alone (Medusa-1).",
        "start": "blocks that hand the state on.",
    },
    "hydra": {
        "title": "Hydra heads",
        "what": "Four sequentially dependent heads (Ankner et al., 2024, arXiv 2402.05109): each "
        "reads the\nstate and the embeddings of the tokens drafted before it; the engine draws "
        "dynamic\ntrees with them, by their confidence.",
        "how": "teacher loss, the text's own tokens as the draft.",
        "start": "the best linear guess of the later state, in closed form.",
    },
    "hydra++": {
        "title": "Hydra++ heads",
        "what": "Hydra's heads (Ankner et al., 2024, arXiv 2402.05109) of two layers over a prefix "
        "layer,\none more decoder layer over the target's last states with its own cache; "
        "the engine\ndraws dynamic trees with them, by their confidence.",
        "how": "teacher loss, the text's own tokens as the draft.",
        "start": "the trained Hydra heads of this project over the target's last layer.",
    },
    "eagle": {
        "title": "EAGLE head",
        "what": "One decoder layer that goes from feature to feature (Li et al., 2024, arXiv "
        "2401.15077);\nEAGLE-2 draws its dynamic trees with the same file.",
        "how": "fed its own features for three steps from the start (as HASS); distance of laws "
        "plus\n  half the distance of features.",
        "start": "the target's last layer behind the best linear guess of the next feature.",
    },
    "eagle3": {
        "title": "EAGLE-3 head",
        "what": "One decoder layer over three fused hidden states of the target (Li et al., 2025, "
        "arXiv\n2503.01840), fed its own states, with a draft vocabulary.",
        "how": "training-time test of three steps; no distance of features; "
        "no\n  keys and values shared among heads of the attention.",
        "start": "the best linear step from feature to feature, as far as the attention's rank "
        "carries it;\n  the feed-forward block is the target's last.",
    },
}


def head_card(kind: str, told: Mapping[str, Any]) -> str:
    """The text of ``README.md`` of the heads ``kind``."""
    return CARD.format(
        kind=kind,
        **ABOUT[kind],
        **{name: value for name, value in told.items() if name not in TABLES},
        figures="\n".join(map(_figure_row, told["figures"])),
        agreement="\n".join(_agreement_row(*row) for row in told["agreement"].items()),
        depths=" | ".join(f"d = {d + 1}" for d in range(_depths(told))),
        rules="|".join(["---"] * _depths(told)),
        curve="\n".join(
            f"| {n:,} | {hit:.3f} | {length:.2f} |" for n, hit, length in thin(told["curve"])
        ),
    )


def summary(told: Mapping[str, Any]) -> Iterator[str]:
    """The card's two tables of figures as lines for a terminal."""
    for text, draft, length, tokens, rounds in told["figures"]:
        yield f"{text}, {draft}: {length:.2f} ({tokens:,} / {rounds:,})"
    places = ", ".join(str(d + 1) for d in range(_depths(told)))
    for text, shares in told["agreement"].items():
        yield f"{text}, best guess right at d = {places}: " + ", ".join(f"{s:.3f}" for s in shares)


TABLES = ("figures", "agreement", "curve")


def _depths(told: Mapping[str, Any]) -> int:
    return max(len(row) for row in told["agreement"].values())


def _figure_row(row: tuple[str, str, float, int, int]) -> str:
    text, draft, length, tokens, rounds = row
    return f"| {text} | {draft} | {length:.2f} | {tokens:,} / {rounds:,} |"


def _agreement_row(text: str, shares: Sequence[float]) -> str:
    return f"| {text} | " + " | ".join(f"{share:.3f}" for share in shares) + " |"
