"""The figures that matter of a run so far, each with its numerator and denominator in words."""

from typing import NamedTuple

from engine.records import End
from engine.stats import Tally, speed_up

PHASES = {"draft": "Drafting", "verify": "Verifying", "accept": "Judging", "commit": "Committing"}


class Fact(NamedTuple):
    """One figure: what it is, and on hover what it was divided by."""

    value: str
    label: str
    hover: str


def facts_panel(tally: Tally, end: End | None, is_measuring: bool) -> list[dict[str, str]]:
    """``facts_info`` as it travels."""
    return [fact._asdict() for fact in facts_info(tally, end, is_measuring)]


def facts_info(tally: Tally, end: End | None = None, is_measuring: bool = False) -> list[Fact]:
    """Tokens per pass, speed-up, acceptance, drafted tokens kept, where the time goes."""
    return [
        _tokens_per_pass(tally),
        _speed_up(end, is_measuring),
        _accepted(tally),
        _kept(tally),
        _time(tally),
    ]


def _tokens_per_pass(tally: Tally) -> Fact:
    ratio = tally.mean_accepted_length
    value = "–" if ratio.value is None else f"{ratio.value:.2f}"
    hover = f"{_count(tally.tokens, 'token')} in {_count(tally.passes, 'target pass', 'es')}"
    return Fact(value, "tokens per pass", hover)


def _speed_up(end: End | None, is_measuring: bool) -> Fact:
    ratio = speed_up(end)
    if ratio is None or end is None or end.plain is None:
        value = "…" if is_measuring else "–"
        label = "of plain, measuring" if is_measuring else "of plain, not measured"
        return Fact(value, label, "Needs plain decoding of the same prompt in the same process")
    plain = end.plain
    hover = (
        f"{ratio.part:.1f} tokens/s ({_count(end.tokens, 'token')} in {end.seconds:.2f} s) against"
        f" {ratio.whole:.1f} plain ({_count(plain.tokens, 'token')} in {plain.seconds:.2f} s)"
    )
    return Fact(f"{ratio.value:.2f}×", "of plain, measured", hover)


def _accepted(tally: Tally) -> Fact:
    ratio = tally.acceptance_rate
    value = "–" if ratio.value is None else f"{100 * ratio.value:.0f} %"
    hover = f"{ratio.part} accepted of {_count(int(ratio.whole), 'tested node')}"
    return Fact(value, "of the tested accepted", hover)


def _kept(tally: Tally) -> Fact:
    ratio = tally.drafted_kept
    value = f"{ratio.part} / {ratio.whole}" if ratio.whole else "–"
    hover = f"{ratio.part} accepted of {_count(int(ratio.whole), 'drafted node')}, tested or not"
    return Fact(value, "drafted tokens kept", hover)


def _time(tally: Tally) -> Fact:
    """What drafting takes; of plain decoding, what the passes take."""
    phase = "draft" if tally.drafted else "verify"
    share = tally.time_share(phase)
    if share.value is None:
        return Fact("–", "of a round is drafting", "No round yet")
    hover = f"{PHASES[phase]} takes {_ms(share.part)} of {_ms(share.whole)} for all four phases"
    return Fact(f"{100 * share.value:.0f} %", f"of a round is {PHASES[phase].lower()}", hover)


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.0f} ms" if seconds < 10 else f"{seconds:.1f} s"


def _count(number: int, noun: str, plural: str = "s") -> str:
    return f"{number} {noun}{'' if number == 1 else plural}"
