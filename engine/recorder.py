"""From the tensors of one round to its record: gathered on the device, copied once."""

from collections import Counter
from collections.abc import Iterable, Sequence
from math import floor, isnan, log10

import torch

from engine.detokenizer import Pieces
from engine.drafters.drafter import Proposal
from engine.records import Law, Nodes, Verdict
from engine.verify import Judgement

TOP = 6  # entries kept of each distribution
BLOCK = 256  # entries whose maximum is taken first when the largest are looked for
DIGITS = 6  # significant ones: fp32 has no more


def record_nodes(
    proposal: Proposal,
    judgement: Judgement,
    uniforms: Sequence[float],
    target_laws: torch.Tensor | None,
) -> Nodes:
    """The tree's columns; without ``target_laws`` [N, V] the probabilities are left out."""
    chances: list[float] | None = None
    if target_laws is not None:
        rows, columns = list(proposal.parents[1:]), list(proposal.tokens[1:])
        chances = target_laws[rows, columns].tolist() if rows else []
    return nodes_of(proposal, judgement, uniforms, chances)


def nodes_of(
    proposal: Proposal,
    judgement: Judgement,
    uniforms: Sequence[float],
    chances: Sequence[float] | None,
) -> Nodes:
    """The tree's columns from ``chances`` [N - 1], the target's of every drafted node."""
    size = len(proposal.tokens)
    verdicts: list[Verdict] = ["untested"] * size
    for node in judgement.rejected:
        verdicts[node] = "rejected"
    for node in judgement.path:
        verdicts[node] = "accepted"
    verdicts[0] = "root"
    probs: list[float | None] = [None] * size
    held_against: tuple[float | None, ...] | None = None
    if chances is not None:
        probs[1:] = [None if isnan(chance) else short(chance) for chance in chances]
        found = (judgement.accept_probs.get(node) for node in range(size))
        held_against = tuple(None if chance is None else short(chance) for chance in found)
    tested = {0, *judgement.path, *judgement.rejected}
    return Nodes(
        proposal.tokens,
        proposal.parents,
        proposal.ranks,
        tuple(None if c is None else short(c) for c in proposal.confidence),
        tuple(probs),
        tuple(short(u) if node in tested else None for node, u in enumerate(uniforms)),
        tuple(verdicts),
        held_against,
    )


def record_laws(
    proposal: Proposal,
    judgement: Judgement,
    target_laws: torch.Tensor,
    logits: torch.Tensor,
    is_reordered: bool = True,
) -> tuple[Law, ...]:
    """The largest entries of every distribution met on the judged path.

    Args:
        target_laws: [N, V] after the processors.
        logits: [N, V] before them.
        is_reordered: whether a processor may have changed the logits' order.
    """
    path = list(judgement.path[: len(judgement.residuals)])
    tokens = _largest(proposal, judgement, path, target_laws, logits, is_reordered)
    rows = torch.tensor(path, device=tokens.device)[:, None]
    p = target_laws[rows, tokens]
    q = torch.zeros_like(p) if proposal.laws is None else proposal.laws[rows, tokens]
    residual = torch.stack([law[row] for law, row in zip(judgement.residuals, tokens, strict=True)])
    model = torch.stack(
        [logits[node].float().softmax(-1)[row] for node, row in zip(path, tokens, strict=True)]
    )
    columns = [column.double() for column in (tokens, p, q, residual, model)]
    entries = torch.stack(columns, -1).tolist()  # [P, entries, 5], the one copy
    return tuple(
        law_of(node, told, point_masses(proposal, node))
        for node, told in zip(path, entries, strict=True)
    )


