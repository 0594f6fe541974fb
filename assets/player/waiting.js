// Decode pressed while a run of one's own goes on: the new one waits.  That is said at once, and
// again when it takes the stage from what one was watching.
const WAITS = 'This run waits for the one under way.';
const COMES = 'The run that waited has begun: it is on the stage now.';

export function sayWaiting(player) {
  document.addEventListener('click', ({ target }) => {
    if (target.closest('#stop')) player.waits = 0; // it takes those that wait as well
    const { isLive, end } = player.tape ?? {};
    if (!isLive || end || !target.closest('#go')) return;
    player.waits += 1;
    player.notice(WAITS, false);
  }, true);
}

// What to say of a run that begins.
export function wordOnArrival(player) {
  if (!player.tape.isLive) player.waits = 0; // whoever leaves takes those that wait along
  if (!player.waits) return '';
  player.waits -= 1;
  return COMES;
}
