"""One KV cache in one round: its slots, and its story so far in numbers."""

from typing import NamedTuple

from viz.phases import Step
from viz.pieces import visible


class Strip(NamedTuple):
    """Slots are absolute."""

    name: str
    before: int
    written: int
    after: int
    moved: tuple[tuple[int, int], ...]
    hole: int  # slots that the committed text has and this cache lacks
    slot_bytes: int | None
    levels: tuple[int, ...]  # slots written with each drafted level; empty: in the pass

    @property
    def behind(self) -> int:
        """The first slot behind those written."""
        return self.before + self.written

    def written_at(self, step: Step) -> int:
        """Slots that this step writes."""
        if step.phase == "draft" and step.level <= len(self.levels):
            return self.levels[step.level - 1]
        return self.written if step.phase == "verify" and not self.levels else 0

    def story(self, written: int, is_committed: bool) -> str:
        """What has happened until now; what is to come is not told."""
        told = f"{visible(self.name)} {self.before}"
        if written:
            told += f" → {self.before + written} written"
        return f"{told} → {self.after} kept" if is_committed else told

    @property
    def size(self) -> str:
        """The memory of the kept slots; empty where none was reserved when the run began."""
        if self.slot_bytes is None or self.slot_bytes <= 0:
            return ""
        amount = self.after * self.slot_bytes
        unit = next(i for i in range(4) if amount < 1000 * 1024**i or i == 3)
        return f"{amount / 1024**unit:.3g} {('B', 'KiB', 'MiB', 'GiB')[unit]}"
