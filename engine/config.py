"""What a user may choose for one run; knows no model and no method's inside."""

from dataclasses import dataclass
from typing import Literal

Rule = Literal["recursive", "block"]
Drafting = Literal["top", "sampled"]
RankPath = tuple[int, ...]

MAX_NODES = 256  # drafted nodes of one round, the root not counted
MAX_NEW_TOKENS = 20_000  # plain decoding makes as many rounds, and a trace holds no more
MAX_STOP = 10_000  # characters of all stop strings: they stand in the header of every trace
COLDEST = 1e-3  # dividing logits by less may overflow; 0 is exact


@dataclass(frozen=True, slots=True)
class DecodeConfig:
    """One run's settings.

    Attributes:
        method: a key of ``Bundle.methods``.
        max_new_tokens: exact upper bound on the tokens generated.
        temperature: 0.0 means greedy, which is sampling from a one-hot law.
        top_k: keep the k most probable tokens; ``None`` keeps all.
        top_p: keep the smallest set of tokens that holds this mass; ``None`` keeps all.
        repetition_penalty: divides the positive logits of tokens already in the context
            (and multiplies the negative ones); 1.0 is off.
        seed: of the only generator that randomness comes from; above temperature 0 it repeats a
            text with a fixed tree (and ``suffix``, which remembers, after the same runs) alone.
        stop: the run ends with the token that completes one of these strings.
        num_draft: K, the longest path drafted in one round; ``None`` is the method's own.
        tree: ``"auto"`` drafts what pays on this machine, possibly nothing; a number
            bounds the drafted nodes: the most probable ones by the drafter's own confidence
            (suffix; Hydra, EAGLE-2 and EAGLE-3 where they draw nothing), or by chances measured
            beforehand, or learnt in the run where nobody did; rank paths such as
            ``((0,), (1,), (0, 0))`` give a static tree (Medusa's notation: the second path is
            the root's second-best child);
            a node's parent and its better siblings must be in the tree too.
        rule: ``"recursive"`` rejection, or ``"block"`` verification of a chain.
        drafting: of heads (Medusa, Hydra, EAGLE): ``"top"`` hangs the most probable tokens
            below a node, which are judged as point masses; ``"sampled"`` draws them without
            replacement and judges them by the law they were drawn from.  At temperature 0
            both are the same; a draft model always draws above it.
        chat: wrap a text prompt in the chat template; ``None`` does so where there is one.
        record: gather for the trace the laws, the target's probabilities and attention, what each
            uniform was held against, and pieces of text; trees with verdicts, uniforms and the
            drafter's probabilities are in it anyway.
    """

    method: str = "plain"
    max_new_tokens: int = 64
    temperature: float = 0.0
    top_k: int | None = None
    top_p: float | None = None
    repetition_penalty: float = 1.0
    seed: int = 0
    stop: tuple[str, ...] = ()
    num_draft: int | None = None
    tree: str | int | tuple[RankPath, ...] = "auto"
    rule: Rule = "recursive"
    drafting: Drafting = "top"
    chat: bool | None = None
    record: bool = True

    def __post_init__(self) -> None:
        _between("max_new_tokens", self.max_new_tokens, 1, MAX_NEW_TOKENS)
        if not isinstance(self.method, str):
            raise ValueError(f"method must be a name, got {_short(self.method)}")
        _between("temperature", self.temperature, 0.0, 100.0)
        if 0 < self.temperature < COLDEST:
            raise ValueError(
                f"temperature must be 0 or at least {COLDEST}, got {self.temperature!r}"
            )
        _between("repetition_penalty", self.repetition_penalty, 0.01, 100.0)
        _between("seed", self.seed, 0, 2**53 - 1)  # what JavaScript can count to
        if self.num_draft is not None:
            _between("num_draft", self.num_draft, 1, 64)
        if self.top_k is not None:
            _between("top_k", self.top_k, 1, 2**31 - 1)
        if self.top_p is not None:
            _between("top_p", self.top_p, 1e-9, 1.0)
        if self.rule not in ("recursive", "block"):
            raise ValueError(f"rule must be 'recursive' or 'block', got {_short(self.rule)}")
        if self.drafting not in ("top", "sampled"):
            raise ValueError(f"drafting must be 'top' or 'sampled', got {_short(self.drafting)}")
        _check_stop(self.stop)
        if not isinstance(self.chat, bool | None) or not isinstance(self.record, bool):
            raise ValueError(
                f"chat and record must be yes or no, got {_short(self.chat)}, {_short(self.record)}"
            )
        _check_tree(self.tree)

    @property
    def is_planned(self) -> bool:
        """Whether every round's tree is drawn up by what passes cost and what was accepted."""
        return self.tree == "auto"

    @property
    def is_greedy(self) -> bool:
        """Whether every law is one-hot."""
        return self.temperature == 0


