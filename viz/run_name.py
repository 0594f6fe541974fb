"""What a run is called: its method's name for people, and the settings that matter most."""

from collections.abc import Mapping
from typing import Any

from engine.run_facts import Header

LABELS = {
    "plain": "Plain decoding",
    "lookup": "Prompt lookup",
    "suffix": "Suffix decoding",
    "draft": "Draft model, chain",
    "draft_tree": "Draft model, tree",
    "medusa": "Medusa",
    "hydra": "Hydra",
    "hydra++": "Hydra++",
    "eagle": "EAGLE",
    "eagle2": "EAGLE-2",
    "eagle3": "EAGLE-3",
}
CHAINS = ("lookup", "draft")  # methods whose trees never branch


def label_of(name: str) -> str:
    """A method's name for people."""
    return LABELS.get(name, name)


def settings_of(header: Header) -> list[str]:
    """Temperature, tree, and what else is not the usual, as far as the trace tells them."""
    config = header.config
    words = [f"T {config['temperature']:g}"] if "temperature" in config else []
    words += _of_the_text(config)
    if header.method == "plain" or "tree" not in config:
        return words
    words.append(tree_name(header.method, config["tree"]))
    words += [f"remembers {header.remembered:,} tokens"] if header.remembered else []
    if config.get("num_draft") is not None:
        words.append(f"paths to {config['num_draft']}")
    words += ["guesses drawn"] if config.get("drafting") == "sampled" else []
    return [*words, "chains as blocks"] if config.get("rule") == "block" else words


def tree_name(method: str, tree: object) -> str:
    """What is drafted a round: chains end where their drafter does, or its text."""
    size = len(tree) if isinstance(tree, list | tuple) else tree
    if method in CHAINS:
        return "auto length" if tree == "auto" else f"chain of {size} at most"
    return "auto tree" if tree == "auto" else f"tree of {size} node{'' if size == 1 else 's'}"


def _of_the_text(config: Mapping[str, Any]) -> list[str]:
    """Settings that make it another text, plain decoding's too."""
    words = []
    if config.get("top_k") is not None:
        words.append(f"top-k {config['top_k']}")
    if config.get("top_p") not in (None, 1.0):
        words.append(f"top-p {config['top_p']:g}")
    if config.get("repetition_penalty", 1.0) != 1.0:
        words.append(f"penalty {config['repetition_penalty']:g}")
    words += ["stop strings"] if config.get("stop") else []
    return [*words, "no chat template"] if config.get("chat") is False else words
