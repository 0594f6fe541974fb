// A share or ratio in two decimals; a small one has two digits that tell (viz/pieces.py's `digits`).
export function share(value) {
  if (!(value > 0 && value < 0.01)) return value.toFixed(2);
  return value >= 0.001 ? value.toFixed(4) : value.toExponential(1);
}
