"""What a run is called: its method's name for people, and the settings that matter most."""

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


def label_of(name: str) -> str:
    """A method's name for people."""
    return LABELS.get(name, name)


def settings_of(header: Header) -> list[str]:
    """Temperature, tree and a rule that is not the usual one, as far as the trace tells them."""
    config = header.config
    words = [f"T {config['temperature']:g}"] if "temperature" in config else []
    if header.method == "plain" or "tree" not in config:
        return words
    tree = config["tree"]
    words.append("auto tree" if tree == "auto" else f"tree of {_size(tree)}")
    return [*words, "chains as blocks"] if config.get("rule") == "block" else words


def _size(tree: object) -> str:
    number = len(tree) if isinstance(tree, list | tuple) else tree
    return f"{number} node{'' if number == 1 else 's'}"
