"""From the tensors of one round to its record: gathered on the device, copied once."""

from collections.abc import Iterable, Sequence
from math import floor, log10

import torch

from engine.detokenizer import Pieces
from engine.drafters.drafter import Proposal
from engine.records import Law, Nodes, Verdict
from engine.verify import Judgement

TOP = 6  # entries kept of each distribution
DIGITS = 6  # significant ones: fp32 has no more


def record_nodes(
    proposal: Proposal,
    judgement: Judgement,
    uniforms: Sequence[float],
    target_laws: torch.Tensor | None,
) -> Nodes:
    """The tree's columns; without ``target_laws`` [N, V] the probabilities are left out."""
    size = len(proposal.tokens)
    verdicts: list[Verdict] = ["untested"] * size
    for node in judgement.rejected:
        verdicts[node] = "rejected"
    for node in judgement.path:
        verdicts[node] = "accepted"
    verdicts[0] = "root"
    probs: list[float | None] = [None] * size
    if target_laws is not None and size > 1:
        rows, columns = list(proposal.parents[1:]), list(proposal.tokens[1:])
        probs[1:] = map(short, target_laws[rows, columns].tolist())
    tested = {0, *judgement.path, *judgement.rejected}
    return Nodes(
        proposal.tokens,
        proposal.parents,
        proposal.ranks,
        tuple(None if c is None else short(c) for c in proposal.confidence),
        tuple(probs),
        tuple(short(u) if node in tested else None for node, u in enumerate(uniforms)),
        tuple(verdicts),
    )


def record_laws(
    proposal: Proposal, judgement: Judgement, target_laws: torch.Tensor, logits: torch.Tensor
) -> tuple[Law, ...]:
    """The largest entries of every distribution met on the judged path.

    Args:
        target_laws: [N, V] after the processors.
        logits: [N, V] before them.
    """
    path = list(judgement.path[: len(judgement.residuals)])
    p, residual = target_laws[path], torch.stack(judgement.residuals)  # [P, V]
    model = logits[path].float().softmax(-1)
    q = proposal.laws[path] if proposal.laws is not None else None
    # a point mass takes its own tokens out of p only: p's largest hold the residual's too
    sources = (model, p) if q is None else (model, p, q, residual)
    size = min(TOP, p.shape[-1])
    tokens = torch.cat([source.topk(size).indices for source in sources], -1)
    tokens = torch.cat([tokens, _tested_tokens(proposal, judgement, path, p.device)], -1)
    columns = [p, torch.zeros_like(p) if q is None else q, residual, model]
    values = torch.stack([column.gather(-1, tokens) for column in columns]).double()
    packed = torch.cat([tokens.double()[None], values]).tolist()  # the one copy: [5, P, entries]
    return tuple(
        _law(node, [column[row] for column in packed], _point_masses(proposal, node))
        for row, node in enumerate(path)
    )


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


def _point_masses(proposal: Proposal, node: int) -> frozenset[int] | None:
    """Tokens drafted below ``node`` with certainty; ``None`` where they were sampled."""
    if proposal.laws is not None:
        return None
    return frozenset(
        token for child, token in enumerate(proposal.tokens) if proposal.parents[child] == node
    )


def _law(node: int, columns: list[list[float]], point: frozenset[int] | None) -> Law:
    """One law of [5, entries] columns, duplicates dropped, by falling target probability."""
    entries = {int(entry[0]): entry[1:] for entry in zip(*columns, strict=True)}
    if point is not None:
        entries = {t: (e[0], float(t in point), *e[2:]) for t, e in entries.items()}
    order = sorted(entries, key=lambda token: [-value for value in (*entries[token], -token)])
    rows = [tuple(map(short, entries[token])) for token in order]
    return Law(node, tuple(order), *zip(*rows, strict=True))
