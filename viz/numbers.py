"""The figures about a whole run, worked out once when it is over from counts kept while it ran."""

from typing import Any

from engine.breakdown import Breakdown
from engine.records import Round
from engine.run_facts import End, Header
from engine.stats import Tally
from engine.trace import Trace
from viz.acceptance import acceptance_info, acceptance_panel
from viz.bandwidth import bandwidth_info, bandwidth_panel
from viz.calibration import calibration_info, calibration_panel
from viz.cost import cost_info, cost_panel
from viz.rounds import rounds_info, rounds_panel
from viz.speed_up import speed_up_info, speed_up_panel

TITLES = {
    "rounds": "Tokens a round",
    "acceptance": "Acceptance by depth",
    "calibration": "Draft probability and acceptance",
    "cost": "What a pass costs here",
    "speed_up": "Speed-up by tree size",
    "bandwidth": "Bytes and operations",
}
NAMES = tuple(TITLES)


class Numbers:
    """Counts a run's rounds; a round costs the same however many came before it."""

    def __init__(self, header: Header) -> None:
        self.header = header
        self.breakdown = Breakdown()

    @classmethod
    def of(cls, trace: Trace) -> dict[str, Any]:
        """The panels of a whole trace."""
        numbers = cls(trace.header)
        for this in trace.rounds:
            numbers.add(this)
        return numbers.panels(Tally.of(trace.rounds), trace.end)

    def add(self, this: Round) -> None:
        """Count one more round."""
        self.breakdown.add(this)

    def panels(self, tally: Tally, end: End | None) -> dict[str, Any]:
        """Every figure by the name of its panel; ``tally`` is of the same rounds."""
        header, found = self.header, self.breakdown
        return {
            "rounds": rounds_panel(rounds_info(found)),
            "acceptance": acceptance_panel(acceptance_info(found)),
            "calibration": calibration_panel(calibration_info(found, not header.has_point_mass)),
            "cost": cost_panel(cost_info(header, found)),
            "speed_up": speed_up_panel(speed_up_info(header, tally, found, end)),
            "bandwidth": bandwidth_panel(bandwidth_info(header, tally, found, end)),
        }
