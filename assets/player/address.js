// The place in a recorded run as an address: ?trace=lookup-copy&round=12&phase=judge.2
// (the second step of that phase), so that a reload and a shared link land on the same frame;
// &pause=hole or &pause=round.20 is where play pauses by itself.
import { showKept } from './kept_run.js';
import { isKnown, roundIn } from './pause_rules.js';

const NAMES = ['trace', 'round', 'phase', 'pause'];
const REST_MS = 250; // written when the player has stood still so long

export class Address {
  constructor(player) {
    this.player = player;
    this.timer = 0;
    this.isVisited = false; // until then the address is a wish, not to be written over
  }

  // Opens what the address asks for, else the run that stood here, else the one named ``usual``;
  // says all that is not there.
  async visit(runs, usual) {
    const query = new URLSearchParams(location.search);
    const name = query.get('trace');
    const isThere = name === null || runs.some((run) => run.name === name);
    const opened = isThere ? name ?? usual : usual;
    const isKept = name === null && !query.has('lesson') && showKept(this.player);
    if (!isKept) await this.player.open(opened);
    this.isVisited = true;
    if (!isKept && this.player.tape && this.player.tape.header.run !== opened) return; // another came first
    const wrong = [this.pause(query.get('pause') ?? '')];
    if (!isThere) wrong.push(`there is no recorded run “${name.slice(0, 60)}”`);
    else if (name !== null && query.has('round')) wrong.push(this.land(query.get('round'), query.get('phase')));
    const words = wrong.filter(Boolean).join('; ');
    if (words) this.player.notice(`The address leads nowhere: ${words}.`, true);
  }

  pause(wanted) {
    if (!isKnown(wanted)) return `play cannot pause at “${wanted.slice(0, 20)}”`;
    if (roundIn(wanted) > this.size) return this.noRound(roundIn(wanted));
    this.player.pauses.set(wanted);
    return '';
  }

  get size() { return this.player.tape?.size ?? 0; }

  noRound(asked) { return `this run has rounds 1 to ${this.size}, not “${String(asked).slice(0, 20)}”`; }

  // Says what is not there, or nothing; a round begins with another phase where nothing is drafted.
  land(round, wanted) {
    const { tape } = this.player;
    const index = Number(round) - 1;
    if (!Number.isInteger(index) || !tape?.rounds[index]) return this.noRound(round);
    const { steps } = tape.rounds[index];
    const [phase, number = '1'] = (wanted ?? steps[0].phase).split('.');
    const places = steps.flatMap((step, place) => (step.phase === phase ? [place] : []));
    const step = places[Number(number) - 1];
    this.player.seek(tape.first(index) + (step ?? 0));
    return step === undefined ? `round ${index + 1} has no phase “${wanted.slice(0, 20)}”` : '';
  }

  keep() {
    clearTimeout(this.timer);
    const { tape } = this.player;
    if (!this.isVisited && !tape?.isLive) return;
    if (tape && !this.isNamed) this.write(); // at once: a reload is not to lead to another run
    else this.timer = setTimeout(() => { if (this.player.state === 'paused') this.write(); }, REST_MS);
  }

  // A run of one's own has no address: its name means nothing to another visitor.
  get isNamed() {
    const { tape, runs } = this.player;
    return Boolean(tape) && runs.some((run) => run.name === tape.header.run);
  }

  write() {
    const { tape, position, pauses } = this.player;
    const place = new URL(location.href);
    if (place.searchParams.has('lesson')) return; // the lesson's own address says more
    const isNamed = this.isNamed && tape.size && position >= 0;
    const values = isNamed ? { trace: tape.header.run, ...this.words(tape, position) } : {};
    if (pauses.wanted) values.pause = pauses.wanted;
    for (const name of NAMES) {
      if (name in values) place.searchParams.set(name, values[name]); else place.searchParams.delete(name);
    }
    if (place.href !== location.href) history.replaceState(history.state, '', place);
  }

  words(tape, position) {
    const { index, step } = tape.locate(position);
    const { steps } = tape.rounds[index];
    const { phase } = steps[step];
    const number = steps.slice(0, step + 1).filter((each) => each.phase === phase).length;
    return { round: index + 1, phase: number > 1 ? `${phase}.${number}` : phase };
  }
}
