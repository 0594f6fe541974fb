"""EAGLE-2's tree on small tables: against searches that leave nothing out."""

import random
from itertools import combinations

import pytest

from engine.drafters.best_nodes import Candidates

VOCAB = 5


class Table:
    """Confidences of every token behind every path, by chance; ``coarse`` ones tie often."""

    def __init__(self, seed, coarse):
        self.rng, self.coarse, self.rows = random.Random(seed), coarse, {}

    def children(self, path, width):
        """(token, confidence) of the most confident ones, the lower token first where they tie."""
        if path not in self.rows:
            shares = [self.rng.choice((1, 2, 4)) if self.coarse else self.rng.random()] * 1
            shares += [
                self.rng.choice((0, 1, 2)) if self.coarse else self.rng.random()
                for _ in range(VOCAB - 1)
            ]
            total = sum(shares)
            self.rows[path] = sorted(
                ((token, share / total) for token, share in enumerate(shares)),
                key=lambda pair: (-pair[1], pair[0]),
            )
        return self.rows[path][:width]


def grown(table, width, depth, size):
    """The drafter's way: level by level, what cannot be among the best left out."""
    tree = Candidates((7,), size)
    paths = {0: ()}
    for _ in range(depth):
        pairs = [table.children(paths[node], width) for node in tree.inner]
        tree.expand([[t for t, _ in row] for row in pairs], [[c for _, c in row] for row in pairs])
        paths |= {node: (*paths[tree.parents[node]], tree.tokens[node]) for node in tree.level}
        before = tree.inner
        if not tree.go_on(tree.beam(width)):
            break
        assert [before[place] for place in tree.above] == [tree.parents[n] for n in tree.inner]
    return tree


def papers(table, width, depth, size):
    """Expand the ``width`` best of each level, then take the ``size`` best of all, older first."""
    found, level = [], [((), 1.0)]
    for _ in range(depth):
        children = [
            ((*path, token), value * chance)
            for path, value in level
            for token, chance in table.children(path, width)
        ]
        places = sorted(range(len(children)), key=lambda i: (-children[i][1], i))[:width]
        level = [children[i] for i in sorted(places)]
        found += children
    order = sorted(range(len(found)), key=lambda i: (-found[i][1], i))[:size]
    return [found[i] for i in sorted(order)]


def paths_of(proposal):
    """Token path of every drafted node, in order."""
    paths = [()]
    for node in range(1, len(proposal.tokens)):
        paths.append((*paths[proposal.parents[node]], proposal.tokens[node]))
    return paths[1:]


@pytest.mark.parametrize("coarse", [False, True])
@pytest.mark.parametrize("seed", range(60))
def test_the_tree_is_the_papers_whatever_was_left_out(seed, coarse):
    rng = random.Random(seed)
    width, depth, size = rng.randint(1, 4), rng.randint(1, 4), rng.randint(1, 20)
    proposal = grown(Table(seed, coarse), width, depth, size).best()
    expected = papers(Table(seed, coarse), width, depth, size)
    assert paths_of(proposal) == [path for path, _ in expected]


@pytest.mark.parametrize("coarse", [False, True])
@pytest.mark.parametrize("seed", range(20))
def test_no_tree_of_as_many_nodes_promises_more(seed, coarse):
    """Against every parent-closed set of 3 nodes of a complete tree."""
    table = Table(seed, coarse)
    values = {path: value for path, value in papers(table, VOCAB, 2, 1000) if value > 0}
    best = max(
        sum(values[path] for path in chosen)
        for chosen in combinations(values, 3)
        if all(len(path) == 1 or path[:-1] in chosen for path in chosen)
    )
    proposal = grown(Table(seed, coarse), VOCAB, 2, 3).best()
    assert sum(values[path] for path in paths_of(proposal)) == pytest.approx(best)


@pytest.mark.parametrize("seed", range(30))
def test_a_tree_has_no_gaps_also_where_values_tie(seed):
    """A child as probable as its parent (a confidence of 1) never displaces it."""
    table = Table(seed, True)
    for size in range(1, 12):
        proposal = grown(table, 3, 4, size).best()
        siblings = {}
        for node in range(1, len(proposal.tokens)):
            assert 0 <= proposal.parents[node] < node
            assert proposal.ranks[node] == siblings.setdefault(proposal.parents[node], 0)
            siblings[proposal.parents[node]] += 1


def test_a_certain_chain_is_kept_whole_from_the_top():
    tree = Candidates((0,), 2)
    for token in (5, 6, 7):
        tree.expand([[token]], [[1.0]])
        goes_on = tree.go_on(tree.beam(10))
    assert tree.best().tokens == (0, 5, 6)
    assert not goes_on  # the third is as good as two older ones


def test_a_beam_reads_only_nodes_that_are_among_the_best():
    tree = Candidates((0,), 10)
    tree.expand([[1, 2, 3, 4]], [[0.4, 0.3, 0.2, 0.1]])
    assert tree.beam(2) == [1, 2]
    assert tree.beam(10, 3) == [1, 2, 3]
    assert tree.beam(10, 0) == []
