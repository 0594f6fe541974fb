"""A round in a sentence, for those who do not see it; it draws nothing."""

from engine.records import Round
from engine.run_facts import Header
from viz.pieces import BLANK, visible

NOTHING_PAYS = "auto: no draft is predicted to pay here; a number in Settings, Tree, shows one"
NOTHING_FOUND = "auto: nothing to copy from the text, or no draft is predicted to pay here"
COPYING = ("lookup", "suffix")  # these may draft nothing with a fixed tree as well


def says(this: Round, why_nothing: str = "") -> str:
    """The round told; rounds count from 1 as on the page.

    Args:
        why_nothing: the reason why nothing was drafted, where there is one to tell.
    """
    nodes, emitted = this.nodes, this.emitted
    said = f"Round {this.index + 1}: "
    if nodes.num_drafted:
        plural = "" if nodes.num_drafted == 1 else "s"
        said += f"{nodes.num_accepted} of {nodes.num_drafted} drafted token{plural} accepted"
    else:
        said += "nothing drafted"
    if emitted.origin and emitted.origin[-1] != "accepted":
        # read out, where the sign for a blank would be a word
        token = visible(this.piece(emitted.token[-1]), 40).replace(BLANK, " ")
        said += f", {emitted.origin[-1]} “{token}”"
    return f"{said}; {why_nothing}" if why_nothing else said


def why_nothing(header: Header, this: Round, tokens: int) -> str:
    """Why a round drafted nothing, where that was the planner's choice; the last token needs none.

    Args:
        tokens: written so far, the round's own included.
    """
    is_chosen = header.config.get("tree") == "auto" and header.method != "plain"
    is_last = tokens >= header.config.get("max_new_tokens", tokens)
    if this.nodes.num_drafted or is_last or not is_chosen:
        return ""
    return NOTHING_FOUND if header.method in COPYING else NOTHING_PAYS
