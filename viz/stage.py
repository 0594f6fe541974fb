"""A run as the messages the page plays: one JSON string a record, its pictures beside it.

Only running counts are kept: a round costs the same however many came before it.
"""

import json
from collections.abc import Mapping
from typing import Any

from engine import schema
from engine.records import Round
from engine.run_facts import End, Header, Yardstick
from engine.stats import Tally
from viz import theme
from viz.caches import caches_info, caches_panel
from viz.cells import MASSLESS
from viz.drafting import ALONE, drafting_of
from viz.facts import facts_panel
from viz.figure import TEMPLATE
from viz.judgement import judgement_figure, judgement_panel
from viz.judgement_info import JudgementInfo, judgement_info
from viz.mask import mask_info, mask_panel
from viz.numbers import Numbers
from viz.phases import Step, steps
from viz.run_name import label_of, settings_of
from viz.says import says, why_nothing
from viz.text import text_panel
from viz.timeline import timeline_info, timeline_panel
from viz.tree import tree_panel
from viz.tree_info import tree_info


def header_message(header: Header, source: str, name: str) -> str:
    """What the page needs before the first round.

    Args:
        source: "live" or "file".
        name: of the model or of the file.
    """
    return _packed(
        {
            "kind": "header",
            "header": header,
            "label": label_of(header.method),
            "settings": settings_of(header),
            "palette": theme.PALETTE,
            "legend": theme.legend(),
            "how": drafting_of(header.method).says,
            "is_alone": drafting_of(header.method).dash == ALONE,
            "bars": theme.bars(),
            "slots": theme.slots(),
            "phases": theme.phases(),
            "template": TEMPLATE,
            "massless": MASSLESS,
            "figures": {"judgement": judgement_figure()},  # before the first step of any round
            "source": source,
            "name": name,
        }
    )


class Stage:
    """Turns the rounds of one run into messages, in their order."""

    def __init__(
        self, header: Header, plain: Yardstick | None = None, awaits_plain: bool = False
    ) -> None:
        """A stage of no round yet.

        Args:
            plain: what is known of plain decoding already, as in a trace of the past.
            awaits_plain: it is measured once the run is over.
        """
        self.header = header
        self.plain = plain
        self.awaits_plain = awaits_plain
        self.plain_step = plain.seconds / plain.tokens if plain and plain.tokens else None
        self.tally = Tally()
        self.numbers = Numbers(header)

    def round_message(self, this: Round) -> str:
        """One round: its record, its steps, every panel's figure and patches."""
        self.tally.add(this)
        self.numbers.add(this)
        order = steps(this)
        return _packed(
            {
                "kind": "round",
                "index": this.index,
                "record": this,
                "steps": [_told(step) for step in order],
                "panels": self._panels(this, order),
                "says": says(this, why_nothing(self.header, this, self.tally.tokens)),
            }
        )

    def end_message(self, end: End | None, note: str = "", awaits_plain: bool = False) -> str:
        """The end; ``None`` where the run was cut short.  Sent again once plain is measured.

        The figures about the whole run come with it: of each there is one.

        Args:
            note: what there is to say of it.
            awaits_plain: it is measured now.
        """
        return _packed(
            {
                "kind": "end",
                "record": end,
                "note": note,
                "panels": {
                    "facts": self._facts(end=end, awaits_plain=awaits_plain),
                    **self.numbers.panels(self.tally, end),
                },
            }
        )

    def _judged(self, this: Round) -> JudgementInfo:
        is_block = self.header.config.get("rule") == "block"
        return judgement_info(this, is_block, self.header.has_point_mass)

    def _panels(self, this: Round, order: list[Step]) -> dict[str, Any]:
        return {
            "tree": tree_panel(
                tree_info(this, self.header.has_point_mass),
                order,
                drafting_of(self.header.method),
            ),
            "caches": caches_panel(caches_info(self.header, this), order),
            "judgement": _without_figure(judgement_panel(self._judged(this), order)),
            "mask": mask_panel(mask_info(this), order),
            "timeline": timeline_panel(timeline_info(this, self.plain_step), order),
            "text": text_panel(this),
            "facts": self._facts(plain=self.plain, is_over=False, awaits_plain=self.awaits_plain),
        }

    def _facts(self, **known: Any) -> list[dict[str, str]]:
        return facts_panel(self.tally, is_plain=self.header.method == "plain", **known)


def _without_figure(panel: dict[str, Any]) -> dict[str, Any]:
    """A panel whose figure has come with the header."""
    return {key: value for key, value in panel.items() if key != "figure"}


def _packed(message: dict[str, Any]) -> str:
    return json.dumps(
        message,
        separators=(",", ":"),
        ensure_ascii=False,
        allow_nan=False,
        check_circular=False,
        default=_fields,
    )


def _told(step: Step) -> dict[str, Any]:
    """What the player wants to know of a step; a level only where there is one to look at."""
    told = {"phase": step.phase, "label": step.label}
    return told | {"level": step.level} if step.level else told


def _fields(record: Any) -> dict[str, Any]:
    """A record as ``schema.plain`` gives it; the encoder walks tuples faster than Python does."""
    if isinstance(record, Mapping):
        return dict(record)
    return schema.written(record)
