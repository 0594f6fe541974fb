// Draws the panels that are figures: one drawing at a time, the newest wish wins, and a panel
// whose state has not changed is left alone.
import { changedAt, stateAt, painted } from './figure.js';
import { plotly } from './plotly.js';

const CONFIG = { displayModeBar: false, doubleClick: false, responsive: false, showTips: false };
const SMOOTH_MS = 220;
const stillness = matchMedia('(prefers-reduced-motion: reduce)');
const frame = () => new Promise(requestAnimationFrame);

export class Board {
  constructor(root) {
    this.panels = [...root.querySelectorAll('[data-panel]')].map((section) => new Panel(section));
    this.wish = null; // { tape, index, step, smooth, theme, palette }
    this.isBusy = false;
    this.drawings = 0;
    const sizes = new ResizeObserver(() => this.run());
    this.panels.forEach((panel) => sizes.observe(panel.plot));
  }

  show(wish) {
    this.wish = wish;
    this.panels.forEach((panel) => panel.describe(wish));
    this.run();
  }

  get isSettled() { return !this.isBusy && !this.panels.some((panel) => panel.isStale(this.wish)); }

  async run() {
    if (this.isBusy || !this.wish) return;
    this.isBusy = true;
    try { await this.drawAll(await plotly()); } finally { this.isBusy = false; }
  }

  async drawAll(library) {
    for (let turn = 0; ; turn++) {
      const stale = this.panels.filter((panel) => panel.isStale(this.wish));
      if (!stale.length) break;
      // The tree with every drawing, the others in turn.
      const others = stale.filter((panel) => panel.name !== 'tree');
      const chosen = stale.filter((panel) => panel.name === 'tree');
      if (others.length) chosen.push(others[turn % others.length]);
      for (const panel of chosen) await panel.draw(library, this.wish);
      this.drawings += 1;
      await frame();
    }
  }
}

class Panel {
  constructor(section) {
    this.section = section;
    this.name = section.dataset.panel;
    this.plot = section.querySelector('.plot');
    this.title = section.querySelector('h4 em');
    this.drawn = '';
    this.round = '';
  }

  of({ tape, index }) { return tape.rounds[index]?.panels[this.name]; }

  // A panel no round of the run knows takes no room; one this round lacks stays empty.
  describe(wish) {
    const panel = this.of(wish);
    const isKnown = wish.tape.rounds.length === 0 || wish.tape.rounds.some((round) => this.name in round.panels);
    this.section.classList.toggle('absent', !isKnown);
    this.section.classList.toggle('empty', isKnown && !panel);
    this.title.textContent = panel?.title ?? (this.name === 'tree' ? wish.words : '');
    this.plot.setAttribute('aria-label', wish.tape.rounds[wish.index]?.says ?? '');
  }

  key(wish) {
    const panel = this.of(wish);
    if (!panel) return '';
    const place = `${wish.tape.header.run}/${wish.index}`;
    const size = `${this.plot.clientWidth}x${this.plot.clientHeight}`;
    return [place, changedAt(panel, wish.step), wish.theme, size].join(' ');
  }

  isStale(wish) { return Boolean(this.of(wish)) && this.plot.clientHeight > 0 && this.key(wish) !== this.drawn; }

  async draw(library, wish) {
    const panel = this.of(wish);
    const round = `${wish.tape.header.run}/${wish.index}`;
    const isSmooth = wish.smooth && !stillness.matches && this.name === 'tree';
    this.drawn = this.key(wish);
    // A tree of another round starts from its root; only what grows within a round moves.
    if (isSmooth && round !== this.round) await this.react(library, stateAt(panel, -1, wish.palette), wish, 0);
    this.round = round;
    await this.react(library, stateAt(panel, wish.step, wish.palette), wish, isSmooth ? SMOOTH_MS : 0);
  }

  react(library, { data, layout }, { palette, pace, template }, duration) {
    Object.assign(layout, {
      template: structuredClone(template),
      width: this.plot.clientWidth,
      height: this.plot.clientHeight,
      autosize: false,
      dragmode: false,
      paper_bgcolor: 'rgba(0,0,0,0)',
      plot_bgcolor: 'rgba(0,0,0,0)',
      font: { ...template?.layout?.font, color: palette.ink, ...layout.font },
    });
    if (duration) layout.transition = { duration: Math.min(duration, pace), easing: 'cubic-in-out' };
    return library.react(this.plot, data, layout, CONFIG);
  }
}
