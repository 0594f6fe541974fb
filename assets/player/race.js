// The race: several runs of one prompt played on one clock. Nothing here asks the server.
import { SPEEDS } from './clock.js';
import { meaning } from './legend.js';
import { Lane } from './race_lane.js';
import { listen } from './race_keys.js';
import { Timer } from './race_timer.js';
import { Silence } from './silence.js';
import { stillness } from './stillness.js';
import { say } from './view_notice.js';

const PLACES = ['1st', '2nd', '3rd', '4th'];
const PASSES = 2.5; // a second, where the lanes go pass by pass

export class View {
  constructor(element) {
    this.root = element.querySelector('.race');
    this.lanes = [];
    this.at = 0; // seconds, or passes
    this.isByPass = false;
    this.timer = new Timer((seconds) => this.advance(seconds));
    this.silence = new Silence(() => this.state === 'decoding', (words) => this.notice(words, true));
    this.buttons();
    listen(this);
    window.race = this.outside();
  }

  part(selector) { return this.root.querySelector(selector); }

  buttons() {
    const press = (name, action) => this.part(`.controls .${name}`).addEventListener('click', action);
    press('first', () => this.seek(0));
    press('back', () => this.step(-1));
    press('play', () => this.toggle());
    press('next', () => this.step(1));
    press('end', () => this.seek(Infinity));
    press('mode', () => this.change());
    const scrub = this.part('.scrub'), speed = this.part('.speed');
    scrub.addEventListener('input', () => this.seek((scrub.value / 1000) * this.length));
    speed.append(...SPEEDS.map((value) => new Option(`${value}×`, value)));
    speed.value = 1;
    speed.addEventListener('change', () => this.setSpeed(Number(speed.value)));
  }

  apply(message) {
    const { kind, run } = message;
    if (kind === 'race') this.begin(message);
    else if (kind === 'status' || kind === 'problem') this.notice(message.text, kind === 'problem');
    else if (kind === 'over') this.finish(message);
    else if (run) this.lanes.find((lane) => lane.run === run)?.apply(message);
    if (this.state === 'decoding') this.show();
    this.silence.heard();
  }

  get state() { return this.root.dataset.state; }

  begin({ lanes, tokens, unsteady, legend }) {
    this.timer.stop();
    this.root.dataset.state = 'decoding';
    this.unsteady = unsteady;
    this.lanes = lanes.map((info, index) => new Lane(info, index, tokens, (place) => this.seek(place)));
    this.part('.tracks').replaceChildren(...this.lanes.map((lane) => lane.track));
    this.part('.lanes').replaceChildren(...this.lanes.map((lane) => lane.column));
    this.part('.legend').replaceChildren(...legend.map(meaning));
    this.part('.equal').textContent = '';
    this.at = Infinity; // what is decoded so far
    this.notice('', false);
  }

  notice(text, isProblem) {
    say(this.root, text, isProblem);
    if (isProblem && this.state === 'decoding') this.finish({ note: text }, true);
  }

  // No more lanes come: who was first, how the texts agree, and the race from its start.
  finish({ note, says = '', holds = null, lanes = [] }, wasProblem = false) {
    say(this.root, note, wasProblem);
    const decoded = this.lanes.filter((lane) => lane.rounds.length);
    this.root.dataset.state = decoded.length ? 'over' : 'none';
    if (!decoded.length) return;
    const most = Math.max(...decoded.map((lane) => lane.tokens.length));
    const order = decoded.filter((lane) => lane.isWhole).sort((a, b) => b.rate - a.rate);
    for (const lane of this.lanes) {
      lane.close(most, place(order, lane), this.times(lane, decoded[0]), lanes.find(({ run }) => run === lane.run));
    }
    this.part('.equal').textContent = says;
    this.part('.equal').classList.toggle('problem', holds === false);
    this.seek(0);
    if (!stillness.matches) this.toggle(); else this.seek(Infinity);
  }

