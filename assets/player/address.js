// The place in a recorded run as an address: ?trace=lookup-copy&round=12&phase=judge.2
// (the second step of that phase), so that a reload and a shared link land on the same frame;
// &pause=hole or &pause=round.20 is where play pauses by itself. Back and Forward lead from run to
// run; the last run of one's own is kept for them. &tab=numbers is the tab in sight.
import { enter, entryOf, isReturning, returning } from './entry.js';
import { bring, showKept } from './kept_run.js';
import { isKnown, roundIn } from './pause_rules.js';
import { hasTab, openTab, tabInSight, watchTabs } from './tabs.js';

const NAMES = ['trace', 'round', 'phase', 'pause', 'tab'];
const REST_MS = 250; // written when the player has stood still so long
const GONE = 'That run is not here any more: of your own runs the page keeps the last one.';

export class Address {
  constructor(player) {
    this.player = player;
    this.timer = 0;
    this.isVisited = false; // until then the address is a wish, not to be written over
    this.turn = 0; // of ways back: the last one wins
    this.own = null; // the last run of one's own that was left
    this.onReturn = async () => false; // tells whether a lesson has taken the way
  }

  // Opens what the address asks for, else the run that stood here, else the one named ``usual``;
  // says all that is not there, on the stage: only else another tab is opened.
  async visit(runs, usual) {
    const query = new URLSearchParams(location.search);
    const name = query.get('trace');
    const isThere = name === null || runs.some((run) => run.name === name);
    const opened = isThere ? name ?? usual : usual;
    const isKept = name === null && !query.has('lesson') && showKept(this.player);
    if (!isKept) await this.player.open(opened);
    this.isVisited = true;
    if (this.player.tape && !query.has('lesson')) history.replaceState({ ...history.state, of: this.of }, '');
    if (!isKept && this.player.tape && this.player.tape.header.run !== opened) return; // another came first
    const wrong = [this.pause(query.get('pause') ?? '')];
    if (!isThere) wrong.push(`there is no recorded run “${name.slice(0, 60)}”`);
    else if (name !== null && query.has('round')) wrong.push(this.land(query.get('round'), query.get('phase')));
    const tab = query.get('tab');
    if (tab !== null && !hasTab(tab)) wrong.push(`there is no tab “${tab.slice(0, 20)}”`);
    const words = wrong.filter(Boolean).join('; ');
    if (words) this.player.notice(`The address leads nowhere: ${words}.`, true);
    else if (tab !== null && !query.has('lesson')) openTab(tab);
  }

  // From now on the address knows of tabs and of ways back.
  listen() {
    addEventListener('popstate', () => this.comeBack());
    watchTabs(() => { if (this.isVisited && !isReturning()) this.write(); });
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
    if (isReturning() || (!this.isVisited && !tape?.isLive)) return;
    const isOther = entryOf() && entryOf() !== this.of;
    if (tape && (isOther || !this.isNamed)) this.write(); // at once: a reload is not to lead to another run
    else this.timer = setTimeout(() => { if (this.player.state === 'paused') this.write(); }, REST_MS);
  }

  // A run of one's own has no address: its name means nothing to another visitor.
  get isNamed() {
    const { tape, runs } = this.player;
    return Boolean(tape) && runs.some((run) => run.name === tape.header.run);
  }

  // What an entry of the history is of while this run is on the stage.
  get of() {
    const { tape } = this.player;
    return tape ? `${this.isNamed ? 'trace' : 'own'} ${tape.header.run}` : entryOf();
  }

  // Another run or a lesson comes: Back is to lead to where this one was left.
  part() {
    clearTimeout(this.timer);
    this.hold();
    if (this.player.tape && this.isVisited && !isReturning()) this.write();
  }

  hold() {
    const { tape, position } = this.player;
    if (tape?.size && !tape.lack && !this.isNamed) this.own = { tape, position };
  }

  // By Back or Forward: what the entry is of comes onto the stage again, at its place.
  async comeBack() {
    clearTimeout(this.timer);
    this.hold();
    const turn = ++this.turn, { player } = this;
    const query = new URLSearchParams(location.search), of = entryOf();
    const run = query.get('trace') ?? of.replace(/^own /, '');
    await returning(async () => {
      if (await this.onReturn() || turn !== this.turn) return;
      openTab(query.get('tab') ?? '');
      if (player.tape?.header.run !== run) await this.fetch(query.get('trace'), run);
      if (turn !== this.turn) return;
      if (player.tape?.header.run === run) this.pause(query.get('pause') ?? '');
      if (player.tape?.header.run === run && query.has('round')) this.land(query.get('round'), query.get('phase'));
      this.write(); // of what could not be brought nothing stays
    });
  }

  async fetch(name, run) {
    if (name !== null) return this.player.open(name);
    if (this.own?.tape.header.run === run) bring(this.player, this.own);
    else if (run) this.player.notice(GONE, true);
  }

  write(place = new URL(location.href)) {
    const { tape, position, pauses } = this.player;
    if (place.searchParams.has('lesson')) return; // the lesson's own address says more
    const values = this.isNamed ? { trace: tape.header.run } : {};
    if (this.isNamed && tape.size && position >= 0) Object.assign(values, this.words(tape, position));
    if (pauses.wanted) values.pause = pauses.wanted;
    if (tabInSight()) values.tab = tabInSight();
    for (const name of NAMES) {
      if (name in values) place.searchParams.set(name, values[name]); else place.searchParams.delete(name);
    }
    enter(place, this.of);
  }

  words(tape, position) {
    const { index, step } = tape.locate(position);
    const { steps } = tape.rounds[index];
    const { phase } = steps[step];
    const number = steps.slice(0, step + 1).filter((each) => each.phase === phase).length;
    return { round: index + 1, phase: number > 1 ? `${phase}.${number}` : phase };
  }
}
