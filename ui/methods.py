"""What the page says about each decoding method; whether it can run, the bundle knows."""

from collections.abc import Mapping

from viz.run_name import LABELS, label_of

HEADS = ("medusa", "hydra", "hydra++", "eagle", "eagle2", "eagle3")  # may draft in two ways
DEFAULT = "eagle2"  # trees that branch, and most tokens a pass of any text
ANYWHERE = "suffix"  # needs nothing beside the target

_TEXTS = {
    "plain": "One pass of the target for one token: the yardstick.",
    "lookup": "Finds where the last words first stood in the text, the chat template included, and"
    " drafts what followed them there.",
    "suffix": "Finds the longest ending of the text that stood before, here or in an earlier run,"
    " and drafts what followed it most often.",
    "draft": "A small model writes a few tokens ahead; the target checks them all in one pass.",
    "draft_tree": "A small model drafts a tree of alternatives; the first that holds is kept.",
    "medusa": "Independent heads guess one column each from the target's last state: no column"
    " knows what stands in the one before.",
    "hydra": "Heads in a chain of conditions: each knows the words drafted above it, and the tree"
    " grows where they are sure.",
    "hydra++": "Hydra with deeper heads and a layer of its own that attends to the whole text.",
    "eagle": "One layer feeds its predicted feature and the drafted word back into itself, over a"
    " tree that was planned before.",
    "eagle2": "EAGLE's layer grows the tree where it is sure: beam by beam, then the best nodes.",
    "eagle3": "A layer fed by three of the target's layers and trained on its own guesses, over a"
    " tree that grows where it is sure.",
}


def choices(methods: Mapping[str, str] | None) -> list[tuple[str, str]]:
    """Label and name of every method, those that cannot run marked in words."""
    known = methods or dict.fromkeys(LABELS, "available")
    return [
        (label_of(name) + ("" if answer == "available" else " (not available)"), name)
        for name, answer in known.items()
    ]


def first_choice(methods: Mapping[str, str]) -> str:
    """The method to begin with: the usual one, else one that needs no drafter, else any."""
    able = [name for name, answer in methods.items() if answer == "available"]
    return next((name for name in (DEFAULT, ANYWHERE) if name in able), able[0])


def explain(name: str, methods: Mapping[str, str] | None) -> str:
    """One line on the method, or the reason why it cannot run."""
    reason = (methods or {}).get(name, "available")
    text = _TEXTS.get(name, "")
    return text if reason == "available" else f"{text} Not available: {reason}"


def why_not(name: object, methods: Mapping[str, str] | None) -> str:
    """Why a run with this method cannot start; empty where it can, or nobody knows yet."""
    known = methods or dict.fromkeys(LABELS, "available")
    if not isinstance(name, str) or name not in known:
        return f"There is no method {str(name)[:40]!r}; choose one from the list."
    reason = known[name]
    return "" if reason == "available" else f"{label_of(name)} is not available: {reason}"
