// A run's colours in the theme of the page, and what its figures share, in these colours.
import { painted } from './figure.js';
import { theme } from './theme.js';

export function looksOf(header) {
  const name = theme();
  header.looks ??= {};
  header.looks[name] ??= {
    palette: header.palette[name],
    template: painted(structuredClone(header.template ?? {}), header.palette[name]),
  };
  return header.looks[name];
}
