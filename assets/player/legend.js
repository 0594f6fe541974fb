// One entry of a legend: the colour of a role ("accepted", or "accepted/0.3" for a share of it),
// the shape that doubles it, and its name.
export function meaning({ role, symbol, label }) {
  const entry = document.createElement('li');
  const mark = document.createElement('i');
  mark.className = symbol;
  const [name, alpha] = role.split('/');
  mark.style.setProperty('--role', `var(--${name.replaceAll('_', '-')})`);
  if (alpha) mark.style.opacity = alpha;
  entry.append(mark, label);
  return entry;
}
