// The player: keeps the place in the run, and tells every part to show it.
// Live and recorded runs come as the same messages; nothing here asks the server while playing.
import { Address } from './address.js';
import { offerAgain } from './again.js';
import { receive } from './arrivals.js';
import { Bar, TRUE } from './bar.js';
import { Board } from './board.js';
import { Clock, SPEEDS } from './clock.js';
import { advance, travel } from './course.js';
import { addExport, known } from './export.js';
import { Facts } from './facts.js';
import { addImages } from './images.js';
import { fillList, listen } from './keys.js';
import { keepRun, showKept } from './kept_run.js';
import { looksOf } from './looks.js';
import { Mass } from './mass.js';
import { Numbers } from './numbers.js';
import { watchFiles } from './opening.js';
import { outside } from './outside.js';
import { Pauses } from './pauses.js';
import { plotly } from './plotly.js';
import { keepPrompt } from './prompt.js';
import { watchQueue } from './queue.js';
import { fetchRun, fillShelf, save } from './shelf.js';
import { Silence } from './silence.js';
import { spareMeasuring } from './spare.js';
import { Text } from './text.js';
import { follow as followTheme, theme } from './theme.js';
import { Told } from './told.js';
import { Voice } from './voice.js';
import { sayWaiting } from './waiting.js';

const find = (selector) => document.querySelector(selector);

export class Player {
  constructor(element) {
    this.stage = element.querySelector('.stage');
    this.tape = null;
    this.position = -1;
    this.isFollowing = false;
    this.wantsLive = false; // what the visitor last chose for live runs
    this.turn = 0; // of openings: the last wish wins, not the last answer
    this.waits = 0; // live runs that were asked for while another went on
    this.onRun = () => {}; // told which run is on the stage now
    this.problems = [];
    this.runs = []; // recorded ones
    this.clock = new Clock({ onTick: () => advance(this), onTime: (ms) => travel(this, ms) });
    this.isLooping = false; // plays one round over and over
    this.isLed = false; // from step to step by a lesson
    this.address = new Address(this);
    this.board = new Board(this.stage);
    this.mass = new Mass(this.stage.querySelector('.mass'), () => this.show(false));
    this.text = new Text(this.stage.querySelector('.text'), (index) => this.seek(this.tape.last(index)));
    this.again = offerAgain(this.stage.querySelector('.again'), this);
    this.told = new Told(find('#notice'));
    this.facts = new Facts(find('#facts .cards'));
    this.bar = new Bar(this.stage.querySelector('.bar'), this);
    this.numbers = new Numbers();
    this.voice = new Voice(this.stage.querySelector('.says'));
    this.silence = new Silence(() => Boolean(this.tape?.isAwaited), (words) => this.breakOff(words));
    this.pauses = new Pauses(this.stage.querySelector('.loop'), this);
    addExport(this.stage.querySelector('.save'), this);
    addImages(this.stage, () => this.look().palette);
    this.dialog = find('#keys dialog');
    fillList(this.dialog.querySelector('table'));
    find('#header .keys').addEventListener('click', () => this.showKeys());
    followTheme(find('#header .theme'), () => this.show(false));
    listen(this);
    keepPrompt();
    spareMeasuring(this);
    watchFiles(this);
    sayWaiting(this);
    watchQueue(element.closest('#stage'), find('#notice .queue'));
    this.show(false);
    window.player = outside(this);
  }

  // After the messages that came early: nothing live yet, so a recorded run plays.
  async begin() {
    (window.requestIdleCallback ?? setTimeout)(() => plotly());
    keepRun(this);
    this.address.listen();
    const shelf = find('#header .shelf');
    try {
      this.runs = await fillShelf(shelf, (name) => this.open(name));
    } catch {
      if (!this.tape) showKept(this); // it needs no list
      this.notice('The list of recorded runs could not be read; reload the page to try again.', true);
    }
    const first = this.runs.find((run) => run.first) ?? this.runs[0];
    if (!this.tape && first) await this.address.visit(this.runs, first.name);
    else this.address.isVisited = true; // a live run was faster: what is opened later has an address
    this.showName();
  }

  async open(name) {
    this.turn += 1;
    const { turn } = this;
    try {
      const lines = await fetchRun(name);
      if (turn !== this.turn) return; // another run was asked for, or a live one has begun
      if (this.tape?.isLive) find('#stop')?.click(); // over, plain decoding may still be measured
      this.receive(lines);
      this.notice(this.runs.find((run) => run.name === name)?.story ?? '', false);
    } catch {
      if (turn !== this.turn) return;
      this.showName(); // what is on the stage still
      const { title = name } = this.runs.find((run) => run.name === name) ?? {};
      this.notice(`The recorded run “${title}” could not be read.`, true);
    }
  }

