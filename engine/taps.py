"""Asks a pass for a few hidden states, by whichever way the transformers at hand counts them.

Newer ones take a list of places in ``hidden_states``, the embeddings first.  In older ones (5.17)
a list names layers, one place off: there all states are kept.
"""

from collections.abc import Sequence

from transformers.utils import output_capturing

NAMES_STATES = hasattr(output_capturing, "selected_hidden_states")


def keeping(taps: Sequence[int]) -> dict[str, list[int] | bool]:
    """Options of a forward pass after which ``hidden_states[tap]`` is there for every tap."""
    if not taps:
        return {}
    return {"output_hidden_states": list(taps) if NAMES_STATES else True}
