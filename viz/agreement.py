"""Whether the texts of a race agree, in sentences that claim no more than the laws do.

At temperature 0 a law is a single token, so that texts must be equal.  Above it lanes of one
temperature draw by one law, each with its own uniforms: their texts part and nothing is wrong.
Lanes of different temperatures have different laws, and nothing is claimed of them together.
"""

from collections.abc import Sequence
from typing import NamedTuple

from engine.common_prefix import common_prefix
from engine.proof.equality import compare, tokens_of
from engine.records import Round
from viz.amount import count

DIFFER = "the texts differ from the first different draw on."
PLAIN = 1  # the number of the lane that decodes plainly


class LaneText(NamedTuple):
    """What one lane has written."""

    run: str
    number: int  # as the page counts lanes, from 1
    temperature: float
    rounds: Sequence[Round]
    is_whole: bool  # not stopped before its end


class LaneNote(NamedTuple):
    """What is said below one lane."""

    run: str
    difference: int | None  # first token that is another than in the lane it is compared with
    note: str
    is_wrong: bool | None  # None where no record tells a mistake from a tie


class Agreement(NamedTuple):
    """What is said of all lanes together, and of each."""

    says: str
    holds: bool | None  # None where nothing was claimed that could fail
    lanes: tuple[LaneNote, ...]


def agreement(lanes: Sequence[LaneText]) -> Agreement:
    """Compare every lane with the first of its temperature; lanes without text are left out."""
    laws: dict[float, list[LaneText]] = {}
    for lane in lanes:
        if lane.rounds:
            laws.setdefault(lane.temperature, []).append(lane)
    notes = {law: [_note(lane, group[0]) for lane in group] for law, group in laws.items()}
    said = tuple(note for group in notes.values() for note in group)
    if len(said) < 2:
        return Agreement("", None, said)
    if len(laws) == 1:
        law, group = next(iter(laws.items()))
        return Agreement(_says_all(group, notes[law]), _holds(law, notes[law]), said)
    parts = [_says_some(group, notes[law]) for law, group in laws.items()]
    claims = [_holds(law, notes[law]) for law in laws if len(notes[law]) > 1]
    holds = False if False in claims else True if True in claims else None
    return Agreement(" ".join(["Only lanes of one temperature share a law.", *parts]), holds, said)


def _note(lane: LaneText, first: LaneText) -> LaneNote:
    """One lane against the first of its law."""
    if lane is not first:
        place = _difference(lane, first)
        judge = _drawn_note if lane.temperature > 0 else _greedy_note
        return judge(lane, first, place)
    law = f"temperature {lane.temperature:g}: another law than plain's"
    return LaneNote(lane.run, None, "" if lane.number == PLAIN else law, False)


def _drawn_note(lane: LaneText, first: LaneText, place: int | None) -> LaneNote:
    """Above temperature 0: no text is wrong."""
    other = _name(first)
    if place is None:
        return LaneNote(lane.run, None, f"law of {other}, this time its text too", False)
    words = f"law of {other}; the draws differ from token {place + 1} on"
    return LaneNote(lane.run, place, words, False)


def _greedy_note(lane: LaneText, first: LaneText, place: int | None) -> LaneNote:
    """At temperature 0: equal, or wrong but for a tie."""
    if place is None:
        so_far = "" if lane.is_whole and first.is_whole else " so far"
        return LaneNote(lane.run, None, f"✓ equal to {_name(first)}{so_far}", False)
    is_wrong = _is_wrong(lane, first, place)
    why = {True: "", False: ": a tie", None: ", perhaps at a tie"}[is_wrong]
    return LaneNote(lane.run, place, f"differs from token {place + 1} on{why}", is_wrong)


def _difference(lane: LaneText, first: LaneText) -> int | None:
    """The first token that is another; a text that was cut short only lacks its end."""
    ours, theirs = tokens_of(lane.rounds), tokens_of(first.rounds)
    same = common_prefix(ours, theirs)
    if same < min(len(ours), len(theirs)):
        return same
    is_cut = not (lane.is_whole and first.is_whole)
    return None if len(ours) == len(theirs) or is_cut else same


def _is_wrong(lane: LaneText, first: LaneText, place: int) -> bool | None:
    """False where plain decoding's two best tokens were as good as equal where the texts part."""
    if place == min(len(tokens_of(text.rounds)) for text in (lane, first)):
        return True  # one text ends there
    if first.number != PLAIN and any(len(this.nodes) > 1 for this in first.rounds):
        return None  # only a plain round holds the law of one token
    gap = compare(lane.rounds, first.rounds).gap
    return gap is None or not gap.is_tie


def _holds(temperature: float, notes: Sequence[LaneNote]) -> bool | None:
    if temperature > 0:
        return None
    if all(note.difference is None for note in notes):
        return True
    return False if any(note.is_wrong for note in notes) else None


def _says_all(group: Sequence[LaneText], notes: Sequence[LaneNote]) -> str:
    """Every lane has one temperature."""
    words, parted = (
        count(_least(group), "token"),
        [note for note in notes if note.difference is not None],
    )
    if group[0].temperature > 0:
        law = f"One law in every lane (temperature {group[0].temperature:g}), each with its own"
        if not parted:
            return f"{law} uniforms; this time the texts are equal: {words}."
        return f"{law} uniforms: {DIFFER} The marks show where."
    if not parted:
        if all(lane.is_whole for lane in group):
            return f"✓ All texts equal: {words} in every lane."
        return f"✓ Texts equal as far as they go: {words}."
    sign, why = _sign(parted)
    part = "parts" if len(parted) == 1 else "part"
    return f"{sign} {len(parted)} of {len(group) - 1} texts {part} from plain decoding's{why}"


def _says_some(group: Sequence[LaneText], notes: Sequence[LaneNote]) -> str:
    """These lanes have one temperature, others another."""
    parted = [note for note in notes if note.difference is not None]
    who = f"{_names(group)}, temperature {group[0].temperature:g}:"
    if len(group) == 1:
        return f"{who} nothing to compare with."
    if group[0].temperature > 0:
        return f"{who} {DIFFER}" if parted else f"{who} one text this time."
    if not parted:
        so_far = "" if all(lane.is_whole for lane in group) else " as far as they go"
        return f"{who} ✓ texts equal{so_far}, {count(_least(group), 'token')}."
    sign, why = _sign(parted)
    part = "text parts" if len(parted) == 1 else "texts part"
    return f"{who} {sign} {len(parted)} {part} from {_name(group[0])}'s{why}"


def _sign(parted: Sequence[LaneNote]) -> tuple[str, str]:
    """The mark before, and the reason behind, what is said of texts that must be equal."""
    if any(note.is_wrong for note in parted):
        return "✗", ": see the marks."
    if any(note.is_wrong is None for note in parted):
        return "≈", "; only plain decoding in that temperature tells a mistake from a tie."
    return "≈", " at a tie within rounding: either token is right."


def _least(group: Sequence[LaneText]) -> int:
    return min(len(tokens_of(lane.rounds)) for lane in group)


def _name(lane: LaneText) -> str:
    return "plain" if lane.number == PLAIN else f"lane {lane.number}"


def _names(group: Sequence[LaneText]) -> str:
    """Lanes by number: ``Lanes 1, 2 and 4``."""
    *most, last = [str(lane.number) for lane in group]
    return f"Lanes {', '.join(most)} and {last}" if most else f"Lane {last}"
