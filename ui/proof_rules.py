"""The rules that a proof can be run with, as the page names them: the right one, and mistakes."""

from typing import NamedTuple


class RuleWords(NamedTuple):
    """One entry of the switch."""

    label: str  # in the list: short, a cross for what is broken
    title: str
    says: str  # what is done


RULES = {
    "right": RuleWords("The right rule", "The decoder's own rule", ""),
    "block": RuleWords("Block verification", "Block verification of a chain", ""),
    "soft": RuleWords(
        "✗ soft q, argmax draft",
        "Soft q for an argmax draft",
        "the most probable tokens are taken, not drawn, yet judged as if drawn from q",
    ),
    "siblings": RuleWords(
        "✗ siblings' q not renormalised",
        "q not renormalised among siblings",
        "siblings are drawn without replacement, yet after a rejection q is not scaled back to one",
    ),
    "bonus": RuleWords(
        "✗ bonus without temperature",
        "Bonus drawn without temperature",
        "the token behind a kept path is drawn from the target's bare softmax",
    ),
    "block_stop": RuleWords(
        "✗ block left at its first failure",
        "Block verification left at its first failure",
        "a block keeps its longest prefix that passes, yet here it is cut where one first fails",
    ),
}


def rule_choices() -> list[tuple[str, str]]:
    """Label and name of every rule."""
    return [(words.label, name) for name, words in RULES.items()]


def warning(rule: str) -> str:
    """What stands on the screen while a broken rule is shown; empty for those that hold."""
    return f"Broken on purpose: {RULES[rule].says}." if RULES[rule].says else ""
