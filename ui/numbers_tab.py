"""The numbers: figures about the run on the stage as a whole, which its end message brings."""

from ui.player import part

ARRIVED = "document.dispatchEvent(new CustomEvent('numbers', { detail: element }));"


def numbers_tab() -> None:
    """A part of the page that the player fills, once it is told that it is there."""
    part("numbers", ARRIVED)
