// The run outlives a reload: one that no address leads to is kept in its tab when the page goes.
import { lines } from './export.js';

const KEY = 'speculoscope:run';
const WORDS = 'This run stood here when the page was left.';

export function keepRun(player) {
  addEventListener('pagehide', () => write(player));
}

// Puts it on the stage where it was left; says whether there was one that this page can show.
export function showKept(player) {
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEY));
    if (!kept) return false;
    player.receive(kept.lines);
    if (!player.tape.size) return false;
    player.seek(kept.position);
    player.notice(WORDS, false);
    return true;
  } catch { return false; } // kept by another version, or a browser that keeps nothing
}

// Puts a run of one's own that was left on the stage again; what still comes of it is not taken.
export function bring(player, { tape, position }) {
  player.receive(lines(tape));
  player.tape.isPast = true;
  player.seek(position);
}

function write(player) {
  const { tape, position, address } = player;
  if (!tape) return; // nothing has stood here: what was kept before stays
  try {
    sessionStorage.removeItem(KEY);
    if (!tape.size || tape.lack || address.isNamed) return;
    sessionStorage.setItem(KEY, JSON.stringify({ lines: lines(tape), position }));
  } catch { /* a browser that keeps nothing, or not as much */ }
}
