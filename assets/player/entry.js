// The browser's history: an entry for every run and every lesson that was opened. Whoever moves
// within one replaces its address; on the way back or forward no entry is made.
const OWN = /^own /; // a run of the visitor's own: one takes the place of another
let newest = null; // way back or forward that goes on; one that it has overtaken counts no more

export const isReturning = () => newest !== null;

// What the entry in hand is of ("trace second", "lesson 3", "own run-1"), or nothing yet.
export const entryOf = () => history.state?.of ?? '';

export async function returning(way) {
  newest = way;
  try { await way(); } finally { if (newest === way) newest = null; }
}

export function enter(place, of) {
  const before = entryOf();
  if (before === of && place.href === location.href) return;
  const isSame = !before || before === of || (OWN.test(before) && OWN.test(of));
  history[isSame || isReturning() ? 'replaceState' : 'pushState']({ ...history.state, of }, '', place);
}
