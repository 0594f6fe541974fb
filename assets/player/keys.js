// The keyboard: one table, from which the list of keys is shown as well.
const KEYS = [
  ['Space', 'play or pause', (player) => player.toggle()],
  ['ArrowRight', 'next phase', (player) => player.stepPhase(1)],
  ['ArrowLeft', 'previous phase', (player) => player.stepPhase(-1)],
  ['Shift+ArrowRight', 'next round', (player) => player.stepRound(1)],
  ['Shift+ArrowLeft', 'previous round', (player) => player.stepRound(-1)],
  ['PageDown', 'next round', (player) => player.stepRound(1)],
  ['PageUp', 'previous round', (player) => player.stepRound(-1)],
  ['Home', 'to the first step', (player) => player.seek(0)],
  ['End', 'to the last step', (player) => player.seek(Infinity)],
  ['+', 'faster', (player) => player.changeSpeed(1)],
  ['-', 'slower', (player) => player.changeSpeed(-1)],
  ['0 … 9', 'to that tenth of the run', (player, key) => player.tenth(Number(key))],
  ['t', 'true time, or the pace of before', (player) => player.toggleTrueTime()],
  ['r', 'repeat this round', (player) => player.loop()],
  ['b', 'pause by itself: at the next choice', (player) => player.pauses.turn()],
  ['l', 'follow the decoder', (player) => player.follow()],
  ['?', 'this list', (player) => player.showKeys()],
];
const NAMES = { ArrowRight: '→', ArrowLeft: '←', PageUp: 'Page ↑', PageDown: 'Page ↓', 'Shift+ArrowRight': 'Shift →', 'Shift+ArrowLeft': 'Shift ←' };

export function listen(player) {
  release();
  document.addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event)) return;
    const row = KEYS.find(([key]) => key === keyOf(event));
    if (!row || (row[0] !== '?' && !player.stage.checkVisibility())) return; // another tab is in sight
    event.preventDefault();
    row[2](player, event.key);
  });
}

// A list that was opened by hand gives the keys back to the player once something is chosen.
function release() {
  let isByHand = false;
  document.addEventListener('pointerdown', () => { isByHand = true; }, true);
  document.addEventListener('keydown', () => { isByHand = false; }, true);
  document.addEventListener('change', ({ target }) => {
    if (isByHand && target.matches('#header select, .stage .bar select')) target.blur();
  });
}

function keyOf({ key, shiftKey }) {
  if (key === ' ') return 'Space';
  if (/^[0-9]$/.test(key)) return '0 … 9';
  return shiftKey && key.startsWith('Arrow') ? `Shift+${key}` : key;
}

// Whoever types, chooses or presses a focused button means that, not the player.
function isTyping({ target, key }) {
  if (target.closest('dialog')) return true;
  if (target.matches('.scrub')) return false;
  if (target.closest('input, textarea, select, [contenteditable], [role="listbox"], [role="combobox"]')) return true;
  return [' ', 'Enter'].includes(key) && target.closest('button, summary, a, [role="tab"]') !== null;
}

export function fillList(table) {
  table.replaceChildren(...KEYS.map(([key, words]) => {
    const row = document.createElement('tr');
    const name = Object.assign(document.createElement('kbd'), { textContent: NAMES[key] ?? key });
    row.append(document.createElement('th'), Object.assign(document.createElement('td'), { textContent: words }));
    row.firstChild.append(name);
    return row;
  }));
}
