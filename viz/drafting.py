"""How a method's tokens hang together: what the edges and the levels of its tree mean."""

from typing import NamedTuple

ALONE = "dot"  # of an edge between guesses that know nothing of each other


class Drafting(NamedTuple):
    """One way to draft.

    Attributes:
        level: the name of a level, by its number.
        dash: of the drafted edges; solid where a token was guessed for the one before it.
        says: what an edge means, in a sentence.
    """

    level: str
    dash: str
    says: str


_HEADS = "Each head reads the tokens on the way down to its own: an edge is a condition."
_LOOP = "↻ one layer, turn by turn: its feature and the token above go into the next."
_WAYS = {
    "lookup": Drafting("level {}", "", "Copied from where the text said the same before."),
    "suffix": Drafting("level {}", "", "Copied from where texts said the same before."),
    "draft": Drafting("level {}", "", "The draft model reads the text down to every node."),
    "draft_tree": Drafting("level {}", "", "The draft model reads the text down to every node."),
    "medusa": Drafting("head {}", ALONE, "Dotted: each head guesses its column alone."),
    "hydra": Drafting("head {}", "", _HEADS),
    "hydra++": Drafting("head {}", "", _HEADS),
    "eagle": Drafting("↻ {}", "", _LOOP),
    "eagle2": Drafting("↻ {}", "", _LOOP),
    "eagle3": Drafting("↻ {}", "", _LOOP),
}
UNKNOWN = Drafting("level {}", "", "")


def drafting_of(method: str) -> Drafting:
    """The way of a method; of one that is not known here nothing is said."""
    return _WAYS.get(method, UNKNOWN)
