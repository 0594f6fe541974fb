// Where the clock goes next: on, or round in a circle where one round is repeated.

// One step on; its phase, or nothing while the decoder has not got there yet.
export function advance(player) {
  const { tape, clock, bar } = player;
  if (!tape) { clock.stop(); return; }
  const next = after(player, player.position);
  if (next >= tape.length) {
    if (tape.end) { clock.stop(); bar.show(player); }
    return;
  }
  const isPause = player.pauses.isAt(tape, next);
  if (isPause) clock.stop();
  player.place(next, true);
  return isPause ? undefined : tape.step(next).phase;
}

// As far as ``ms`` of the decoder's own time go; returns what was spent.
export function travel(player, ms) {
  const { tape, clock, bar } = player;
  let [spent, position] = [0, player.position];
  while (tape) {
    const next = after(player, position);
    if (next >= tape.length) {
      if (tape.end) clock.stop();
      spent = ms; // there is nothing to come, or nobody knows yet how long it takes
      break;
    }
    const stay = Math.max(0.1, tape.milliseconds(next)); // a circle that takes no time would not end
    if (spent + stay > ms) break;
    [spent, position] = [spent + stay, next];
    if (player.pauses.isAt(tape, position)) { clock.stop(); break; }
  }
  if (position !== player.position) player.place(position, false); else bar.show(player);
  return spent;
}

// To a round that has just come, or to the step of it at which to pause.
export function keepUp(player, round) {
  const { tape, pauses } = player;
  const step = pauses.in(round);
  player.isFollowing = step < 0;
  if (step >= 0) pauses.taken = tape.first(round.index) + step;
  player.place(step < 0 ? tape.length - 1 : pauses.taken, true);
}

function after({ tape, isLooping }, position) {
  const isBack = isLooping && position >= 0 && tape.isLastOfRound(position);
  return isBack ? tape.first(tape.locate(position).index) : position + 1;
}
