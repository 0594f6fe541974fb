// One lane: a run, its track, its column, and what of it is in sight at a moment of the race.
import { column, track } from './race_parts.js';
import { draw } from './race_tree.js';
import { Text } from './text.js';

const PHASES = ['draft', 'verify', 'accept', 'commit'];
const BUSY = 'The machine was busy: against plain decoding it is faster than its tokens a pass can bring. Race again.';
const CUT = ['cancelled', 'memory', 'not_finite']; // reasons of an end that is none of the text's

export class Lane {
  constructor({ run, number, label, settings }, index, limit, onPick) {
    Object.assign(this, { run, label, index, limit });
    this.lines = []; // its messages, for the stage
    this.rounds = [];
    this.ends = []; // seconds at the end of every round
    this.starts = [0]; // tokens before every round, and one more: all
    this.tokens = [];
    this.words = []; // an element a token
    this.shown = -1; // rounds in sight
    this.isWhole = false;
    this.track = track(index, `${number} ${label}`, settings);
    this.column = column(index, `${number} ${label}`, settings, () => this.open());
    this.text = new Text(this.column.querySelector('.text'), (round) => onPick(this.byPass ? round + 1 : this.ends[round]));
  }

  get seconds() { return this.ends.at(-1) ?? 0; }

  apply(message) {
    this.lines.push(JSON.stringify(message));
    if (message.kind === 'header') this.begin(message);
    else if (message.kind === 'round') this.add(message);
    else if (message.kind === 'end') this.end(message);
  }

  begin(header) {
    this.temperature = header.header.config.temperature;
    this.text.clear(header);
    this.column.querySelector('svg').classList.toggle('alone', Boolean(header.is_alone)); // dotted, as on the stage
  }

  end({ record }) {
    this.isWhole = !CUT.includes(record?.reason);
    this.column.querySelector('.open').disabled = !this.rounds.length;
  }

  get rate() { return this.tokens.length / this.seconds; }

  get mean() { return this.tokens.length / this.rounds.length; } // tokens a pass

  add(round) {
    const { seconds, emitted } = round.record;
    this.rounds.push(round);
    this.ends.push(this.seconds + PHASES.reduce((sum, phase) => sum + seconds[phase], 0));
    this.tokens.push(...emitted.token);
    this.starts.push(this.tokens.length);
    this.text.add(round);
    this.words.push(...this.text.body.lastElementChild.querySelectorAll('span.word'));
    this.track.querySelector('.rounds').append(segment(emitted));
  }

  // The lanes are complete: the track's scale, the place at the finish, the speed against plain
  // in words, and what was found of its text.
  close(most, place, times, { difference = null, note = '', is_wrong: isWrong = false } = {}) {
    this.limit = most;
    this.column.classList.toggle('missing', !this.rounds.length);
    this.track.classList.toggle('missing', !this.rounds.length);
    if (!this.rounds.length) { this.part('.place').textContent = 'not decoded'; return; }
    const count = this.tokens.length === most ? '' : ` · ${counted(this.tokens.length)}`;
    this.place = `${place} · ${this.seconds.toFixed(2)} s${count}${times}`;
    this.part('.place').title = times.endsWith('unsteady') ? BUSY : '';
    for (const word of this.words) word.classList.remove('differs');
    this.words[difference]?.classList.add('differs');
    this.column.classList.toggle('wrong', isWrong);
    this.column.querySelector('.difference').textContent = note;
  }

  // Rounds that are over at a moment.
  count(at, isByPass) {
    if (isByPass) return Math.min(this.rounds.length, Math.floor(at));
    let low = 0, high = this.ends.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.ends[middle] <= at + 1e-9) low = middle + 1; else high = middle;
    }
    return low;
  }

  // What a round under way is doing: its phase, or nothing between two passes.
  phase(at, count) {
    const round = this.rounds[count];
    if (!round || at === Infinity) return '';
    let end = this.ends[count - 1] ?? 0;
    return PHASES.find((phase) => (end += round.record.seconds[phase]) > at) ?? 'commit';
  }

  show(at, isByPass) {
    const count = this.count(at, isByPass), isOver = count === this.rounds.length && count > 0;
    this.byPass = isByPass;
    const phase = isByPass ? '' : this.phase(at, count);
    const key = `${count} ${phase} ${this.limit} ${this.place ?? ''} ${isByPass}`;
    if (count !== this.shown) { this.shown = count; this.text.show(count); }
    this.numbers(at, count, isByPass, isOver);
    if (key === this.drawn) return;
    this.drawn = key;
    this.part('.done').style.width = `${(100 * this.starts[count]) / this.limit}%`;
    this.part('.rounds').style.setProperty('--limit', this.limit);
    this.track.classList.toggle('over', isOver && this.place !== undefined);
    if (this.place) this.part('.place').textContent = isOver ? this.place : '';
    const isBefore = phase === '' || phase === 'commit';
    const round = this.rounds[phase ? count : count - 1];
    this.column.querySelector('.phase').textContent = round ? `pass ${round.index + 1} · ${isBefore ? kept(round.record) : phase}` : '';
    draw(this.column.querySelector('svg'), phase === 'draft' ? null : round?.record.nodes, phase === 'verify' || phase === 'accept');
  }

  numbers(at, count, isByPass, isOver) {
    const tokens = this.starts[count];
    const seconds = isByPass || isOver ? this.ends[count - 1] : Math.min(at, this.seconds);
    this.part('.rate').textContent = tokens && seconds ? (tokens / seconds).toFixed(1) : '–';
    this.part('.mean').textContent = count ? (tokens / count).toFixed(2) : '–';
    tell(this.part('.rate').parentElement, `${counted(tokens)} in ${(seconds ?? 0).toFixed(2)} s, reading the prompt left out`);
    tell(this.part('.mean').parentElement, `${counted(tokens)} in ${count} target pass${count === 1 ? '' : 'es'}`);
  }

  part(selector) { return this.track.querySelector(selector); }

  // The stage plays the same messages; of what is live there, plain decoding may still be measured.
  open() {
    if (!this.rounds.length) return;
    if (window.player?.isLive) document.querySelector('#stop')?.click();
    document.dispatchEvent(new CustomEvent('speculoscope:open', { detail: this.lines.join('\n') }));
    document.querySelector('#tabs [role="tab"]').click();
  }
}

function counted(tokens) { return `${tokens} token${tokens === 1 ? '' : 's'}`; }

// A figure with what it is made of, for the pointer and for who has none.
function tell(box, words) {
  box.title = words;
  box.setAttribute('aria-label', `${box.textContent}: ${words}`);
}

// A round on the track, as wide as its tokens are many: those accepted, then the last one.
function segment({ token, origin }) {
  const part = document.createElement('i');
  part.style.setProperty('--tokens', token.length);
  const accepted = origin.filter((name) => name === 'accepted').length / origin.length;
  part.style.setProperty('--accepted-part', `${100 * accepted}%`);
  part.style.setProperty('--role', `var(--${origin.at(-1)})`);
  return part;
}

function kept({ nodes }) {
  const drafted = nodes.token.length - 1;
  if (!drafted) return 'nothing drafted';
  return `${nodes.verdict.filter((verdict) => verdict === 'accepted').length} of ${drafted} accepted`;
}
