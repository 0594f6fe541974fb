// The line below the tree, which is read out: while the stage plays, every round once it is over;
// where somebody goes by hand, the step that shows once the hand has come to rest. It is seen no
// longer than the round that it tells of: under the heading of another one it would be read as its.
import { stepSays } from './says.js';

const REST_MS = 180;

export class Voice {
  constructor(line) {
    this.line = line;
    this.timer = 0;
    this.isOfStep = false; // what stands there: once play has left the step it goes
    this.round = null; // on the stage
    this.told = null; // the round that was there when the words came
  }

  show({ tape, position, isMoving, pauses }) {
    clearTimeout(this.timer);
    const { index, step } = tape.locate(position);
    const round = tape.rounds[index];
    this.round = round;
    const why = pauses.taken === position ? 'Paused. ' : '';
    if (!isMoving) this.timer = setTimeout(() => this.say(why + stepSays(round, step), true), REST_MS);
    else if (tape.isLastOfRound(position)) this.say(round.says);
    else if (this.isOfStep) this.say('');
    this.line.classList.toggle('past', this.told !== round);
  }

  // At once, in the place of what was to come.
  tell(text) {
    clearTimeout(this.timer);
    this.say(text);
  }

  say(text, isOfStep = false) {
    this.isOfStep = isOfStep;
    this.told = this.round;
    this.line.classList.remove('past');
    if (this.line.textContent !== text) this.line.textContent = text;
  }
}
