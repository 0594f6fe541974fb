"""True-looking records for the figures' tests: seeded, consistent, made without a model."""

from collections.abc import Sequence
from random import Random

from engine.attention.tree_mass import TreeMass
from engine.records import CacheStep, Emitted, Law, Nodes, Round, Seconds
from engine.run_facts import End, Header, Weights, Yardstick

TEXT = """
air and is scattered absorbed deflected in by the a of blue light sun red molecules tiny gases
Rayleigh short waves more than long ones sky , . so because it atmosphere This process called
scattering when reaches our eyes from all directions see colour strikes a window of its own
"""
WORDS = TEXT.split()
PIECES = {997 * i: " " + word if word.isalpha() else word for i, word in enumerate(WORDS)}
TOKENS = list(PIECES)


def make_header(method: str = "draft_tree", prompt: int = 40) -> Header:
    """A header whose caches cost what SmolLM2's do."""
    weights = Weights("SmolLM2-135M-Instruct", "models/target", "00" * 32, "float32")
    return Header(
        version=1,
        method=method,
        config={"method": method, "temperature": 0.7, "num_draft": 4},
        target=weights,
        draft=weights,
        device="cpu",
        path="packed",
        prompt="Why is the sky blue?",
        prompt_token=(7,) * prompt,
        prompt_text=("a ",) * prompt,
        is_exact=True,
        has_point_mass=False,
        slot_bytes={"target": 46080, "draft": 4096},
        prefill_seconds=0.1,
        created="2026-01-01T00:00:00Z",
        software={"torch": "2.13"},
    )


def make_end(rounds: Sequence[Round], plain: bool = True) -> End:
    """The end of a run that was half as long as plain decoding's."""
    tokens = sum(len(this.emitted) for this in rounds)
    seconds = sum(this.seconds.total for this in rounds)
    yardstick = Yardstick(tokens, 2 * seconds, tokens) if plain else None
    return End("length", len(rounds), tokens, seconds, yardstick)


def make_rounds(count: int, drafted: int = 10, seed: int = 0, start: int = 40) -> list[Round]:
    """``count`` rounds that follow one another."""
    rounds: list[Round] = []
    for index in range(count):
        this = make_round(drafted, seed + index, start, index)
        start += len(this.emitted)
        rounds.append(this)
    return rounds


def make_round(
    drafted: int = 10,
    seed: int = 0,
    start: int = 71,
    index: int = 0,
    depth: int = 4,
    chance: float = 0.6,
    mass: bool = False,
) -> Round:
    """One round of a tree of ``drafted`` nodes, every one drafted accepted with ``chance``.

    With ``mass`` it knows how much of the attention fell on the tree.
    """
    rng = Random(seed)
    parent, rank = _tree(rng, drafted, depth)
    token = tuple(rng.choices(TOKENS, k=len(parent)))
    draft_prob = [None] + [round(0.6 * 0.5**r * rng.uniform(0.6, 1), 6) for r in rank[1:]]
    verdict, path = _judge(rng, parent, rank, chance)
    target_prob = [None] + [
        round(q * rng.uniform(0.7, 1.2) if v == "accepted" else q * rng.uniform(0.1, 0.7), 6)
        for v, q in zip(verdict[1:], draft_prob[1:], strict=True)
    ]
    last = rng.choice(TOKENS)
    is_leaf = path[-1] not in parent
    origin = "sampled" if not drafted else "bonus" if is_leaf else "recovered"
    emitted = (*(token[i] for i in path[1:]), last)
    laws = tuple(_law(rng, node, parent, token, last, target_prob, draft_prob) for node in path)
    named = {*token, *emitted, *(t for law in laws for t in law.token)}
    return Round(
        index=index,
        start=start,
        nodes=Nodes(
            token,
            tuple(parent),
            tuple(rank),
            tuple(draft_prob),
            tuple(target_prob),
            tuple(
                _uniform(rng, v, p, q)
                for v, p, q in zip(verdict, target_prob, draft_prob, strict=True)
            ),
            tuple(verdict),
            tuple(
                round(min(1.0, p / q), 6) if v in ("accepted", "rejected") else None
                for v, p, q in zip(verdict, target_prob, draft_prob, strict=True)
            ),
        ),
        emitted=Emitted(
            emitted, ("accepted",) * (len(path) - 1) + (origin,), tuple(map(PIECES.get, emitted))
        ),
        laws=laws,
        caches=_caches(start, path, len(parent), depth),
        seconds=Seconds(0.011 if drafted else 0.0, 0.046, 0.001, 0.0012),
        pieces={i: PIECES[i] for i in sorted(named)},
        mass=_mass(len(parent), seed) if mass else None,
    )


