// A round's tree in a few centimetres: levels left to right, verdicts by shape and colour.
const SVG = 'http://www.w3.org/2000/svg';
const WIDTH = 240, HEIGHT = 64, EDGE = 8;

// `isOpen`: the verdicts have not fallen yet.
export function draw(svg, nodes, isOpen) {
  svg.setAttribute('viewBox', `0 0 ${WIDTH} ${HEIGHT}`);
  if (!nodes) { svg.replaceChildren(); return; }
  const places = layout(nodes.parent);
  const edges = [], marks = [];
  nodes.parent.forEach((parent, node) => {
    const verdict = isOpen && node ? 'untested' : nodes.verdict[node];
    if (parent >= 0) edges.push(edge(places[parent], places[node], verdict));
    marks.push(mark(places[node], verdict));
  });
  svg.replaceChildren(...edges, ...marks);
}

// Leaves get rows in order; a parent stands amid its children.
function layout(parents) {
  const below = parents.map(() => []), depth = [];
  parents.forEach((parent, node) => { depth.push(parent < 0 ? 0 : depth[parent] + 1); if (parent >= 0) below[parent].push(node); });
  const row = new Array(parents.length).fill(0);
  let leaves = 0;
  const inOrder = [], waiting = [0];
  while (waiting.length) {
    const node = waiting.pop();
    inOrder.push(node);
    waiting.push(...below[node].toReversed());
  }
  for (const node of inOrder) if (!below[node].length) row[node] = leaves++;
  for (const node of inOrder.reverse()) {
    if (below[node].length) row[node] = (row[below[node][0]] + row[below[node].at(-1)]) / 2;
  }
  const wide = Math.min(30, (WIDTH - 2 * EDGE) / Math.max(1, Math.max(...depth)));
  const high = Math.min(16, (HEIGHT - 2 * EDGE) / Math.max(1, leaves - 1));
  const top = (HEIGHT - high * (leaves - 1)) / 2;
  const size = Math.max(1.6, Math.min(4.2, high / 2.4, wide / 2.6));
  return parents.map((_, node) => ({ x: EDGE + wide * depth[node], y: top + high * row[node], size }));
}

function edge(from, to, verdict) {
  return part('line', { x1: from.x, y1: from.y, x2: to.x, y2: to.y, class: verdict });
}

function mark({ x, y, size }, verdict) {
  if (verdict !== 'rejected') return part('circle', { cx: x, cy: y, r: size, class: verdict });
  return part('rect', { x: x - size, y: y - size, width: 2 * size, height: 2 * size, class: verdict });
}

function part(name, values) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(values)) made.setAttribute(key, value);
  return made;
}
