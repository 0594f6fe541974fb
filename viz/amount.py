"""Amounts as they stand in a sentence."""


def count(number: float, noun: str, plural: str = "s") -> str:
    """``3 tokens``, ``1 token``, ``1.5 tokens``; never with an exponent."""
    return f"{number:.12g} {noun}{'' if number == 1 else plural}"


def milliseconds(seconds: float) -> str:
    """``46 ms``; from one second on ``9.5 s``."""
    return f"{1000 * seconds:.0f} ms" if seconds < 0.9995 else f"{seconds:.1f} s"
