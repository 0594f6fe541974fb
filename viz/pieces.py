"""Token text as a picture may show it: every character visible, none of it markup; shares too."""

import unicodedata
from functools import lru_cache

BLANK = "␣"
EMPTY = "∅"  # a token that is no whole character yet
SMALL = 0.01  # a share below it would lose all its digits
JOINERS = "\u200d\ufe0f"

_VISIBLE = {ord(" "): BLANK, ord("\n"): "⏎", ord("\t"): "⇥", 0x7F: "␡", ord("\xa0"): "⍽"}
_VISIBLE |= {code: chr(0x2400 + code) for code in range(32) if code not in (9, 10)}
# marks that would turn or hide the text around them
_VISIBLE |= {code: f"⟨{code:04X}⟩" for code in (*range(0x80, 0xA0), 0x200B, *range(0x202A, 0x202F))}
_VISIBLE |= {code: f"⟨{code:04X}⟩" for code in (0x200E, 0x200F, 0x2028, 0x2029, 0xFEFF)}
_VISIBLE |= {code: f"⟨{code:04X}⟩" for code in range(0x2066, 0x206A)}


def label(piece: str, limit: int = 12) -> str:
    """``visible`` text as Plotly takes it."""
    return escape(visible(piece, limit))


def visible(piece: str, limit: int = 12) -> str:
    """``piece`` with its blanks and controls visible, at most ``limit`` characters."""
    return _visible(piece[: limit + 1], limit)  # no more is read; a file's pieces may be long


@lru_cache(maxsize=65_536)
def _visible(piece: str, limit: int) -> str:
    return shorten(piece.translate(_VISIBLE) or EMPTY, limit)


def digits(share: float) -> str:
    """A share or ratio in two decimals; a small one has two digits that tell.

    It may be held against another: both would be 0.00.
    """
    if not 0 < share < SMALL:
        return f"{share:.2f}"
    return f"{share:.4f}" if share >= SMALL / 10 else f"{share:.1e}".replace("e-0", "e-")


def short(share: float) -> str:
    """``digits`` without the zero before the point."""
    return digits(share).removeprefix("0")


def shorten(text: str, limit: int) -> str:
    """``text`` or its beginning and an ellipsis, never cut within a joined character."""
    if len(text) <= limit:
        return text
    end = max(1, limit - 1)
    while end > 1 and (unicodedata.combining(text[end]) or text[end] in JOINERS):
        end -= 1
    return text[:end].rstrip(JOINERS) + "…"


def escape(text: str) -> str:
    """Plotly reads its texts as markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
