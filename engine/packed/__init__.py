"""CPU: a causal model's modules swapped, in place and by type, for fast equal ones."""

from engine.packed.model import PackedNorm, pack, pack_parts

__all__ = ["PackedNorm", "pack", "pack_parts"]
