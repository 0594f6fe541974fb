// Lessons on the stage: which lesson and stop are open, what was predicted, the view for a room.
// The stage stays the player's: a lesson only opens recorded runs and goes to places in them.
import { Drawer } from './lesson_drawer.js';
import { LessonFigure } from './lesson_figure.js';
import { listenToLessons } from './lesson_keys.js';
import { asked, bare, keep } from './lesson_address.js';
import { Walk } from './lesson_walk.js';

const url = (path) => new URL(`own/${path}`, document.baseURI).href;

export class Lessons {
  constructor(player, root) {
    this.player = player;
    this.house = root.closest('#house');
    this.list = [];
    this.lesson = null;
    this.at = 0; // of the stop, from 0
    this.answers = new Map(); // "lesson/stop" -> whether the prediction was right
    this.walk = new Walk(player);
    this.busy = 0; // openings that go on
    this.fetching = 0; // of these the runs of stops
    this.turn = 0; // of wishes for a lesson or the list: the last one wins, not the last answer
    this.drawer = new Drawer(root, this);
    this.figure = new LessonFigure(player.stage, player.numbers);
    this.button = document.querySelector('#header .teach');
    this.button.hidden = false; // an exported run has no lessons
    this.button.addEventListener('click', () => (this.isOpen ? this.close() : this.showList()));
    listenToLessons(this);
    player.onRun = () => this.leave();
    player.address.onReturn = () => this.comeBack();
    player.onProblem = (text) => { if (this.isOpen) this.drawer.complain(text); };
    window.teaching = this.outside();
  }

  get isOpen() { return this.house.classList.contains('taught'); }
  get isLecture() { return document.body.classList.contains('lecture'); }
  get stop() { return this.lesson?.stops[this.at] ?? null; }
  get answer() { return this.answers.get(this.key); }
  get key() { return `${this.lesson?.number}/${this.at}`; }
  get score() {
    const mine = [...this.answers].filter(([key]) => key.startsWith(`${this.lesson?.number}/`));
    return { right: mine.filter(([, { isRight }]) => isRight).length, of: mine.length };
  }

  async begin() {
    const { lesson, stop, view } = asked();
    if (lesson === null) return;
    if (lesson === '') return this.showList();
    this.setLecture(view === 'lecture' && !small.matches);
    await this.open(lesson, stop);
  }

  // By Back or Forward, to a lesson or from one to a run.
  async comeBack() {
    const isLesson = asked().lesson !== null;
    if (isLesson) {
      this.lesson = null;
      await this.begin();
    } else if (this.isOpen) this.shut();
    return isLesson;
  }

  async showList(problem = '') {
    const turn = ++this.turn;
    this.drop();
    this.enter();
    this.lesson = null;
    this.walk.stop();
    this.setLecture(false);
    this.spot([]);
    this.player.address.write(bare());
    this.drawer.wait();
    try {
      this.list = await (await fetch(url('lessons'))).json();
    } catch { problem ||= 'The list of lessons could not be read.'; }
    if (turn === this.turn) this.drawer.showList(this.list, problem);
  }

  // The lesson by its number, at a stop counted from 1; what is not there is said over the list.
  async open(number, stop = 1) {
    const turn = ++this.turn;
    this.enter();
    try {
      const lesson = await this.during(this.fetch(number));
      if (turn !== this.turn) return; // closed meanwhile, or another one was asked for
      if (lesson.problem) return await this.during(this.showList(lesson.problem));
      this.lesson = lesson;
      const last = lesson.stops.length;
      const isThere = Number.isInteger(stop) && stop >= 1 && stop <= last;
      await this.go(isThere ? stop - 1 : 0, false);
      if (!isThere && turn === this.turn) this.drawer.complain(`Lesson ${lesson.number} has stops 1 to ${last}; this is the first.`);
    } catch (error) {
      if (turn === this.turn) await this.during(this.showList(`The lesson could not be read: ${error.message}.`));
    }
  }

  async fetch(number) {
    const lesson = await (await fetch(url(`lessons/${encodeURIComponent(number)}`))).json();
    if (!lesson.problem && !this.list.length) this.list = await (await fetch(url('lessons'))).json();
    return lesson;
  }

  // What opens by the lesson's own doing is not taken for the visitor's.
  async during(opening) {
    this.busy += 1;
    try { return await opening; } finally { this.busy -= 1; }
  }

