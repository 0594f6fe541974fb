"""Suffix decoding (Oliaro et al., 2024, arXiv 2411.04975): a branching tree of what followed.

The longest suffix of the text that occurred before, in the prompt and the output or in an
earlier run, is looked up; what followed it there, weighted by how often, makes the draft tree.
There is no tree or index of the text: one scan over its tokens finds the places where the
suffix stood, in 10 us at 30,000 tokens, where any index takes longer to keep than that.
"""

import heapq
from collections.abc import Sequence

import numpy as np

from engine.drafters.drafter import Proposal, root_only
from engine.planning.planner import Planner
from engine.records import CacheStep

MAX_LENGTH = 24  # one more than the tokens of the longest suffix that is looked up
MAX_DRAFTED = 32  # drafted at most in one round
LEAST_CHANCE = 0.05  # of a node, given the text before the draft
MEMORY_TOKENS = 20_000  # of earlier runs that are kept, oldest forgotten first
REACH = 131_072  # newest tokens that are searched: a round costs no more, however long the text
CANDIDATES = 1_024  # newest places of the last two tokens that are compared further back
COUNTED = 128  # newest places of the longest suffix whose continuations are counted
GRADES = 4  # suffixes of 1, of 2 or 3, of up to 7 and of more tokens are trusted apart
END = -1  # between texts and behind the last: no token, so nothing matches across it


class Tokens:
    """A growing row of tokens in one array, four bytes each, that suffixes are found in."""

    def __init__(self, tokens: Sequence[int] | np.ndarray = ()) -> None:
        self._size = 0
        self._row = np.full(2 * MAX_LENGTH, END, np.int32)  # ends before and behind the tokens
        self.extend(tokens)

    def __len__(self) -> int:
        return self._size

    def extend(self, tokens: Sequence[int] | np.ndarray) -> None:
        """Append; the array doubles now and then, so that a token costs the same on average."""
        size = self._size + len(tokens)
        if size + 2 * MAX_LENGTH > len(self._row):
            grown = np.full(2 * (size + MAX_LENGTH), END, np.int32)
            grown[: MAX_LENGTH + self._size] = self._row[: MAX_LENGTH + self._size]
            self._row = grown
        self._row[MAX_LENGTH + self._size : MAX_LENGTH + size] = tokens
        self._size = size

    @property
    def count(self) -> int:
        """Tokens, the ends between texts left out."""
        return int(np.count_nonzero(self._row != END))

    @property
    def nbytes(self) -> int:
        """What the array takes."""
        return self._row.nbytes

    def newest(self, count: int) -> np.ndarray:
        """At most so many tokens of the end."""
        end = MAX_LENGTH + self._size
        return self._row[max(MAX_LENGTH, end - count) : end]

    def find(self, suffix: Sequence[int]) -> tuple[np.ndarray, int]:
        """The longest end of ``suffix`` that stands here with something behind it.

        Returns:
            Where its continuations begin, [places] ascending, and the number of its tokens
            (0 where not even the last is found).
        """
        end = MAX_LENGTH + self._size
        first = max(MAX_LENGTH, end - REACH)
        starts = first + 1 + np.flatnonzero(self._row[first : end - 1] == suffix[-1])
        starts = starts[self._row[starts] != END]
        if len(suffix) > 1:
            closer = starts[self._row[starts - 2] == suffix[-2]]
            starts = closer if closer.size else starts
        if not starts.size:
            return starts, 0
        starts = starts[-CANDIDATES:]
        backwards = np.array(suffix[:-MAX_LENGTH:-1], np.int32)
        same = self._row[starts[:, None] - np.arange(1, len(backwards) + 1)] == backwards
        lengths = np.logical_and.accumulate(same, axis=1).sum(axis=1)
        return starts[lengths == lengths.max()][-COUNTED:], int(lengths.max())

    def behind(self, starts: np.ndarray, depth: int) -> list[list[int]]:
        """[places][depth] the tokens from each start on, ``END`` behind a text's last."""
        return self._row[starts[:, None] + np.arange(depth)].tolist()


class SuffixMemory:
    """Texts of earlier runs, the oldest forgotten beyond ``MEMORY_TOKENS``."""

    def __init__(self) -> None:
        self.tokens = Tokens()

    def remember(self, text: Sequence[int]) -> None:
        """Keep a finished run's prompt and output; no text fills more than half the memory."""
        kept = self.tokens.newest(MEMORY_TOKENS)
        added = np.array([*text[-(MEMORY_TOKENS // 2) :], END], np.int32)
        both = np.concatenate([kept, added])
        self.tokens = Tokens(both[-MEMORY_TOKENS:])  # a new row: a run under way keeps the old


class Suffix:
    """Drafts the frequent continuations of the longest suffix seen before.

    Args:
        memory: what it holds now is read through the whole run.
    """

    max_depth = 16

    def __init__(self, planner: Planner, memory: SuffixMemory) -> None:
        self.planner = planner
        # as they are now, though other runs end meanwhile: the record tells how many there are
        self._own, self._old = Tokens(), memory.tokens

    @property
    def remembered(self) -> int:
        """Tokens of earlier runs that it may copy from."""
        return self._old.count

    def propose(self, history: Sequence[int], max_depth: int) -> Proposal:
        """A tree by observed counts; the root alone where no suffix was seen before."""
        self._own.extend(history[len(self._own) :])
        suffix = history[-MAX_LENGTH:]
        own, old = self._own, self._old
        (own_starts, own_length), (old_starts, old_length) = own.find(suffix), old.find(suffix)
        text, starts = (old, old_starts) if old_length > own_length else (own, own_starts)
        if not starts.size or max_depth == 0:
            return root_only(history)
        length = max(own_length, old_length)
        depth = min(max_depth, 1 + length)  # long matches reach far
        proposal = _count(history[-1], text.behind(starts, depth))
        return self.planner.prune(proposal, grade=min(GRADES, length.bit_length()))

    def commit(self, path: Sequence[int]) -> tuple[CacheStep, ...]:
        """There is no cache to commit."""
        return ()


def _count(root_token: int, rows: list[list[int]]) -> Proposal:
    """The tree of the most probable beginnings of ``rows``, best first.

    A node's confidence is its share of those rows that begin as it does up to its parent and
    go on; siblings stand by falling count, the older first.
    """
    tokens, parents, ranks = [root_token], [-1], [0]
    confidence: list[float | None] = [None]
    depth, chances, num_children = [0], [1.0], [0]
    heap: list[tuple[float, int, int, int, list[list[int]]]] = []  # -chance, order, parent, …
    order = 0

    def push(parent: int, rows: list[list[int]]) -> None:
        nonlocal order
        column, below = depth[parent], {}
        if column == len(rows[0]):
            return
        for row in rows:
            below.setdefault(row[column], []).append(row)
        below.pop(END, None)
        total = sum(map(len, below.values()))
        for token, those in below.items():
            chance = chances[parent] * len(those) / total
            if chance >= LEAST_CHANCE:
                heapq.heappush(heap, (-chance, order, parent, token, those))
                order += 1

    push(0, rows)
    while heap and len(tokens) <= MAX_DRAFTED:
        negative, _, parent, token, those = heapq.heappop(heap)
        tokens.append(token)
        parents.append(parent)
        ranks.append(num_children[parent])
        num_children[parent] += 1
        num_children.append(0)
        depth.append(depth[parent] + 1)
        chances.append(-negative)
        confidence.append(-negative / chances[parent])
        push(len(tokens) - 1, those)
    return Proposal(tuple(tokens), tuple(parents), tuple(ranks), tuple(confidence))
