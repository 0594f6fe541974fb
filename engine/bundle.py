"""A target with its tokenizer, its drafters and what each method says of itself."""

import sys
from dataclasses import dataclass, field, replace

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from engine.attention.kernel_path import KernelPath
from engine.ceilings import ceilings_of
from engine.cost import cost_of
from engine.device.can_step import can_step
from engine.device.lane import Lane
from engine.device.round_cost import measure_reads, measure_rounds
from engine.drafters.suffix import SuffixMemory
from engine.heads.draft_cost import measure_heads
from engine.heads.find import Heads
from engine.heads.trees import TreeFile
from engine.no_room import NoRoomError
from engine.positions import longest_context
from engine.run_facts import Weights
from kernels.reason import first_line

AVAILABLE = "available"


@dataclass(slots=True)
class Bundle:
    """What ``load`` returns and ``decode`` decodes with.

    Attributes:
        source: folder or Hub id, as given to ``from_pretrained``.
        methods: name -> ``"available"``, or in a sentence why not.
        draft_trees: what was measured of the draft model, and the trees picked by that.
        heads: by method, the heads that draft for it.
        path: which implementation of the target runs, ``"packed"`` or ``"transformers"``.
        kernels: what verifies its trees; ``None`` for a model that ``load`` did not see.
        memory: texts of earlier runs, for suffix decoding.
        wants_static: whether rounds are one step of the device each; ``None``: on CUDA.
        lanes: what such runs have left for the next one.
    """

    target: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    source: str
    weights: Weights
    methods: dict[str, str]
    draft: PreTrainedModel | None = None
    draft_weights: Weights | None = None
    draft_trees: TreeFile = TreeFile()
    heads: dict[str, Heads] = field(default_factory=dict)
    path: str = "transformers"
    kernels: KernelPath | None = None
    memory: SuffixMemory = field(default_factory=SuffixMemory)
    wants_static: bool | None = None
    lanes: list[Lane] = field(default_factory=list)

    @property
    def device(self) -> torch.device:
        """Where the target runs."""
        return self.target.device

    @property
    def is_static(self) -> bool:
        """Whether rounds are to be one step of the device each."""
        wanted = self.wants_static
        return self.device.type == "cuda" if wanted is None else wanted

    @property
    def dtype(self) -> torch.dtype:
        """Of the target's weights."""
        return self.target.dtype

    @property
    def vocab_size(self) -> int:
        """V, rows of the target's head."""
        return self.target.config.get_text_config().vocab_size

    @property
    def context_length(self) -> int:
        """Tokens the target reads at the most."""
        return longest_context(self.target.config.get_text_config())

    @property
    def eos_ids(self) -> frozenset[int]:
        """Tokens that end a text: those that ``generate`` ends at, else the tokenizer's."""
        for home in (self.target.generation_config, self.target.config, self.tokenizer):
            ids = getattr(home, "eos_token_id", None)
            if ids is not None:
                return frozenset(ids if isinstance(ids, list | tuple) else (ids,))
        return frozenset()

    @property
    def is_chat(self) -> bool:
        """Whether the tokenizer has a chat template."""
        return getattr(self.tokenizer, "chat_template", None) is not None

    def warm_up(self) -> None:
        """Measure what passes cost and the machine's ceilings now: the first run need not."""
        ceilings_of(self.target)
        for model in (self.target, self.draft):
            if model is not None:
                cost_of(model)
        for heads in self.heads.values():
            measure_heads(heads.attached)
        if self.is_static and can_step(self.target):
            self._warm_rounds()

    def _warm_rounds(self) -> None:
        """Capture and time the device's steps; the lane they were played in is the first run's."""
        try:
            self.lanes[:] = [measure_rounds(self.target, self.eos_ids)]
            if self.draft is not None and can_step(self.draft):
                measure_reads(self.draft)
        except (NoRoomError, RuntimeError) as error:  # runs find it out too, and go another way
            print(f"rounds were not timed: {first_line(error)}", file=sys.stderr, flush=True)

    def for_visitor(self) -> "Bundle":
        """The same models with an empty memory: nobody is drafted another one's text."""
        return replace(self, memory=SuffixMemory())