def _largest(
    proposal: Proposal,
    judgement: Judgement,
    path: list[int],
    target_laws: torch.Tensor,
    logits: torch.Tensor,
    is_reordered: bool,
) -> torch.Tensor:
    """[P, entries] tokens worth recording at each node of the path; a token may stand twice.

    A point mass only takes its own tokens out of p, so that p's largest hold the residual's while
    few of them were refused.
    """
    has_rest = proposal.laws is not None or is_thinned(proposal, judgement)
    found = []
    for node, rest in zip(path, judgement.residuals, strict=True):
        sources = [logits[node]]
        if is_reordered:  # else p's order is that of the logits
            sources.append(target_laws[node])
        if proposal.laws is not None:
            sources.append(proposal.laws[node])
        if has_rest:
            sources.append(rest)
        found.append(torch.cat([top_tokens(source, TOP) for source in sources]))
    tested = _tested_tokens(proposal, judgement, path, logits.device)
    return torch.cat([torch.stack(found), tested], -1)


def is_thinned(proposal: Proposal, judgement: Judgement) -> bool:
    """Whether refused point masses leave few of p's largest tokens to the residual, at a node."""
    refused = Counter(proposal.parents[child] for child in judgement.rejected)
    return 2 * max(refused.values(), default=0) >= TOP


def top_tokens(values: torch.Tensor, count: int) -> torch.Tensor:
    """[count] indices of the largest of ``values`` [V], in no order; fewer where V is less.

    The largest lie in the blocks with the largest maxima: a third of the time of a ``topk``
    over the whole vocabulary, which would be most of what recording costs on a CPU.
    """
    vocab = len(values)
    if vocab < BLOCK * count * 2:
        return values.topk(min(count, vocab)).indices
    whole = vocab // BLOCK * BLOCK
    blocks = values[:whole].view(-1, BLOCK)
    best = blocks.amax(-1).topk(count).indices  # [count]
    places = (best[:, None] * BLOCK + torch.arange(BLOCK, device=values.device)).flatten()
    places = torch.cat([places, torch.arange(whole, vocab, device=values.device)])
    return places[values[places].topk(count).indices]


def pieces_of(pieces: Pieces, nodes: Nodes, laws: Iterable[Law], emitted: Iterable[int]) -> dict:
    """Text of every token a round names."""
    named = {*nodes.token, *emitted}
    for law in laws:
        named.update(law.token)
    return {token: pieces(token) for token in sorted(named)}


def short(value: float) -> float:
    """``value`` to six significant digits."""
    if value == 0:
        return 0.0
    return round(value, DIGITS - 1 - floor(log10(abs(value))))


def _tested_tokens(
    proposal: Proposal, judgement: Judgement, path: list[int], device: torch.device
) -> torch.Tensor:
    """[P, most] per node its tested children's tokens and the drawn one, padded by repetition."""
    tested = {*judgement.path, *judgement.rejected}
    rows = []
    for node in path:
        row = [
            token
            for child, token in enumerate(proposal.tokens)
            if proposal.parents[child] == node and child in tested
        ]
        if node == judgement.path[-1] and judgement.extra is not None:
            row.append(judgement.extra)
        rows.append(row or [proposal.tokens[0]])
    most = max(map(len, rows))
    padded = [row + row[-1:] * (most - len(row)) for row in rows]
    return torch.tensor(padded, device=device)


def point_masses(proposal: Proposal, node: int) -> frozenset[int] | None:
    """Tokens drafted below ``node`` with certainty; ``None`` where they were sampled."""
    if proposal.laws is not None:
        return None
    return frozenset(
        token for child, token in enumerate(proposal.tokens) if proposal.parents[child] == node
    )


def law_of(node: int, entries: Iterable[Sequence[float]], point: frozenset[int] | None) -> Law:
    """One law of (token, p, q, residual, model), duplicates dropped, by falling p."""
    found = {int(entry[0]): tuple(entry[1:]) for entry in entries}
    if point is not None:
        found = {t: (e[0], float(t in point), *e[2:]) for t, e in found.items()}
    order = sorted(found, key=lambda token: [-value for value in (*found[token], -token)])
    rows = [tuple(map(short, found[token])) for token in order]
    return Law(node, tuple(order), *zip(*rows, strict=True))
