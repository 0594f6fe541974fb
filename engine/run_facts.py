"""What a trace says once: before its first round, and after its last.

Frozen data without tensors, as ``engine.records``, which holds the rounds between.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import NoneType
from typing import Any, Literal

from engine.attention.kernel_path import KernelPath
from engine.columns import are_ids
from engine.roofline import Roofline
from engine.schema import RARE

Reason = Literal["eos", "length", "stop", "context", "cancelled", "memory", "not_finite"]

MAX_PASSES = 256  # sizes that are timed; a dozen are, and each has its point in a figure
MAX_REMEMBERED = 2**21  # tokens; a run's memory holds a hundredth of that
# Settings that pictures read, whoever wrote the trace; others are kept as they are.
_READ = {
    "temperature": (int, float),
    "max_new_tokens": int,
    "tree": (int, str, list, tuple),
    "num_draft": (int, NoneType),
    "top_k": (int, NoneType),
    "top_p": (int, float, NoneType),
    "repetition_penalty": (int, float),
}


@dataclass(frozen=True, slots=True)
class Weights:
    """Which weights ran."""

    name: str
    source: str  # of the Hub's: its id, "@" and the commit
    sha256: str  # of the weights file (of one in parts see ``weights_of``), or "" where none is
    dtype: str


@dataclass(frozen=True, slots=True)
class Header:
    """What was known before the first round."""

    version: int
    method: str
    config: Mapping[str, Any]  # DecodeConfig's fields
    target: Weights
    draft: Weights | None
    device: str
    path: str  # which implementation ran: "packed", "transformers"
    prompt: str
    prompt_token: tuple[int, ...]
    prompt_text: tuple[str, ...]  # one piece per prompt token
    is_exact: bool  # the output law is the target's own
    has_point_mass: bool  # drafted nodes are judged as point masses, not with the drafter's law
    slot_bytes: Mapping[str, int]  # bytes of one slot, by cache name
    prefill_seconds: float
    created: str  # ISO 8601, UTC
    software: Mapping[str, str]
    pass_seconds: Mapping[int, float] = field(default_factory=dict)  # target's pass, by its nodes
    roofline: Roofline | None = None  # where the machine's ceilings were measured
    kernels: KernelPath | None = None  # what verified the trees, where that was chosen
    # tokens of earlier runs' texts that its drafter could copy from, this run's own not counted
    remembered: int = field(default=0, metadata=RARE)

    def __post_init__(self) -> None:
        are_ids("prompt_token", self.prompt_token)
        if len(self.pass_seconds) > MAX_PASSES:
            raise ValueError(
                f"pass_seconds: {len(self.pass_seconds):,} sizes are timed; at most {MAX_PASSES}"
            )
        if not 0 <= self.remembered <= MAX_REMEMBERED:
            raise ValueError(
                f"remembered: {self.remembered:,} tokens; 0 to {MAX_REMEMBERED:,} are read"
            )
        for name, kinds in _READ.items():
            setting = self.config.get(name, 0)
            if isinstance(setting, bool) or not isinstance(setting, kinds):
                raise ValueError(f"config.{name}: not {setting!r:.60}")


@dataclass(frozen=True, slots=True)
class Yardstick:
    """Plain decoding of the same prompt in the same process, for the speed-up."""

    tokens: int
    seconds: float
    same_tokens: int  # leading tokens equal to this run's own
    verify_seconds: float | None = None  # of ``seconds``, those of the target's passes


@dataclass(frozen=True, slots=True)
class End:
    """What was known after the last round."""

    reason: Reason
    rounds: int
    tokens: int
    seconds: float  # of all rounds' phases, laws gathered included; prefill and pieces of text not
    plain: Yardstick | None = None

    @property
    def is_whole(self) -> bool:
        """Whether the text came to its end, rather than the run."""
        return self.reason not in ("cancelled", "memory", "not_finite")