  // How many times as fast as plain decoding, where that was drawn from the same law to its end;
  // a busy machine may make it more than the passes can bring: that is no speed-up.
  times(lane, plain) {
    const isFit = lane !== plain && lane.isWhole && plain.isWhole && lane.temperature === plain.temperature;
    const times = lane.rate / plain.rate;
    if (!isFit || !Number.isFinite(times)) return '';
    return times > this.unsteady * lane.mean ? ' · unsteady' : ` · ${times.toFixed(2)}× plain`;
  }

  get length() { return Math.max(0, ...this.lanes.map((lane) => (this.isByPass ? lane.rounds.length : lane.seconds))); }

  advance(seconds) {
    this.at = Math.min(this.length, this.at + seconds * (this.isByPass ? PASSES : 1));
    if (this.at >= this.length) this.timer.stop();
    this.show();
  }

  toggle() {
    if (this.state !== 'over') return;
    if (this.timer.isRunning) this.timer.stop();
    else {
      if (this.at >= this.length) this.at = 0;
      this.timer.start();
    }
    this.show();
  }

  seek(place) {
    if (this.state !== 'over') return;
    this.timer.stop();
    this.at = Math.max(0, Math.min(this.length, place));
    this.show();
  }

  // To the next end of a round of any lane, or to the next pass of all.
  step(by) {
    if (this.isByPass) return this.seek(by > 0 ? Math.floor(this.at) + 1 : Math.ceil(this.at) - 1);
    const ends = [0, ...new Set(this.lanes.flatMap((lane) => lane.ends))].sort((a, b) => a - b);
    const near = by > 0 ? ends.find((end) => end > this.at) : ends.findLast((end) => end < this.at);
    this.seek(near ?? (by > 0 ? this.length : 0));
  }

  // The other clock, at the place where the first lane stands.
  change() {
    const count = this.lanes[0]?.count(this.at, this.isByPass) ?? 0;
    this.isByPass = !this.isByPass;
    if (this.state === 'over') this.at = this.isByPass ? count : this.lanes[0].ends[count - 1] ?? 0;
    this.show();
  }

  setSpeed(speed) {
    this.timer.speed = speed;
    this.part('.speed').value = speed;
  }

  changeSpeed(by) {
    const place = SPEEDS.indexOf(this.timer.speed) + by;
    this.setSpeed(SPEEDS[Math.max(0, Math.min(SPEEDS.length - 1, place))]);
  }

  show() {
    for (const lane of this.lanes) lane.show(this.at, this.isByPass);
    const { length } = this, at = Math.min(this.at, length);
    const words = this.isByPass ? `pass ${Math.floor(at)} of ${length}` : `${at.toFixed(2)} of ${length.toFixed(2)} s`;
    const scrub = this.part('.scrub'), play = this.part('.play'), { isRunning } = this.timer;
    this.part('.where').textContent = this.lanes.length ? words : 'no race yet';
    scrub.value = length ? Math.round((1000 * at) / length) : 0;
    scrub.style.setProperty('--done', `${scrub.value / 10}%`);
    scrub.setAttribute('aria-valuetext', words);
    play.textContent = isRunning ? '❚❚' : '▶';
    play.setAttribute('aria-label', isRunning ? 'pause' : 'play');
    this.part('.mode').setAttribute('aria-pressed', this.isByPass);
  }

  // What tests and the console may know.
  outside() {
    const view = this;
    return {
      get state() { return view.state; },
      get at() { return view.at; },
      get length() { return view.length; },
      get isPlaying() { return view.timer.isRunning; },
      get isByPass() { return view.isByPass; },
      get lanes() { return view.lanes.map((lane) => ({ run: lane.run, rounds: lane.rounds.length, seconds: lane.seconds, tokens: lane.tokens, shown: lane.shown })); },
    };
  }
}

// A lane's at the finish; whoever comes in alone has beaten nobody.
function place(order, lane) {
  if (!lane.isWhole) return 'stopped';
  return order.length > 1 ? PLACES[order.indexOf(lane)] : 'finished';
}
