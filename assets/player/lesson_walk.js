// Plays the stage up to a place, and stands there; whoever moves the player meanwhile ends it.
import { stillness } from './stillness.js';

const LONGEST_MS = 2600; // of a whole walk, however many steps it has

export class Walk {
  constructor(player) {
    this.player = player;
    this.turn = 0; // a walk that is not the newest ends
    this.isGoing = false;
  }

  get isGoing() { return this.player.isLed; }
  set isGoing(isGoing) { this.player.isLed = isGoing; }

  stop() { this.turn += 1; this.isGoing = false; }

  // To a step of a round: from the place in hand where that lies before it in the same round,
  // else from the round's first step.
  async to(index, step, isSmooth) {
    const { player } = this;
    const first = player.tape.first(index), goal = first + step;
    this.stop();
    if (!isSmooth || stillness.matches) { player.seek(goal); return; }
    const isWithin = player.position >= first && player.position < goal;
    const turn = this.turn;
    this.isGoing = true;
    let at = isWithin ? player.position : first;
    if (!isWithin) player.seek(at);
    const most = LONGEST_MS / Math.max(1, goal - at);
    while (at < goal) {
      await new Promise((resolve) => setTimeout(resolve, Math.min(most, player.clock.stay(player.tape.step(at).phase))));
      if (this.turn !== turn) return;
      if (player.position !== at || player.clock.isRunning) break; // the visitor took over
      at += 1;
      this.isGoing = at < goal; // the place itself is said
      player.seek(at, true);
    }
    this.isGoing = false;
  }
}
