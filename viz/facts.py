"""The figures that matter of a run so far, each with its numerator and denominator in words."""

from typing import Any, NamedTuple

from engine.run_facts import End, Yardstick
from engine.stats import Tally, speed_up
from viz.amount import count, milliseconds

UNSTEADY = 1.05  # times what its passes can bring: no pass is cheaper than a plain one by so much
PENDING = "…"  # a figure that comes later; the player puts it where this stands


class Fact(NamedTuple):
    """One figure: what it is, and on hover what it was divided by."""

    value: str
    label: str
    hover: str


def facts_panel(tally: Tally, **known: Any) -> list[dict[str, str]]:
    """``facts_info`` as it travels; takes the same arguments."""
    return [fact._asdict() for fact in facts_info(tally, **known)]


def facts_info(
    tally: Tally,
    end: End | None = None,
    plain: Yardstick | None = None,
    is_over: bool = True,
    awaits_plain: bool = False,
    is_plain: bool = False,
) -> list[Fact]:
    """Tokens per pass, speed-up, acceptance, drafted tokens kept, where the time goes.

    Args:
        end: of a run that is over; ``None`` where its file was cut short.
        plain: what is known of plain decoding while the run's rounds are shown.
        awaits_plain: it is going to be measured, once the run is over.
        is_plain: the run is plain decoding.
    """
    speed = _speed_up(end, awaits_plain, tally) if is_over else _so_far(tally, plain, awaits_plain)
    return [
        _tokens_per_pass(tally),
        _plain_itself() if is_plain and tally.tokens else speed,
        _accepted(tally),
        _kept(tally),
        _time(tally),
    ]


def _tokens_per_pass(tally: Tally) -> Fact:
    ratio = tally.mean_accepted_length
    value = "–" if ratio.value is None else f"{ratio.value:.2f}"
    hover = f"{count(tally.tokens, 'token')} in {count(tally.passes, 'target pass', 'es')}"
    return Fact(value, "tokens per pass", hover)


def _so_far(tally: Tally, plain: Yardstick | None, awaits_plain: bool) -> Fact:
    """Against the yardstick of the whole run, where there is one yet."""
    seconds = tally.seconds.total
    if awaits_plain:
        hover = "Plain decoding of the same prompt is measured when the run is over"
        return Fact(PENDING, "of plain, after the run", hover)
    if plain is None or not plain.tokens or not plain.seconds or not seconds:
        return _not_measured()
    ours, theirs = tally.tokens / seconds, plain.tokens / plain.seconds
    hover = f"{ours:.1f} tokens/s so far against {theirs:.1f} plain over the whole run"
    return Fact(f"{ours / theirs:.2f}×", "of plain, so far", hover)


def _speed_up(end: End | None, awaits_plain: bool, tally: Tally) -> Fact:
    ratio = speed_up(end)
    if awaits_plain:
        return Fact(PENDING, "of plain, being measured", "Plain decoding of the same prompt runs")
    if end is not None and end.plain is None and end.reason == "cancelled":
        return Fact("–", "of plain, stopped", "Only a run that comes to its end is measured")
    if ratio is None or end is None or end.plain is None:
        return _not_measured()
    plain = end.plain
    hover = (
        f"{ratio.part:.1f} tokens/s ({count(end.tokens, 'token')} in {end.seconds:.2f} s) against"
        f" {ratio.whole:.1f} plain ({count(plain.tokens, 'token')} in {plain.seconds:.2f} s),"
        " reading the prompt left out of both"
    )
    most, said = tally.mean_accepted_length.value, f"{ratio.value:.2f}×"
    if most is not None and ratio.value > UNSTEADY * most:
        hover += f", which is {said}, and no {most:.2f} tokens a pass can bring that"
        return Fact("–", "of plain, unsteady", f"{hover}: the machine was busy; decode again")
    return Fact(said, "of plain, measured", hover)


def _plain_itself() -> Fact:
    return Fact("1.00×", "plain itself", "This run is plain decoding: what others are measured by")


def _not_measured() -> Fact:
    hover = "Needs plain decoding of the same prompt in the same process"
    return Fact("–", "of plain, not measured", hover)


def _accepted(tally: Tally) -> Fact:
    ratio = tally.acceptance_rate
    value = "–" if ratio.value is None else f"{100 * ratio.value:.0f} %"
    hover = f"{ratio.part} accepted of {count(int(ratio.whole), 'tested node')}"
    return Fact(value, "acceptance rate", hover)


def _kept(tally: Tally) -> Fact:
    ratio = tally.drafted_kept
    value = f"{ratio.part} / {ratio.whole}" if ratio.whole else "–"
    hover = f"{ratio.part} accepted of {count(int(ratio.whole), 'drafted node')}, tested or not"
    return Fact(value, "drafted tokens kept", hover)


def _time(tally: Tally) -> Fact:
    """What drafting takes; of plain decoding, what the passes take."""
    phase, name = ("draft", "drafting") if tally.drafted else ("verify", "verifying")
    share = tally.time_share(phase)
    if share.value is None:
        return Fact("–", "of a round is drafting", "No round yet")
    taken, whole = milliseconds(share.part), milliseconds(share.whole)
    hover = f"{taken} of {whole} for all four phases"
    return Fact(f"{100 * share.value:.0f} %", f"of a round is {name}", hover)
