"""What is known of a run before its first round."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version

from engine.attention.kernel_choice import kernels_for
from engine.attention.kernel_path import KernelPath
from engine.bundle import Bundle
from engine.ceilings import known_roofline_of
from engine.config import DecodeConfig
from engine.detokenizer import Pieces
from engine.pass_cost import PassCost
from engine.run_facts import Header
from engine.schema import MAX_TEXT
from engine.trace import VERSION

# read once: parsing the packages' metadata takes longer than opening a short run
SOFTWARE = {name: version(name) for name in ("torch", "transformers", "numpy")}


def make_header(
    bundle: Bundle,
    config: DecodeConfig,
    prompt: str | Sequence[int],
    prompt_ids: Sequence[int],
    slot_bytes: Mapping[str, int],
    prefill_seconds: float,
    cost: PassCost | None,
    remembered: int = 0,
) -> Header:
    """The header of a run whose prompt has been read.

    Args:
        cost: of the target's pass as this run plays it.
        remembered: tokens of earlier runs that its drafter reads.
    """
    pieces = Pieces(bundle.tokenizer)
    text = prompt if isinstance(prompt, str) else bundle.tokenizer.decode(list(prompt_ids))
    heads = bundle.heads.get(config.method)
    has_draft_model = "draft" in slot_bytes
    is_drawn = has_draft_model or (heads is not None and config.drafting == "sampled")
    return Header(
        version=VERSION,
        method=config.method,
        config=asdict(config) | {"tree": _plain_tree(config.tree), "stop": list(config.stop)},
        target=bundle.weights,
        draft=heads.weights if heads else bundle.draft_weights if has_draft_model else None,
        device=str(bundle.device),
        path=bundle.path,
        kernels=_kernels(bundle, config),
        prompt=text[:MAX_TEXT],
        prompt_token=tuple(prompt_ids),
        prompt_text=tuple(map(pieces, prompt_ids)),
        is_exact=True,
        has_point_mass=config.is_greedy or not is_drawn,
        slot_bytes=dict(slot_bytes),
        prefill_seconds=prefill_seconds,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        software=SOFTWARE,
        pass_seconds=dict(zip(cost.nodes, map(_micro, cost.seconds), strict=True)) if cost else {},
        roofline=known_roofline_of(bundle.target),
        remembered=remembered,
    )


def _kernels(bundle: Bundle, config: DecodeConfig) -> KernelPath | None:
    """What verifies trees as large as the settings allow."""
    if bundle.kernels is None:
        return None
    drafted = len(config.tree) if isinstance(config.tree, tuple) else config.tree
    nodes = 1 + (drafted if isinstance(drafted, int) else 0)
    return kernels_for(bundle.target, bundle.kernels, nodes)


def _plain_tree(tree: object) -> object:
    """A tree setting as JSON has it."""
    return [list(path) for path in tree] if isinstance(tree, tuple) else tree


def _micro(seconds: float) -> float:
    return round(seconds, 6)
