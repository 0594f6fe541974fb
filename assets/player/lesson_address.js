// The address of a stop: ?lesson=3&stop=2, and &view=lecture for a room.
import { enter } from './entry.js';

const NAMES = ['lesson', 'stop', 'view'];

// What the address asks for; a number that is none stays as it was written, to be refused in words.
export function asked() {
  const query = new URLSearchParams(location.search);
  const number = (name) => (query.has(name) ? Number(query.get(name) || NaN) : null);
  return { lesson: query.has('lesson') ? query.get('lesson') : null, stop: number('stop') ?? 1, view: query.get('view') };
}

// A lesson is an entry of the history, its stops are not.
export function keep(values) {
  const place = bare();
  for (const name of ['trace', 'round', 'phase', 'pause', 'tab']) place.searchParams.delete(name); // the player's own
  for (const name of NAMES) if (values[name]) place.searchParams.set(name, values[name]);
  enter(place, `lesson ${values.lesson}`);
}

// The address without a lesson.
export function bare() {
  const place = new URL(location.href);
  for (const name of NAMES) place.searchParams.delete(name);
  return place;
}
