// The nodes of a draft tree as the record holds them: a column of parents, one of ranks, and so on.

// Parents come before their children.
export function depths({ parent }) {
  const depth = [];
  parent.forEach((above) => depth.push(above < 0 ? 0 : depth[above] + 1));
  return depth;
}

// In the order of testing: down the tree, siblings by rank.
export function tested(nodes) {
  const depth = depths(nodes);
  const found = nodes.verdict.flatMap((word, node) => (word === 'accepted' || word === 'rejected' ? [node] : []));
  return found.sort((one, other) => depth[one] - depth[other] || nodes.rank[one] - nodes.rank[other]);
}