  // To a stop of this lesson: the text at once, the stage plays up to the place.
  async go(index, isSmooth = true) {
    const { lesson } = this;
    this.at = index;
    this.drop();
    const { stop, player } = this;
    player.address.part();
    keep({ lesson: lesson.number, stop: index + 1, view: this.isLecture ? 'lecture' : null });
    this.drawer.show(this);
    this.spot(stop.spotlight, stop.figure);
    this.walk.stop();
    if (player.tape?.header.run !== stop.trace || !player.tape.end) {
      this.fetching += 1;
      await this.during(player.open(stop.trace));
      this.fetching -= 1;
    }
    if (this.lesson !== lesson || this.at !== index) return; // another stop was asked for
    if (!this.isOnStage) return this.drawer.complain(`The recorded run ${stop.trace} is not on the stage: “show again” brings it.`);
    await this.play(isSmooth);
  }

  // A run still on its way belongs to a stop that was left.
  drop() {
    if (this.fetching) this.player.turn += 1;
  }

  // A verdict that is to be predicted does not show before the prediction.
  play(isSmooth = true) {
    const { stop } = this;
    if (!this.isOnStage) return this.go(this.at, isSmooth); // the visitor has played another run
    const isHidden = Boolean(stop.ask && !this.answer);
    this.house.classList.toggle('asking', isHidden);
    return this.walk.to(stop.round, stop.step - (isHidden ? 1 : 0), isSmooth);
  }

  get isOnStage() { return this.player.tape?.header.run === this.stop.trace; }

  // Another run than the lesson's has come onto the stage, and not by the lesson's own doing.
  leave() {
    if (!this.lesson || this.busy || this.isOnStage) return;
    this.walk.stop();
    this.house.classList.remove('asking');
    this.drawer.complain('Another run is on the stage now: “show again” brings the lesson’s back.');
  }

  predict(verdict) {
    if (!this.stop?.ask || this.answer) return;
    this.answers.set(this.key, { verdict, isRight: verdict === this.stop.ask.verdict });
    this.drawer.show(this);
    this.play();
  }

  get next() {
    if (this.at + 1 < this.lesson.stops.length) return null;
    return this.list.find(({ number, problem }) => number > this.lesson.number && !problem) ?? null;
  }

  step(by) {
    if (!this.lesson) return this.isOpen ? undefined : this.showList();
    const to = this.at + by;
    if (to >= 0 && to < this.lesson.stops.length) return this.go(to);
    if (by > 0) return this.next ? this.open(this.next.number) : this.isLecture || this.showList();
  }

  enter() {
    document.querySelector('#tabs [role="tab"]')?.click(); // the stage's tab
    this.house.classList.add('taught');
    this.button.setAttribute('aria-pressed', true);
  }

  close() {
    this.shut();
    this.player.address.write(bare());
    this.button.focus();
  }

  shut() {
    this.turn += 1;
    this.drop();
    this.lesson = null;
    this.walk.stop();
    this.setLecture(false);
    this.spot([]);
    this.house.classList.remove('taught');
    this.button.setAttribute('aria-pressed', false);
  }

  setLecture(isOn) {
    for (const place of [document.body, this.house]) place.classList.toggle('lecture', isOn);
    this.drawer.nameLecture(isOn);
    if (!this.lesson) return;
    keep({ lesson: this.lesson.number, stop: this.at + 1, view: isOn ? 'lecture' : null });
    this.drawer.show(this);
  }

  spot(panels, figure = null) {
    if (!panels.length) this.house.classList.remove('asking');
    this.figure.show(figure);
    for (const section of this.player.stage.querySelectorAll('.panel:not(.figure)')) {
      const name = section.dataset.panel ?? (section.classList.contains('text') ? 'text' : '');
      section.classList.toggle('spot', panels.includes(name));
    }
  }

  // What tests and the console may know.
  outside() {
    const lessons = this;
    return {
      get number() { return lessons.lesson?.number ?? 0; },
      get stop() { return lessons.lesson ? lessons.at + 1 : 0; },
      get stops() { return lessons.lesson?.stops ?? []; },
      get score() { return lessons.score; },
      get isSettled() { return !lessons.busy && !lessons.walk.isGoing; },
    };
  }
}

const small = matchMedia('(max-width: 640px)'); // shows no lecture, nor the way to it

export function teach(player) {
  const root = document.querySelector('#lessons .lessons');
  if (root) new Lessons(player, root).begin();
}
