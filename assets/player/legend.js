// One entry of the legend: the colour of a role, the shape that doubles it, and its name.
export function meaning({ role, symbol, label }) {
  const entry = document.createElement('li');
  const mark = document.createElement('i');
  mark.className = symbol;
  mark.style.setProperty('--role', `var(--${role.replaceAll('_', '-')})`);
  entry.append(mark, label);
  return entry;
}
