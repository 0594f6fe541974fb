"""Children for the nodes of a level, chosen on the device and written into the tree there."""

from dataclasses import dataclass

import torch

from engine.device.drafters.distinct import distinct_rows
from engine.device.drafters.levels import Level
from engine.device.laws import path_scores, static_scores
from engine.device.tree_buffers import NO_PARENT, TreeBuffers
from engine.draft_vocab import DraftVocab
from engine.sampling import Sampler


def best_of(logits: torch.Tensor, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """[n, count] most probable tokens of logits [n, V], best first, and their probabilities."""
    chances, tokens = logits.softmax(-1).topk(count)
    return tokens, chances


def best_below(
    vocab: DraftVocab,
    sampler: Sampler,
    logits: torch.Tensor,
    count: int,
    path: tuple[torch.Tensor, torch.Tensor, torch.Tensor],
) -> tuple[torch.Tensor, torch.Tensor]:
    """[n, count] most probable tokens behind logits [n, Vd], and how probable they are.

    Args:
        path: tokens, above and seen as ``path_scores`` takes them; read for the penalty only.
    """
    if not sampler.needs_history:
        return vocab.best(logits, count)
    return best_of(path_scores(sampler, vocab.widen(logits), *path), count)


@dataclass(frozen=True, slots=True, eq=False)
class ChildWriter:
    """How one round's children are chosen.

    Attributes:
        tree: they are written into; also read for what stands above a node.
        seen: [V] bool, tokens of the committed text.
        laws: [size, V] takes the laws that tokens are drawn from; ``None`` takes the most
            probable ones, to be judged as point masses.
        vocab: of the drafter's logits.
    """

    tree: TreeBuffers
    sampler: Sampler
    seen: torch.Tensor
    laws: torch.Tensor | None
    vocab: DraftVocab

    def begin(self) -> None:
        """Nothing is drawn yet; the text is known up to the root."""
        if self.sampler.needs_history:
            self.seen.index_fill_(0, self.tree.fresh, True)
        if self.laws is not None:
            self.laws.zero_()
            self.tree.drawn.zero_()

    def end(self) -> None:
        """What the nodes are judged with comes behind what was used to draw them."""
        tree = self.tree
        if self.laws is not None:
            number = ((tree.parents >= 0) | (tree.places == 0)).cumsum(0) - 1
            tree.uniforms.copy_(tree.draws[tree.drawn + number])

    def __call__(self, level: Level, logits: torch.Tensor) -> None:
        """Hang a level's children.

        Args:
            logits: [n, Vd] below each of its parents, or [1, Vd] below all.
        """
        if self.laws is not None:
            self._draw(level, logits)
            return
        if self.sampler.needs_history:
            tokens, chances = best_of(self._scores(level, logits), level.most)
        else:
            tokens, chances = self.vocab.best(logits, level.most)
        places = level.places if len(logits) == len(level.parents) else level.places * 0
        self._write(level, tokens[places, level.ranks], chances[places, level.ranks])

    def _draw(self, level: Level, logits: torch.Tensor) -> None:
        """Children at their uniforms, where their parent is there and its law has mass left."""
        tree, parents = self.tree, level.parents
        scores = self._scores(level, logits.expand(len(parents), -1))
        laws = self.sampler.laws_of(scores, few=self.laws.shape[-1])
        self.laws.index_copy_(0, parents, laws)
        is_there = (tree.parents.index_select(0, parents) >= 0) | (parents == 0)
        used = level.wanted * is_there
        at = (tree.drawn + used.cumsum(0) - used)[:, None] + tree.places[: level.most]
        tokens, found = distinct_rows(laws, tree.draws[at.clamp_max(len(tree.draws) - 1)])
        tree.drawn.add_(used.sum())
        child = level.places, level.ranks
        hung = torch.where((found & is_there[:, None])[child], parents[level.places], NO_PARENT)
        tree.parents.index_copy_(0, level.children, hung)
        self._write(level, tokens[child], laws.gather(1, tokens)[child])

    def _scores(self, level: Level, logits: torch.Tensor) -> torch.Tensor:
        nodes = level.parents[: len(logits)]
        return static_scores(self.sampler, self.vocab.widen(logits), self.tree, self.seen, nodes)

    def _write(self, level: Level, tokens: torch.Tensor, chances: torch.Tensor) -> None:
        self.tree.tokens.index_copy_(0, level.children, tokens)
        self.tree.confidence.index_copy_(0, level.children, chances.double())
