// Figures as they travel: the state before a round's first step, and a patch for every step.
const PAINTED = /color(s|scale)?$/i;
const ROLE = /^@([a-z0-9_-]+)(?:\/([0-9.]+))?$/i;

// The last step that changed the figure: two steps with the same number look the same.
export function changedAt(panel, step) {
  for (let k = Math.min(step, panel.steps.length - 1); k >= 0; k--) {
    if (panel.steps[k].length) return k;
  }
  return -1;
}

// A figure of its own (Plotly writes into what it is given), in the colours of one theme; ``over``
// is one more patch, whatever the step.
export function stateAt(panel, step, palette, over = []) {
  const figure = structuredClone(panel.figure);
  [...panel.steps.slice(0, step + 1).flat(), ...over].forEach(([path, value]) => put(figure, path, value));
  return painted(figure, palette);
}

function put(figure, path, value) {
  const keys = path.split('.');
  const last = keys.pop();
  let place = figure;
  for (const key of keys) place = place[key] ??= {};
  if (last.endsWith(':')) value.forEach((item, i) => { place[Number.parseInt(last, 10) + i] = item; });
  else place[last] = structuredClone(value);
}

// Roles stand under colour keys only, so no token's text can be taken for one.
export function painted(value, palette, isColour = false) {
  if (typeof value === 'string') return isColour ? colour(value, palette) : value;
  if (Array.isArray(value)) return value.map((item) => painted(item, palette, isColour));
  if (value === null || typeof value !== 'object') return value;
  for (const key of Object.keys(value)) {
    value[key] = painted(value[key], palette, PAINTED.test(key));
  }
  return value;
}

export function colour(name, palette) {
  const [, role, alpha] = ROLE.exec(name) ?? [];
  if (!role || !(role in palette)) return name;
  return alpha === undefined ? palette[role] : faded(palette[role], Number(alpha));
}

function faded(hex, alpha) {
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  return `rgba(${red},${green},${blue},${alpha})`;
}
