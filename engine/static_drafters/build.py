"""From a run's drafter to the one that drafts on the device, where there is one."""

from engine.config import DecodeConfig
from engine.drafters.draft import Draft
from engine.drafters.drafter import Drafter
from engine.drafters.hydra import Hydra
from engine.drafters.medusa import Medusa
from engine.lane import Lane
from engine.static_drafters.blank import DeviceDrafter
from engine.static_drafters.draft import DeviceDraft
from engine.static_drafters.guessing import Guesser
from engine.tree_attention import attends_by_trees

MORE = 64  # slots beyond the target's: catching up makes a draft model's trees larger


def device_drafter(drafter: Drafter, lane: Lane, config: DecodeConfig) -> DeviceDrafter | None:
    """The same method on the device; ``None`` where the host has to draft.

    That is: a method without steps on the device (EAGLE's, Hydra++, and those that look tokens
    up, which need none); and siblings that are drawn, of which there may be fewer than planned.
    """
    if isinstance(drafter, Medusa) or (isinstance(drafter, Hydra) and drafter.reader is None):
        ranks, vocab = _ranks(drafter, config), _vocab(drafter)
        can = ranks == 1 if drafter.children.is_drawn else ranks <= vocab
        return Guesser(drafter, lane) if can else None
    if isinstance(drafter, Draft) and attends_by_trees(drafter.context.model):
        model = drafter.context.model
        ranks, vocab = _ranks(drafter, config), model.config.get_text_config().vocab_size
        can = ranks <= vocab if config.is_greedy else ranks == 1
        return (
            DeviceDraft(drafter, lane, lane.beside(model, lane.cache.capacity + MORE))
            if can
            else None
        )
    return None


def _ranks(drafter: Draft | Hydra | Medusa, config: DecodeConfig) -> int:
    """Children that one node may have."""
    if isinstance(config.tree, tuple):
        return 1 + max((path[-1] for path in config.tree), default=0)
    return drafter.planner.max_rank


def _vocab(drafter: Hydra | Medusa) -> int:
    """Vd, tokens that the heads guess."""
    ids = drafter.attached.draft_ids
    return drafter.attached.vocab_size if ids is None else len(ids)
