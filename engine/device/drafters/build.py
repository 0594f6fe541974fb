"""From a run's drafter to the one that drafts on the device, where there is one."""

import torch

from engine.config import DecodeConfig
from engine.device.can_step import can_step
from engine.device.drafters.device_drafter import DeviceDrafter
from engine.device.drafters.draft import DeviceDraft
from engine.device.drafters.features import DeviceEagle
from engine.device.drafters.growing import DeviceEagle2
from engine.device.drafters.guessing import Guesser
from engine.device.drafters.head_buffers import HeadBuffers
from engine.device.drafters.prefix import PrefixGuesser
from engine.device.drafters.rows import MOST_BEHIND
from engine.device.lane import Lane
from engine.device.tree_buffers import LARGER
from engine.drafters.draft import Draft
from engine.drafters.drafter import Drafter
from engine.drafters.dynamic import WIDTH
from engine.drafters.eagle import Eagle
from engine.drafters.eagle2 import Eagle2
from engine.drafters.hydra import Hydra
from engine.drafters.medusa import Medusa
from engine.heads.feature_reader import FeatureReader

MORE = 64  # slots beyond the target's: catching up makes a draft model's trees larger


def device_drafter(drafter: Drafter, lane: Lane, config: DecodeConfig) -> DeviceDrafter | None:
    """The same method on the device; ``None`` where the host has to draft.

    That is: methods that look tokens up, which need no steps; dynamic trees so deep that one
    round may read more rows than there are buffers for; a draft model that is
    no step of the device; and more siblings of the most probable than the vocabulary has.
    """
    if isinstance(drafter, Hydra) and drafter.dynamic is not None:
        return _guesser(drafter, lane)
    if isinstance(drafter, Medusa | Hydra):
        return _guesser(drafter, lane) if _can_hang(drafter, config) else None
    if isinstance(drafter, Eagle2) and drafter.dynamic is not None:
        can = _can_grow(drafter, config)
        return DeviceEagle2(drafter, lane, _buffers(drafter.reader, lane)) if can else None
    if isinstance(drafter, Eagle):
        can = _can_hang(drafter, config)
        return DeviceEagle(drafter, lane, _buffers(drafter.reader, lane)) if can else None
    if isinstance(drafter, Draft) and can_step(drafter.context.model):
        model, slots = drafter.context.model, lane.cache.capacity + MORE
        can = _can_hang(drafter, config)
        return DeviceDraft(drafter, lane, lane.beside(model, slots)) if can else None
    return None


def _can_hang(drafter: Draft | Eagle | Hydra | Medusa, config: DecodeConfig) -> bool:
    """Whether every node has the children that are planned; drawn ones may be fewer."""
    children = drafter.children
    return children.is_drawn or _ranks(drafter, config) <= len(children.vocab)


def _can_grow(drafter: Eagle2, config: DecodeConfig) -> bool:
    """Whether buffers hold all rows that may be read for a tree."""
    depth = config.num_draft or drafter.max_depth
    return MOST_BEHIND + WIDTH * (depth - 1) <= LARGER[-1]


def _ranks(drafter: Draft | Eagle | Hydra | Medusa, config: DecodeConfig) -> int:
    """Children that one node may have."""
    if isinstance(config.tree, tuple):
        return 1 + max((path[-1] for path in config.tree), default=0)
    return drafter.planner.max_rank


def _guesser(drafter: Hydra | Medusa, lane: Lane) -> Guesser:
    """By whether the heads read the target's states or a prefix layer's."""
    if isinstance(drafter, Medusa) or drafter.reader is None:
        return Guesser(drafter, lane)
    return PrefixGuesser(drafter, lane, _buffers(drafter, lane))


def _buffers(heads: FeatureReader | Hydra, lane: Lane) -> HeadBuffers:
    """The lane's for these heads, or a new one."""
    attached = heads.attached
    if (buffers := lane.head_buffers.get(id(attached))) is None:
        states = torch.cat([lane.states[tap] for tap in attached.taps], -1)
        told = (states, lane.cache.capacity + MORE, heads.context.cache.name)
        buffers = lane.head_buffers[id(attached)] = HeadBuffers(attached, *told)
    return buffers
