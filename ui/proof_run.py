"""One proof for one visitor, as the messages of its tab; the arithmetic is the engine's."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from engine import proof
from engine.config import DecodeConfig
from engine.cut_short import StoppedError
from engine.records import Round
from ui import messages, methods, settings
from ui.proof_kinds import kind_of
from ui.proof_rules import RULES, warning
from viz import proof_messages as says

COUNTS = (1_000, 5_000, 20_000)  # verifications
DEPTH = 2  # levels of the round: short paths are kept whole often enough to see the bonus
CHAIN = ((0,), (0, 0))  # of a block: as deep
GREEDY = (
    "At temperature 0 the law is one token, and this mistake cannot show: raise the temperature."
)

IsCancelled = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class ProofWish:
    """What a visitor wants proven, checked."""

    prompt: str
    config: DecodeConfig
    rule: str
    count: int


def read(prompt: Any, values: dict[str, Any]) -> ProofWish:
    """Check everything that came from the browser.

    Args:
        values: ``method``, ``temperature``, ``max_new_tokens``, ``seed``, ``drafting``,
            ``rule`` and ``count``.

    Raises:
        ValueError: one sentence that names the widget.
    """
    rule, count = values["rule"], values["count"]
    if not isinstance(rule, str) or rule not in RULES:
        raise ValueError(f"Rule: there is no rule {str(rule)[:40]!r}; choose one from the list.")
    if count not in COUNTS or isinstance(count, bool):
        raise ValueError(f"Verifications: choose one of {', '.join(map(str, COUNTS))}.")
    fields = {name: item for name, item in values.items() if name not in ("rule", "count")}
    wish = settings.read(prompt, settings.USUAL | fields | {"tree": "8", "compare": False})
    if wish.config.is_greedy and RULES[rule].says:
        raise ValueError(GREEDY)
    return ProofWish(wish.prompt, _shallow(wish.config, rule), rule, int(count))


def _shallow(config: DecodeConfig, rule: str) -> DecodeConfig:
    """Rounds that show what is to be proven: of few levels, of one chain for a block."""
    if rule in proof.BLOCK_RULES:
        return replace(config, rule="block", tree=CHAIN, num_draft=DEPTH)
    return config if config.is_greedy else replace(config, num_draft=DEPTH)


def prove(decoder: Any, bundle: Any, wish: ProofWish, is_cancelled: IsCancelled) -> Iterator[str]:
    """The messages of the proof.

    Args:
        bundle: a visitor's own view, with an empty memory.

    Raises:
        ValueError: it cannot be run; a sentence for the visitor.
    """
    if reason := methods.why_not(wish.config.method, bundle.methods):
        raise ValueError(reason)
    try:
        if wish.config.is_greedy:
            yield from _texts(decoder, bundle, wish, is_cancelled)
        else:
            yield from _laws(bundle, wish, is_cancelled)
    except StoppedError:
        yield says.stopped_message("The proof was not whole.")
        yield messages.status("Stopped before the proof was whole.")
    yield says.over_message()


def _texts(decoder: Any, bundle: Any, wish: ProofWish, is_cancelled: IsCancelled) -> Iterator[str]:
    """The method's text, then plain decoding's, then where they are equal."""
    title = f"{methods.label_of(wish.config.method)} against plain decoding, temperature 0"
    yield says.begin_message("texts", title, RULES[wish.rule].title)
    rounds: dict[str, list[Round]] = {"method": [], "plain": []}
    for side, config in (("method", wish.config), ("plain", replace(wish.config, method="plain"))):
        run = decoder.decode(bundle.for_visitor(), wish.prompt, config, is_cancelled)
        start = 0
        try:
            for this in run:
                rounds[side].append(this)
                yield says.tokens_message(side, start, this)
                start += len(this.emitted)
                if is_cancelled():
                    raise StoppedError
        finally:
            run.close()
    yield says.equality_message(proof.compare(rounds["method"], rounds["plain"]))


def _laws(bundle: Any, wish: ProofWish, is_cancelled: IsCancelled) -> Iterator[str]:
    """A real round, then thousands of verifications of it."""
    config, rule = wish.config, RULES[wish.rule]
    title = f"{methods.label_of(config.method)} at temperature {config.temperature:g}"
    yield says.begin_message("laws", title, rule.title, warning(wish.rule))
    kind = kind_of(bundle, config, wish.rule, wish.count)
    rounds: list[Round] = []
    met = None
    for found in proof.meet_round(bundle, wish.prompt, config, kind.worth, is_cancelled):
        if is_cancelled():
            raise StoppedError
        if isinstance(found, Round):
            rounds.append(found)
            yield messages.status(f"Decoding {len(rounds)} rounds, to verify one of them.")
        else:
            met = found
    if reason := kind.why_not(met):
        raise ValueError(reason)
    before = [token for this in rounds[: met.index] for token in this.emitted.token]
    yield messages.status("")
    yield says.subject_message(kind.subject(met, before))
    for fits in kind.fits(met):
        done, is_stopped = fits[0].verifications, is_cancelled()
        is_over, is_broken = is_stopped or done == wish.count, bool(RULES[wish.rule].says)
        yield says.fits_message(fits, wish.count, is_over, is_broken)
        if is_stopped:
            yield messages.status(f"Stopped after {done:,} verifications.")
            return
