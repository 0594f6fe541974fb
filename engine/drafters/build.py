"""From a method's name to its drafter: the one place that knows all of them."""

from collections.abc import Callable
from dataclasses import dataclass

from engine.bundle import AVAILABLE, Bundle
from engine.context import Context
from engine.draft_rows import rows_vocab
from engine.drafters.children import Children
from engine.drafters.costs import draft_cost, target_cost
from engine.drafters.draft import Draft
from engine.drafters.drafter import Drafter
from engine.drafters.eagle import build_eagle
from engine.drafters.eagle2 import build_eagle2
from engine.drafters.eagle3 import build_eagle3
from engine.drafters.head_planner import fitted
from engine.drafters.hydra import build_hydra
from engine.drafters.lookup import Lookup
from engine.drafters.medusa import build_medusa
from engine.drafters.order import Order
from engine.drafters.plain import Plain
from engine.drafters.suffix import Suffix
from engine.planning.planner import Planner

TREE_RANKS = 4  # children of one node that ``draft_tree`` draws at the most


def _no_taps(_: Bundle) -> tuple[int, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class Method:
    """How one method is set up in a run.

    Attributes:
        build: makes the planner and the drafter.
        taps: the target's hidden states that the drafter reads (see ``Context``).
        keeps_prompt: whether it reads those of the whole prompt, not of its end alone.
    """

    build: Callable[[Order], tuple[Planner, Drafter]]
    taps: Callable[[Bundle], tuple[int, ...]] = _no_taps
    keeps_prompt: bool = False


def method_of(bundle: Bundle, name: str) -> Method:
    """The method of that name.

    Raises:
        ValueError: it is unknown, or not available with these models.
    """
    state = bundle.methods.get(name)
    if state is None:
        raise ValueError(f"There is no method {name!r}; there are {', '.join(bundle.methods)}.")
    if state != AVAILABLE:
        raise ValueError(f"Method {name!r} is not available: it {state}.")
    return _METHODS[name]


def build_drafter(order: Order) -> tuple[Planner, Drafter]:
    """The planner and the drafter of one run, both having read the prompt; errors as above."""
    return method_of(order.bundle, order.config.method).build(order)


def _plain(order: Order) -> tuple[Planner, Drafter]:
    return Planner(order.config), Plain()


def _lookup(order: Order) -> tuple[Planner, Drafter]:
    planner = Planner(order.config, target_cost(order))
    return planner, Lookup(planner)


def _suffix(order: Order) -> tuple[Planner, Drafter]:
    planner = Planner(order.config, target_cost(order))
    return planner, Suffix(planner, order.bundle.memory)


def _draft(order: Order, max_rank: int = 1) -> tuple[Planner, Drafter]:
    model = order.bundle.draft
    context = Context(model, order.capacity, "draft")
    if len(order.prompt) <= context.length_limit:  # else it never drafts
        context.prefill(order.prompt[:-1], order.is_cancelled)
    costs = target_cost(order), draft_cost(order)  # later: a lack of memory is the run's own first
    file = order.bundle.draft_trees if max_rank > 1 else order.bundle.draft_trees.without_trees()
    config, trees = fitted(order.config, file, drawn=not order.config.is_greedy)
    planner = Planner(config, *costs, max_rank, trees.chances)
    vocab = rows_vocab(model, order.bundle.vocab_size)
    return planner, Draft(context, planner, Children(vocab, order.sampler, order.rng))


def _draft_tree(order: Order) -> tuple[Planner, Drafter]:
    return _draft(order, TREE_RANKS)


def _head_taps(name: str) -> Callable[[Bundle], tuple[int, ...]]:
    """The states that the heads of method ``name`` read."""
    return lambda bundle: bundle.heads[name].attached.taps


_METHODS = {
    "plain": Method(_plain),
    "lookup": Method(_lookup),
    "suffix": Method(_suffix),
    "draft": Method(_draft),
    "draft_tree": Method(_draft_tree),
    "medusa": Method(build_medusa, _head_taps("medusa")),
    "hydra": Method(build_hydra, _head_taps("hydra")),
    "hydra++": Method(build_hydra, _head_taps("hydra++"), keeps_prompt=True),
    "eagle": Method(build_eagle, _head_taps("eagle"), keeps_prompt=True),
    "eagle2": Method(build_eagle2, _head_taps("eagle2"), keeps_prompt=True),
    "eagle3": Method(build_eagle3, _head_taps("eagle3"), keeps_prompt=True),
}