  // In the list of recorded runs: the one on the stage, or none of them.
  showName() {
    find('#header .shelf').value = this.address.isNamed ? this.tape.header.run : '';
  }

  receive(lines) { receive(this, lines); }

  // Nothing more comes of a live run: it ends where it is, unless its end had come.
  breakOff(words) {
    const { end, rounds, header } = this.tape;
    const facts = known((end ?? rounds.at(-1))?.panels?.facts, words);
    const last = end ?? { kind: 'end', run: header.run, record: null, note: words };
    this.tape.close({ ...last, ...(facts && { panels: { ...end?.panels, facts } }) });
    this.show(false);
    this.notice(words, true);
  }

  get state() {
    if (this.isFollowing) return 'live';
    return this.clock.isRunning ? 'playing' : 'paused';
  }

  get isMoving() { return this.isLed || this.state !== 'paused'; }

  toggle() {
    const atEnd = this.tape && this.position >= this.tape.length - 1 && this.tape.end;
    this.isFollowing = false;
    if (this.clock.isRunning) this.clock.stop();
    else {
      if (atEnd && !this.isLooping) this.rewind();
      this.clock.start();
    }
    this.bar.show(this);
  }

  // Before the first step: it is seen while true time waits as long as it took.
  rewind() {
    if (this.clock.isTrue) this.place(0, false);
    this.position = -1;
  }

  stepPhase(by) { this.seek(this.position + by, true); }

  // Back first means to the end of the round before, as the reader sees it.
  stepRound(by) {
    if (!this.tape?.size) return;
    const to = this.tape.locate(Math.max(0, this.position)).index + by;
    this.seek(to < 0 ? 0 : this.tape.last(to));
  }

  seek(position, smooth = false) {
    this.clock.stop();
    this.pauses.taken = -1;
    this.isFollowing = position === Infinity && Boolean(this.tape?.isLive && !this.tape.end);
    this.place(position, smooth);
  }

  scrub(position) { this.seek(position); }

  follow() {
    if (!this.tape?.isLive) return;
    this.wantsLive = !this.isFollowing;
    if (this.wantsLive) { this.seek(Infinity); this.isFollowing = true; } else { this.isFollowing = false; this.clock.start(); }
    this.bar.show(this);
  }

  tenth(digit) { this.seek(Math.round(((this.tape?.length ?? 1) - 1) * digit / 10)); }

  loop() {
    this.isLooping = !this.isLooping;
    this.bar.show(this);
  }

  setSpeed(speed) {
    this.clock.isTrue = speed === TRUE;
    if (!this.clock.isTrue) this.clock.speed = Number(speed);
    this.clock.restart();
    this.bar.show(this);
  }

  toggleTrueTime() { this.setSpeed(this.clock.isTrue ? this.clock.speed : TRUE); }

  changeSpeed(by) {
    const at = SPEEDS.indexOf(this.clock.speed) + by;
    this.setSpeed(SPEEDS[Math.max(0, Math.min(SPEEDS.length - 1, at))]);
  }

  get speed() { return this.clock.isTrue ? TRUE : this.clock.speed; }

  place(position, smooth) {
    if (!this.tape?.size) return;
    this.position = Math.max(0, Math.min(this.tape.length - 1, position));
    this.show(smooth);
  }

  show(smooth) {
    this.bar.show(this);
    this.mass.show(this.tape);
    this.again.show();
    this.address.keep();
    if (this.tape) this.numbers.show(this.tape, this.look(), theme());
    if (!this.tape?.size || this.position < 0) return;
    const { index, step } = this.tape.locate(this.position);
    const { phase, label } = this.tape.step(this.position);
    const isLast = this.tape.isLastOfRound(this.position);
    this.text.show(isLast ? index + 1 : index, isLast);
    this.facts.show(this.tape.facts(index, isLast));
    this.voice.show(this);
    const { palette, template } = this.look();
    this.board.show({
      tape: this.tape, index, step, smooth, palette, template, theme: theme(),
      isMassless: !this.mass.isOn,
      words: `round ${index + 1} · ${label}`,
      pace: this.clock.stay(phase),
    });
  }

  look() { return looksOf(this.tape.header); }

  notice(text, isProblem, line = '.words') {
    const place = find(`#notice ${line}`);
    place.textContent = text;
    place.classList.toggle('problem', isProblem);
    if (!isProblem || !text) return;
    find('#notice').scrollIntoView({ block: 'nearest' }); // its margin is what lies over the rail's end
    this.onProblem?.(text); // in a lesson that line is out of sight
  }

  get saysProblem() { return find('#notice .words').matches('.problem:not(:empty)'); }

  showKeys() { if (this.dialog.open) this.dialog.close(); else this.dialog.showModal(); }

  save() {
    if (this.tape?.lack) this.notice(this.tape.lack, true);
    else if (this.tape?.size) save(this.tape);
  }
}
