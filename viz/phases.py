"""The steps a round is shown in; every figure of the round follows the same ones."""

from typing import NamedTuple

from engine.records import Round
from viz.pieces import visible


class Step(NamedTuple):
    """One step of a round: what happens, said in a few words, and to whom."""

    phase: str  # "draft", "verify", "judge", "commit", "emit"
    label: str
    level: int = 0  # drafted, of the tested node, or of the extra token: where one looks
    node: int = 0  # tested in a judge step


def steps(this: Round) -> list[Step]:
    """Draft level by level, verify, judge node by node, commit, emit."""
    nodes = this.nodes
    depth = nodes.depth
    drafts = [Step("draft", f"draft · level {k}", level=k) for k in range(1, max(depth) + 1)]
    judges = [
        Step("judge", f"judge · {visible(this.piece(nodes.token[node]))}", depth[node], node)
        for node in tested(this)
    ]
    last = this.emitted.origin[-1] if this.emitted.origin else "nothing"
    passed = "1 node" if len(nodes) == 1 else f"{len(nodes)} nodes"
    return [
        *drafts,
        Step("verify", f"verify · {passed}"),
        *judges,
        Step("commit", "commit"),
        Step("emit", f"emit · {last}", len(nodes.path)),
    ]


def tested(this: Round) -> list[int]:
    """The tested nodes in the order they were tested: down the tree, siblings by rank."""
    nodes = this.nodes
    depth = nodes.depth
    found = [i for i, v in enumerate(nodes.verdict) if v in ("accepted", "rejected")]
    return sorted(found, key=lambda i: (depth[i], nodes.rank[i]))
