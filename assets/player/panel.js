// One panel that is a figure: knows what it shows, and draws another state of it.
import { changedAt, stateAt } from './figure.js';
import { stillness } from './stillness.js';

const CONFIG = { displayModeBar: false, doubleClick: false, responsive: false, showTips: false };
const SMOOTH_MS = 220;
const NONE = [];
const LEAST_PX = 9; // letters that can be read …
const SHRUNK = LEAST_PX / 12; // … of those that the figures are measured for
const BESIDE_PX = 56; // what belongs to a node: its label, at the least
const MARK_PX = 8; // half of what marks it
const LETTER = 0.61; // its width, of the font's size

export class Panel {
  constructor(section) {
    this.section = section;
    this.name = section.dataset.panel;
    this.isTree = this.name === 'tree';
    this.isMask = this.name === 'mask';
    this.plot = section.querySelector('.plot');
    this.title = section.querySelector('h4 em');
    this.heading = section.querySelector('h4').firstChild.textContent.trim();
    this.drawn = '';
    this.round = ''; // the run and round that are drawn
    this.isCleared = false; // what is drawn is of a run that was left
    this.motion = null; // of the transition that runs
    this.width = this.height = this.room = 0;
    this.widest = {}; // a run, and the pixels that its trees need for letters of their size
  }

  get isMoving() { return this.motion !== null; }

  measure() {
    ({ clientWidth: this.width, clientHeight: this.height } = this.plot);
    this.room = this.section.clientWidth;
  }

  clear() {
    [this.drawn, this.described, this.isCleared] = ['', null, true];
    this.section.classList.add('empty');
    this.title.textContent = this.title.title = '';
    this.plot.setAttribute('aria-label', '');
  }

  of({ tape, index }) { return tape.rounds[index]?.panels[this.name]; }

  key(wish) {
    const panel = this.of(wish);
    if (!panel) return `${wish.tape.header.run} ${wish.index}`;
    const size = `${this.width}x${this.height}`;
    return [placeOf(wish), changedAt(panel, wish.step), wish.theme, size, ...this.over(wish)].join(' ');
  }

  // What lies over every step of a figure: the mask's is without the attention's mass if one likes.
  over({ tape, isMassless }) { return (this.isMask && isMassless && tape.header.massless) || NONE; }

  isStale(wish) {
    this.describe(wish);
    return Boolean(this.of(wish)) && this.height > 0 && this.key(wish) !== this.drawn;
  }

  // A panel no round of the run knows takes no room; one this round lacks stays empty.
  describe(wish) {
    if (this.described === wish) return;
    this.described = wish;
    const { tape, index } = wish;
    const panel = this.of(wish);
    if (this.isTree) this.widen(panel, tape);
    const isKnown = panel !== undefined || tape.rounds.length === 0 || tape.rounds.some(({ panels }) => this.name in panels);
    const title = panel?.titles?.[wish.step] ?? panel?.title ?? (this.isTree ? wish.words : '');
    this.section.classList.toggle('absent', !isKnown);
    this.section.classList.toggle('empty', isKnown && (!panel || this.isCleared));
    if (this.title.textContent !== title) {
      this.title.textContent = title;
      this.title.title = title; // where there is no room for all of it
    }
    const label = [this.heading, title].filter(Boolean).join(': ');
    if (this.plot.getAttribute('aria-label') !== label) this.plot.setAttribute('aria-label', label);
  }

  // What labels need beside each other, where the panel is narrow; within a run it never shrinks.
  widen(panel, tape) {
    if (this.widest.tape !== tape) this.widest = { tape, width: 0 };
    const width = panel?.figure?.layout.meta?.width ?? 0;
    if (width <= this.widest.width) return;
    this.widest.width = width;
    this.plot.style.setProperty('--least', `${Math.ceil(width * SHRUNK)}px`);
    this.measure();
  }

  draw(library, wish) {
    const panel = this.of(wish);
    const place = placeOf(wish);
    const isSmooth = wish.smooth && this.isTree && !stillness.matches;
    // A tree of another round starts from its root; only what grows within a round moves.
    const isNew = isSmooth && place !== this.round;
    this.round = place;
    this.drawn = isNew ? '' : this.key(wish);
    // What is the same before every round has come with the header.
    const figure = panel.figure ?? wish.tape.header.figures[this.name];
    const { data, layout } = stateAt({ ...panel, figure }, isNew ? -1 : wish.step, wish.palette, this.over(wish));
    Object.assign(layout, this.frame(wish, layout));
    if (this.isCleared) this.section.classList.remove('empty');
    this.isCleared = false;
    if (this.width > this.room) this.follow(data, layout, wish.tape.rounds[wish.index].steps[wish.step]?.level);
    // The configuration once: Plotly measures the panel whenever it is given.
    const react = () => library.react(this.plot, data, layout, this.plot.data ? undefined : CONFIG);
    if (!isSmooth || isNew) return void react();
    layout.transition = { duration: Math.min(SMOOTH_MS, 0.8 * wish.pace), easing: 'cubic-in-out' };
    this.motion = react().finally(() => { this.motion = null; });
  }

  // A figure that is wider than its panel (the tree, on a phone) scrolls along to where one looks:
  // to a node and to its parent; the node's label is whole.
  follow(data, { xaxis, meta, font }, level) {
    if (!level || !meta?.column) return;
    const [from, to] = xaxis.range;
    const [above, x] = [level - 1, level].map((k) => this.plot.offsetLeft + (this.width * (k * meta.column - from)) / (to - from));
    const behavior = stillness.matches ? 'instant' : 'smooth';
    const least = x + Math.max(BESIDE_PX, ahead(data, font.size)) - this.room;
    const left = Math.max(least, Math.min(above - BESIDE_PX, this.section.scrollLeft));
    if (Math.max(0, left) !== this.section.scrollLeft) this.section.scrollTo({ left, behavior });
  }

  // What the page knows and a figure does not: the size of the panel and the theme.
  frame({ palette, template }, { font, meta }) {
    const whole = { ...template.layout?.font, color: palette.ink, ...font };
    const share = Math.min(1, this.height / (meta?.height || 1), this.width / (this.widest.width || 1));
    whole.size = Math.max(Math.min(LEAST_PX, whole.size), whole.size * share);
    return {
      template: structuredClone(template), // Plotly writes into what it is given
      width: this.width,
      height: this.height,
      autosize: false,
      font: whole,
    };
  }
}

// Pixels from a node to the right end of the longest label, which stands beside it or centred below.
function ahead(data, size) {
  const named = data.filter(({ text, textposition }) => text && textposition);
  const lines = named.flatMap(({ text }) => text).flatMap((label) => label.split('<br>'));
  const wide = LETTER * size * Math.max(0, ...lines.map((line) => line.length));
  return MARK_PX + (named.some(({ textposition }) => textposition === 'middle right') ? wide : wide / 2);
}

const placeOf = ({ tape, index }) => `${tape.header.run}/${index}`;