def _between(name: str, value: float, low: float, high: float) -> None:
    """Refuse ``value`` unless it is a finite number of ``low``'s kind within the bounds."""
    whole = isinstance(low, int)
    kind = isinstance(value, int) if whole else isinstance(value, int | float)
    if isinstance(value, bool) or not kind or value != value:
        raise ValueError(f"{name} must be a {'whole ' if whole else ''}number, got {_short(value)}")
    if not low <= value <= high:
        raise ValueError(f"{name} must be between {low:g} and {high:g}, got {_short(value)}")


def _check_stop(stop: tuple[str, ...]) -> None:
    """Refuse what no text can end with, or no trace can hold."""
    if not isinstance(stop, tuple) or not all(isinstance(text, str) and text for text in stop):
        raise ValueError(f"stop must be a tuple of non-empty strings, got {_short(stop)}")
    if (length := sum(map(len, stop))) > MAX_STOP:
        raise ValueError(f"stop must hold at most {MAX_STOP:,} characters, got {length:,}")
    if any("\ud800" <= letter <= "\udfff" for text in stop for letter in text):
        raise ValueError(f"stop holds half a character (a lone surrogate): {_short(stop)}")


def _check_tree(tree: str | int | tuple[RankPath, ...]) -> None:
    """Refuse what is neither ``"auto"``, a number of nodes, nor a set of paths without gaps."""
    if isinstance(tree, str):
        if tree != "auto":
            raise ValueError(
                f"tree must be 'auto', a number of nodes or rank paths, got {_short(tree)}"
            )
    elif isinstance(tree, int):
        _between("tree", tree, 0, MAX_NODES)
    elif not isinstance(tree, tuple) or not all(isinstance(path, tuple) for path in tree):
        raise ValueError(
            f"tree must be 'auto', a number of nodes or a tuple of tuples, got {_short(tree)}"
        )
    else:
        for path in tree:  # before any is hashed: a list in it cannot be
            if not path or not all(type(rank) is int and rank >= 0 for rank in path):
                raise ValueError(f"tree path {_short(path)} must hold ranks from 0 up")
        known = set(tree) | {()}
        for path in tree:
            if path[:-1] not in known:
                raise ValueError(f"tree path {_short(path)} lacks its parent {_short(path[:-1])}")
            elder = (*path[:-1], path[-1] - 1)
            if path[-1] and elder not in known:  # the second-best is drafted after the best
                raise ValueError(
                    f"tree path {_short(path)} lacks its elder sibling {_short(elder)}"
                )
        if len(known) - 1 > MAX_NODES:
            raise ValueError(f"tree must have at most {MAX_NODES} nodes, got {len(known) - 1}")


def _short(value: object) -> str:
    """A value as it may stand in a message."""
    try:
        text = repr(value)
    except ValueError:  # Python writes out no number of more than 4,300 digits
        return "a number of too many digits"
    return text if len(text) <= 80 else text[:77] + "..."
