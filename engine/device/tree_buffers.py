"""A round's tree in device memory, at addresses that never change.

Everything that differs from round to round is a number in here, so that one captured step
serves every tree of up to ``size`` nodes.  It travels in one copy from pinned memory.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from engine.attention.tree_attention import TreeSlots, attends_by_trees
from engine.attention.tree_mask import tree_mask
from engine.config import MAX_NODES
from engine.tree import ancestors, depths
from kernels.ancestors import pack_ancestors
from kernels.tiles import MAX_ROWS

# Of trees whose rounds are captured, the root counted: between the powers of two are those of the
# usual trees of 8, 16, 32 and 64 drafted nodes, which would else be padded to twice their rows.
SIZES = (1, 2, 4, 8, 12, 16, 24, 32, 40, 64, 72, 128)
LARGER = (192, 256, MAX_NODES + 1, 320)  # rare: called as they are
NO_PARENT = -1  # of the root; any other node that has none is padding
FRESH = MAX_NODES + 2  # tokens that one round may commit, and one to spare


def padded_size(nodes: int) -> int:
    """The smallest size that serves a tree of ``nodes``."""
    return next(size for size in (*SIZES, *LARGER) if size >= nodes)


class TreeBuffers:
    """Room for the nodes of one tree; what is behind ``count`` is padding and is never judged.

    Attributes:
        tokens: [size] int64.
        parents: [size] int64.
        depths: [size] int64, the root's is 0.
        bits: [size, ceil(size / 32)] int32, ancestors as ``pack_ancestors`` gives them.
        uniforms: [size] fp64, one to judge each node with.
        draws: [2 * size] fp64: where the device draws, what each planned node is drawn with, and
            what follows to judge with, which then is where ``drawn`` says.
        confidence: [size] fp64, the drafter's own where the device drafts.
        read: [1] int64, nodes below the root that a dynamic tree's drafter has read.
        drawn: [1] int64, how many of ``draws`` tokens were drawn with.
        last: [1] int64, the node that ended the last round's path.
        fresh: [FRESH] int64, tokens committed since the last round; some may stand twice.
        length: [1] int64, slots of the committed text, the root left out.
        count: [1] int64, nodes of the tree.
        places: [size] int64, 0, 1 and so on.
        whole: [1] int64, ``size``.
    """

    def __init__(self, size: int, device: torch.device) -> None:
        self.size, self.words = size, (size + 31) // 32
        lengths = {
            "tokens": size,
            "parents": size,
            "depths": size,
            "bits": (size * self.words + 1) // 2,
            "uniforms": size,
            "draws": 2 * size,
            "last": 1,
            "fresh": FRESH,
            "length": 1,
            "count": 1,
        }
        total, is_remote = sum(map(_whole, lengths.values())), device.type == "cuda"
        self._host = torch.zeros(total, dtype=torch.int64, pin_memory=is_remote)
        self._device = torch.zeros(total, dtype=torch.int64, device=device)
        host, here = (_parts(memory, lengths) for memory in (self._host, self._device))
        for parts in (host, here):
            bits = parts["bits"].view(torch.int32)[: size * self.words]
            parts["bits"] = bits.view(size, self.words)
            for name in ("uniforms", "draws"):
                parts[name] = parts[name].view(torch.float64)
        self._uniforms, self._draws = host["uniforms"], host["draws"]
        self._told = {name: part.numpy() for name, part in host.items()}
        self.tokens, self.parents, self.depths = here["tokens"], here["parents"], here["depths"]
        self.bits, self.uniforms, self.fresh = here["bits"], here["uniforms"], here["fresh"]
        self.draws, self.last = here["draws"], here["last"]
        self.length, self.count = here["length"], here["count"]
        self.confidence = torch.zeros(size, dtype=torch.float64, device=device)
        self.read, self.drawn = (torch.zeros(1, dtype=torch.int64, device=device) for _ in range(2))
        self.places = torch.arange(size, device=device)
        self.whole = torch.full((1,), size, device=device)
        self.unmasked = torch.zeros(1, 1, 1, 1, dtype=torch.bool, device=device)

    @property
    def slots(self) -> TreeSlots:
        """What the attention function is told."""
        return TreeSlots(self.length, self.count, self.bits)

    @property
    def chosen(self) -> dict[str, torch.Tensor]:
        """What a drafter on the device has left, by its names in a report."""
        names = ("tokens", "parents", "confidence", "read", "drawn")
        return {name: getattr(self, name) for name in names}

    def fill(
        self,
        tokens: Sequence[int],
        parents: Sequence[int],
        length: int,
        fresh: Sequence[int],
        last: int = 0,
    ) -> None:
        """Note a tree for ``send``; of padding only that it has no parent matters.

        Args:
            tokens: [N] with N at most ``size``.
            parents: [N], parents first.
            length: slots of the committed text, the root left out.
            fresh: tokens committed since the last round, at least one.
            last: node that ended the last round's path.
        """
        told, count = self._told, len(tokens)
        told["tokens"][:count] = tokens
        told["tokens"][count:] = 0
        told["parents"][:count] = parents
        told["parents"][count:] = NO_PARENT
        told["depths"][:], told["bits"][:] = _laid_out(tuple(parents), self.size)
        told["fresh"][: len(fresh)] = fresh
        told["fresh"][len(fresh) :] = fresh[0]
        told["length"][0], told["count"][0], told["last"][0] = length, count, last

    def draw(self, count: int, rng: torch.Generator, drafted: int = 0) -> list[float]:
        """Draw a uniform for each of ``count`` nodes, and before these one for each of ``drafted``
        ones whose tokens are drawn on the device; returns all.
        """
        name, room = ("draws", self._draws) if drafted else ("uniforms", self._uniforms)
        room[: drafted + count].uniform_(generator=rng)
        return self._told[name][: drafted + count].tolist()

    def seen_by(
        self,
        model: torch.nn.Module,
        above: torch.Tensor,
        slots: int,
        dtype: torch.dtype,
        count: torch.Tensor | None = None,
    ) -> dict[str, Any]:
        """What tells ``model`` in a pass over some nodes what they see, and no host reads.

        Slots below ``count`` may be looked at: those that no node sees must be finite.

        Args:
            above: [n, size] bool, the nodes down to each one that is read.
            count: [1] nodes that stand by now; all of the tree unless given.
            slots: of the model's cache; a model that knows no trees attends to all.
            dtype: of its mask.
        """
        if attends_by_trees(model) and len(above) <= MAX_ROWS:  # what was tried beforehand
            stand = self.whole if count is None else count
            tree = TreeSlots(self.length, stand, pack_ancestors(above))
            return {"mask": self.unmasked, "tree": tree}
        return {"mask": tree_mask(above, self.length, slots, dtype)}

    def send(self) -> None:
        """Queue the copy to the device.  The host may write again once the round was read."""
        self._device.copy_(self._host, non_blocking=True)


def _parts(memory: torch.Tensor, lengths: dict[str, int]) -> dict[str, torch.Tensor]:
    """One behind the other, each at a multiple of 16 bytes whatever the size of the tree.

    Triton compiles a kernel anew for addresses that are none: what was tried for some trees
    would not be what runs for others.
    """
    places = memory.split([_whole(length) for length in lengths.values()])
    pairs = zip(lengths.items(), places, strict=True)
    return {name: place[:length] for (name, length), place in pairs}


def _whole(length: int) -> int:
    """int64 that so many of them take up."""
    return length + length % 2


@lru_cache(maxsize=256)
def _laid_out(parents: tuple[int, ...], size: int) -> tuple[np.ndarray, np.ndarray]:
    """[size] depths and [size, words] ancestor bits; zeros for padding."""
    words, count = (size + 31) // 32, len(parents)
    deep, bits = np.zeros(size, dtype=np.int64), np.zeros((size, words), dtype=np.int32)
    deep[:count] = depths(parents)
    seen = np.zeros((count, words * 32), dtype=bool)
    seen[:, :count] = ancestors(parents)
    bits[:count] = np.packbits(seen, axis=1, bitorder="little").view(np.int32)
    return deep, bits


class TreePool:
    """Buffers for trees of any size: those of captured ones at once, of others when asked for."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._trees = {size: TreeBuffers(size, device) for size in SIZES}

    def __call__(self, nodes: int) -> TreeBuffers:
        """Those that serve a tree of ``nodes``."""
        size = padded_size(nodes)
        if size not in self._trees:
            self._trees[size] = TreeBuffers(size, self._device)
        return self._trees[size]
