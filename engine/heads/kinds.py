"""The kinds of heads there are: their files, and how they are read and fitted to a target."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn
from transformers import PretrainedConfig

from engine.heads import eagle3_file, eagle_file, hydra_file, medusa
from engine.heads.attach_feature_head import attach_feature_head
from engine.heads.attach_guessing import attach_guessing
from engine.heads.attached import Attached
from engine.heads.checkpoint import HeadError, HeadFile
from engine.heads.hydra import HydraHeads


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of heads.

    Attributes:
        title: in a sentence: "needs … for this target".
        methods: that draft with it.
        stems: names of its file, without the ending.
        read: the module of an open file; the second argument is the target's config.
        attach: fits the module to a target.
    """

    title: str
    methods: tuple[str, ...]
    stems: tuple[str, ...]
    read: Callable[[HeadFile, PretrainedConfig], nn.Module]
    attach: Callable[..., Attached]


def _read_hydra(file: HeadFile, target: PretrainedConfig) -> HydraHeads:
    heads = hydra_file.read_hydra(file, target)
    if heads.prefix is not None:
        raise HeadError(f"{file.path.name} holds Hydra++ heads: they have a prefix layer")
    return heads


def _read_hydra_plus(file: HeadFile, target: PretrainedConfig) -> HydraHeads:
    heads = hydra_file.read_hydra(file, target)
    if heads.prefix is None:
        raise HeadError(f"{file.path.name} holds Hydra heads: they have no prefix layer")
    return heads


KINDS = {
    "medusa": Kind(
        "Medusa heads",
        ("medusa",),
        medusa.STEMS,
        lambda file, _: medusa.read_medusa(file),
        attach_guessing,
    ),
    "hydra": Kind("Hydra heads", ("hydra",), hydra_file.STEMS, _read_hydra, attach_guessing),
    "hydra++": Kind(
        "Hydra++ heads", ("hydra++",), hydra_file.STEMS, _read_hydra_plus, attach_guessing
    ),
    "eagle": Kind(
        "an EAGLE head",
        ("eagle", "eagle2"),
        eagle_file.STEMS,
        lambda file, _: eagle_file.read_eagle(file),
        attach_feature_head,
    ),
    "eagle3": Kind(
        "an EAGLE-3 head",
        ("eagle3",),
        eagle3_file.STEMS,
        lambda file, _: eagle3_file.read_eagle3(file),
        attach_feature_head,
    ),
}
METHODS = tuple(method for kind in KINDS.values() for method in kind.methods)
