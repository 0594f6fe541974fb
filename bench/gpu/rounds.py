"""Whole rounds of each method, by the decoder itself: draft, verify, accept, record, commit.

A method whose heads cannot be made or that fails is a line like any other.
"""

from collections.abc import Iterator
from itertools import islice
from time import perf_counter

from bench.gpu.lines import Ceilings, Line
from bench.gpu.models import OWN, add_heads, random_bundle
from bench.gpu.scale import Model, Scale
from bench.report import Spread, spread
from engine import Bundle, DecodeConfig, decode
from engine.ceilings import size_of
from kernels.reason import first_line

METHODS = (*OWN, "medusa", "hydra", "eagle")
WARM = 4  # rounds that compile, capture and allocate
TREE = tuple(
    (*above, rank) for above in ((), (0,), (1,), (0, 0)) for rank in range(8)
)  # 32 nodes on three levels
CHAIN = ((0,), (0, 0), (0, 0, 0), (0, 0, 0, 0))


def time_rounds(scale: Scale, ceilings: Ceilings, model: Model, draft: Model) -> Iterator[Line]:
    """Every method behind the shortest context, the target of ``model``'s shape.

    Args:
        draft: shape of the draft model.
    """
    bundle = random_bundle(scale, model, draft)
    kernels = bundle.kernels
    yield Line(f"{model.name}: trees verified by {kernels.name}", note=kernels.reason)
    length, plain = scale.contexts[0], dict[bool, float]()  # by whether it was recorded
    for method in METHODS:
        for record in (True, False) if method in ("plain", "draft_tree") else (True,):
            tree = {"plain": 0, "draft": CHAIN}.get(method, TREE)
            drafted = tree if isinstance(tree, int) else len(tree)
            name = f"{model.name} {method}, {drafted} drafted behind {length}"
            name += "" if record else ", unrecorded"
            levels = 0 if isinstance(tree, int) else max(map(len, tree))
            tokens = (WARM + scale.rounds + 1) * (1 + levels)  # no round's tree is cut by the end
            config = DecodeConfig(method, tokens, tree=tree, chat=False, record=record)
            try:
                took = _seconds(bundle, config, length, scale.rounds)
            except Exception as error:  # of a kernel, a compiler or an allocator: any type
                yield Line(name, note=f"failed: {first_line(error):.120}")
                continue
            if method == "plain":
                plain[record] = took.median
            has_base = method != "plain" and record in plain
            notes = [f"{took.median / plain[record]:.2f} x plain"] if has_base else []
            note = "; ".join(notes + [f"not captured: {why}" for why in _troubles(bundle)])
            bound = least_time(bundle, method, drafted, length, ceilings)
            yield Line.timed(name, took, bound, note)


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


def least_time(bundle: Bundle, method: str, drafted: int, length: int, ceilings: Ceilings) -> float:
    """The target's weights and slots once, the drafter's weights once a level.

    Args:
        drafted: nodes besides the root.
        length: slots of the prefix.
    """
    parameters, read = size_of(bundle.target)
    slots = bundle.target.config.num_hidden_layers * _slot(bundle) * (length + 1 + drafted)
    flops = 2 * parameters * (1 + drafted)
    levels = max(map(len, CHAIN if method == "draft" else TREE))
    if method == "plain":
        drafting = 0
    elif method in OWN:
        drafting = levels * size_of(bundle.draft)[1]
    else:
        head = bundle.target.get_output_embeddings().weight.nbytes
        own = size_of(bundle.heads[method].attached.head)[1]
        drafting = own + head if method == "medusa" else levels * (own + head)
    return ceilings.microseconds(read + slots, flops) + ceilings.microseconds(drafting)


def _slot(bundle: Bundle) -> int:
    """Bytes of a token's key and value in one layer."""
    config = bundle.target.config
    return 2 * config.num_key_value_heads * config.head_dim * bundle.dtype.itemsize