def _mass(nodes: int, seed: int) -> TreeMass:
    """Shares as the default target has them in its last layer."""
    rng = Random(seed)
    return TreeMass(29, tuple(round(rng.uniform(0.2, 0.5), 3) for _ in range(nodes)))


def _tree(rng: Random, drafted: int, depth: int) -> tuple[list[int], list[int]]:
    """Parents and ranks, level by level as drafters grow them."""
    shape = {0: 0}
    edges: list[tuple[int, int, int]] = []
    for node in range(1, drafted + 1):
        open_nodes = [n for n, d in shape.items() if d < depth]
        parent = rng.choice(open_nodes[: max(3, len(open_nodes) // 2)])
        shape[node] = shape[parent] + 1
        edges.append((shape[node], parent, node))
    number, parents, ranks = {0: 0}, [-1], [0]
    for _, parent, node in sorted(edges, key=lambda edge: edge[0]):
        number[node] = len(parents)
        ranks.append(parents.count(number[parent]))
        parents.append(number[parent])
    return parents, ranks


def _judge(
    rng: Random, parent: list[int], rank: list[int], chance: float
) -> tuple[list[str], list[int]]:
    """Verdicts of recursive rejection, and the judged path."""
    verdict = ["root"] + ["untested"] * (len(parent) - 1)
    path = [0]
    while True:
        children = sorted((i for i, p in enumerate(parent) if p == path[-1]), key=rank.__getitem__)
        for child in children:
            verdict[child] = "accepted" if rng.random() < chance else "rejected"
            if verdict[child] == "accepted":
                path.append(child)
                break
        else:
            return verdict, path


def _uniform(rng: Random, verdict: str, p: float | None, q: float | None) -> float | None:
    """Below p/q where the node was accepted, above it where it was rejected."""
    if verdict == "accepted":
        return round(rng.random() * min(1.0, p / q) * 0.99, 6)
    return round(p / q + rng.random() * (1 - p / q), 6) if verdict == "rejected" else None


def _law(
    rng: Random,
    node: int,
    parent: list[int],
    token: tuple[int, ...],
    last: int,
    target_prob: list[float | None],
    draft_prob: list[float | None],
) -> Law:
    """Sixteen entries: the node's children, the token that was drawn, and others."""
    children = {token[i]: i for i, mother in enumerate(parent) if mother == node}
    others = [t for t in rng.sample(TOKENS, len(TOKENS)) if t not in children]
    tokens = [*children, *([] if last in children else [last]), *others][:16]
    p = [target_prob[children[t]] if t in children else rng.random() / 20 for t in tokens]
    q = [draft_prob[children[t]] if t in children else 0.0 for t in tokens]
    residual = [max(a - b, 0.0) for a, b in zip(p, q, strict=True)]
    whole = sum(residual) or 1.0
    columns = [p, q, [r / whole for r in residual], [rng.random() / 10 for _ in tokens]]
    return Law(node, tuple(tokens), *(tuple(round(v, 6) for v in column) for column in columns))


def _caches(start: int, path: list[int], nodes: int, depth: int) -> tuple[CacheStep, ...]:
    """The target writes every node and keeps the path; the draft writes no leaves."""
    before = start - 1
    kept = tuple(before + node for node in path)
    draft = min(nodes, 1 + depth)
    return (
        CacheStep("target", before, nodes, kept),
        CacheStep("draft", before, draft, tuple(range(before, before + min(len(path), draft)))),
    )
