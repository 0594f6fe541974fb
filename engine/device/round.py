"""Verify, accept, commit and record on the device: one function of device memory.

The host reads nothing in it and decides nothing by what is in it, so that a CUDA graph of one
call is right for every round of the same size.  It may be called twice for the same tree: the
second call finds what the first one found.
"""

from dataclasses import dataclass

import torch

from engine.device.context import StaticContext
from engine.device.laws import static_laws
from engine.device.report_layout import ReportLayout
from engine.device.tree_buffers import TreeBuffers
from engine.recorder import TOP
from engine.sampling import Sampler
from kernels.accept import accept
from kernels.top_entries import top_entries


@dataclass(frozen=True, slots=True, eq=False)
class StaticRound:
    """A round over trees of one size.

    Attributes:
        target: whose slots the tree is read into.
        tree: filled and sent before the call.
        sampler: the processors of the run.
        ends: [E] int64 end-of-sequence tokens.
        seen: [V] bool, tokens of the committed text; kept for the penalty only.
        draft_laws: [size, V] laws that the nodes were drawn from; ``None``: point masses.
        is_recorded: whether distributions are gathered.
        is_drafted: whether the device has chosen the tokens, which the host is then told.
    """

    target: StaticContext
    tree: TreeBuffers
    sampler: Sampler
    ends: torch.Tensor
    seen: torch.Tensor
    draft_laws: torch.Tensor | None
    is_recorded: bool
    is_drafted: bool = False

    def __call__(self) -> torch.Tensor:
        """What the host is told, in the order of ``layout``."""
        tree = self.tree
        if self.sampler.needs_history:
            self.seen.index_fill_(0, tree.fresh, True)
        logits = self.target.read(tree).contiguous()
        laws = static_laws(self.sampler, logits, tree, self.seen).contiguous()
        judged = (tree.tokens, tree.parents, self.draft_laws, laws)
        accepted = accept(*judged, tree.uniforms, self.ends)
        is_end = (accepted.extra < 0).int()
        kept = accepted.count - is_end  # the text's last token is never cached
        self.target.cache.move(accepted.path, kept, tree.length)
        parts = tree.chosen | {
            "count": accepted.count,
            "extra": accepted.extra,
            "top": logits.amax(-1)[accepted.path.clamp_min(0)].amax(),  # NaN is larger than any
            "path": accepted.path,
            "verdicts": accepted.verdicts,
        }
        if self.is_recorded:
            entries = top_entries(*judged, logits, accepted, tree.size, TOP)
            parts["probs"] = laws[tree.parents.clamp_min(0), tree.tokens]
            parts["tests"] = accepted.masses[:2]
            parts |= {"entries": entries.tokens, "columns": entries.columns, "own": entries.own}
        if self.layout.has_share:
            parts["share"] = self.target.probe.share
        return self.layout.pack(parts)

    @property
    def layout(self) -> ReportLayout:
        """Of what the host is told."""
        has_share = self.is_recorded and self.target.probe is not None
        return ReportLayout(self.tree.size, self.is_drafted, self.is_recorded, has_share)
