// Play pauses by itself at the next round that matches a condition: the choice of it in the bar.
import { isKnown, pauseIn, roundIn, RULES } from './pause_rules.js';

const OFF = '', BY_NUMBER = 'round';
const CHOICES = [[OFF, 'pause at …'], ...Object.entries(RULES).map(([name, [words]]) => [name, words]), [BY_NUMBER, 'round']];

export class Pauses {
  constructor(loop, player) {
    this.player = player;
    this.wanted = OFF; // a rule's name, or "round.12"
    this.taken = -1; // the position at which play has paused by itself
    this.choice = made('select', 'pause', 'pause by itself at', 'pause by itself at (b)');
    this.choice.append(...CHOICES.map(([name, words]) => new Option(words, name)));
    this.number = made('input', 'pause-round', 'round to pause at', '');
    Object.assign(this.number, { type: 'number', min: 1, hidden: true });
    loop.after(this.choice, this.number);
    this.choice.addEventListener('change', () => this.set(this.choice.value === BY_NUMBER ? this.next : this.choice.value));
    this.number.addEventListener('input', () => this.set(`${BY_NUMBER}.${this.number.value}`));
  }

  // As it stands in an address; a round that is no number pauses nothing until it is one.
  set(wanted) {
    this.wanted = isKnown(wanted) ? wanted : OFF;
    const isByNumber = wanted.startsWith(`${BY_NUMBER}.`);
    this.choice.value = isByNumber ? BY_NUMBER : this.wanted;
    this.choice.classList.toggle('on', this.wanted !== OFF);
    this.number.hidden = !isByNumber;
    if (roundIn(wanted)) this.number.value = roundIn(wanted);
    this.player.address.keep();
  }

  // The next choice, and said: whoever presses a key does not look at the bar.
  turn() {
    const at = CHOICES.findIndex(([name]) => name === this.choice.value);
    const [name] = CHOICES[(at + 1) % CHOICES.length];
    this.set(name === BY_NUMBER ? this.next : name);
    this.player.voice.tell(this.wanted ? `Play pauses at ${this.words}` : 'Play does not pause by itself');
  }

  // Behind the round in hand, where there is one.
  get next() {
    const { tape, position } = this.player;
    const at = tape?.size && position >= 0 ? tape.locate(position).index + 2 : 1;
    return `${BY_NUMBER}.${Math.max(1, Math.min(tape?.size ?? 1, at))}`;
  }

  get words() { return roundIn(this.wanted) ? `round ${roundIn(this.wanted)}` : RULES[this.wanted][0]; }

  // Whether play stops at a position; it then knows why it stands there.
  isAt(tape, position) {
    if (!this.wanted) return false;
    const { index, step } = tape.locate(position);
    const isHere = step === this.in(tape.rounds[index]);
    if (isHere) this.taken = position;
    return isHere;
  }

  in(round) { return pauseIn(round, this.wanted); }
}

function made(kind, name, label, title) {
  const element = Object.assign(document.createElement(kind), { className: name, title });
  element.setAttribute('aria-label', label);
  return element;
}
