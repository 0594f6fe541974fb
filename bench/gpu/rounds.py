"""Whole rounds of each method, by the decoder itself: draft, verify, accept, record, commit.

A method whose heads cannot be made or that fails is a line like any other.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, product
from time import perf_counter

from bench.gpu.lines import Ceilings, Line
from bench.gpu.models import HEADS, OWN, add_heads, random_bundle
from bench.gpu.round_bound import least_time
from bench.gpu.scale import Model, Scale
from bench.report import Spread, spread
from engine import Bundle, DecodeConfig, decode
from engine.config import RankPath
from kernels.reason import first_line

METHODS = (*OWN, *HEADS)
DYNAMIC = ("hydra++", "eagle2", "eagle3")  # timed with trees of their own where nothing is drawn
TEMPERATURES = (0.0, 0.7)
WARM = 4  # rounds that compile, capture and allocate
TREE = tuple(
    (*above, rank) for above in ((), (0,), (1,), (0, 0)) for rank in range(8)
)  # 32 nodes on three levels
CHAIN = ((0,), (0, 0), (0, 0, 0), (0, 0, 0, 0))


@dataclass(frozen=True, slots=True)
class Drafted:
    """What a method drafts in a round: a tree that is given, or nodes and levels of its own."""

    tree: int | tuple[RankPath, ...]
    levels: int

    @property
    def nodes(self) -> int:
        """Besides the root."""
        return self.tree if isinstance(self.tree, int) else len(self.tree)


def drafted_by(method: str, temperature: float) -> Drafted:
    """A chain, a tree of 32, or a dynamic one as large and as deep."""
    if method == "plain":
        return Drafted(0, 0)
    tree = CHAIN if method == "draft" else TREE
    levels = max(map(len, tree))
    return Drafted(len(tree) if method in DYNAMIC and not temperature else tree, levels)


def time_rounds(scale: Scale, ceilings: Ceilings, model: Model, draft: Model) -> Iterator[Line]:
    """Every method behind the shortest context, the target of ``model``'s shape.

    All of them greedily first: the drawn rounds are what is left out where time runs out.

    Args:
        draft: shape of the draft model.
    """
    is_rehearsal = scale.device.type != "cuda"  # which goes through the loop of a card too
    bundle = random_bundle(scale, model, draft, is_static=is_rehearsal)
    kernels = bundle.kernels
    yield Line(f"{model.name}: trees verified by {kernels.name}", note=kernels.reason)
    length, plain = scale.contexts[0], dict[tuple[float, bool], float]()
    for temperature, method in product(TEMPERATURES, METHODS):
        drafted = drafted_by(method, temperature)
        for record in (True, False) if method in ("plain", "draft_tree") else (True,):
            name = f"{model.name} {method}, {drafted.nodes} drafted behind {length}"
            name += f", T {temperature}" if temperature else ""
            name += "" if record else ", unrecorded"
            config = _config(method, temperature, record, scale.rounds)
            try:
                took = _seconds(bundle, config, length, scale.rounds)
            except Exception as error:  # of a kernel, a compiler or an allocator: any type
                yield Line(name, note=f"failed: {first_line(error):.120}")
                continue
            if method == "plain":
                plain[temperature, record] = took.median
            base = None if method == "plain" else plain.get((temperature, record))
            notes = [f"{took.median / base:.2f} x plain"] if base else []
            note = "; ".join(notes + [f"not captured: {why}" for why in _troubles(bundle)])
            told = (drafted.nodes, drafted.levels, length)
            yield Line.timed(name, took, least_time(bundle, method, *told, ceilings), note)


def _config(method: str, temperature: float, record: bool, rounds: int) -> DecodeConfig:
    """Heads draw above temperature 0; no round's tree is cut by the text's end."""
    drafted = drafted_by(method, temperature)
    return DecodeConfig(
        method,
        (WARM + rounds + 1) * (1 + drafted.levels),
        temperature=temperature,
        tree=drafted.tree,
        num_draft=drafted.levels or None,
        drafting="sampled",
        chat=False,
        record=record,
    )


def _seconds(bundle: Bundle, config: DecodeConfig, length: int, rounds: int) -> Spread:
    """Microseconds of a round; each ends with the host's read of what was emitted."""
    if config.method not in bundle.methods:
        add_heads(bundle, config.method)
    prompt = [(7 * place + 3) % bundle.vocab_size for place in range(length)]
    run, taken = decode(bundle.for_visitor(), prompt, config), []
    start = perf_counter()
    for _ in islice(run, WARM + rounds):
        now = perf_counter()
        taken.append(1e6 * (now - start))
        start = now
    run.close()
    return spread(taken[WARM:] or taken)


def _troubles(bundle: Bundle) -> list[str]:
    """Why rounds were not replays of what was captured, where there is a card for that."""
    if bundle.device.type == "cuda" and not bundle.lanes:
        return ["no lane was there"]
    return [f"{trouble:.80}" for lane in bundle.lanes for trouble in lane.troubles]
