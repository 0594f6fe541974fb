// The figures about a whole run: they come with its end, and are drawn only where one sees them.
import { painted } from './figure.js';
import { addImages } from './images.js';
import { plotly } from './plotly.js';

const CONFIG = { displayModeBar: false, doubleClick: false, responsive: false, showTips: false };
const WAITING = 'These figures fill in when the run is over.';
const task = () => new Promise((resolve) => setTimeout(resolve));

export class Numbers {
  constructor() {
    this.root = null; // the tab's part of the page comes when the tab is first opened
    this.panels = [];
    this.wish = null; // { tape, end, look, theme }
    this.isBusy = false;
    document.addEventListener('numbers', ({ detail }) => this.attach(detail.querySelector('.numbers')));
  }

  show(tape, look, theme) {
    const { wish } = this;
    if (wish?.tape === tape && wish.end === tape.end && wish.theme === theme) return;
    this.wish = { tape, end: tape.end, look, theme };
    if (this.root) this.describe();
    this.run();
  }

  get isSettled() { return !this.isBusy && !this.stale().length; }

  attach(root) {
    this.root = root;
    this.panels = [...root.querySelectorAll('[data-number]')].map((section) => new Panel(section));
    const run = () => this.run();
    const sizes = new ResizeObserver(run);
    const sight = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) this.see(target, isIntersecting);
      run();
    }, { rootMargin: '200px' });
    addImages(root, () => this.wish.look.palette);
    this.panels.forEach(({ plot }) => { sizes.observe(plot); sight.observe(plot); });
    if (this.wish) this.describe();
  }

  see(plot, isSeen) { for (const panel of this.panels) if (panel.plot === plot) panel.isSeen = isSeen; }

  // Words at once, figures where they are seen; without an end there is nothing to say yet.
  describe() {
    const { tape, end } = this.wish;
    const panels = end?.panels ?? {};
    const { method, prompt } = tape.header.header;
    const [sentence, run] = this.root.querySelectorAll('.verdict > *');
    sentence.textContent = end ? panels.speed_up?.note ?? '' : WAITING;
    sentence.title = (end && panels.speed_up?.note_hover) || '';
    run.textContent = [sentence.title, `${method} · “${prompt.trim().slice(0, 90)}”`].filter(Boolean).join(' · ');
    this.root.classList.toggle('waiting', !end);
    this.panels.forEach((panel) => panel.describe(panels[panel.name]));
  }

  stale() {
    const end = this.wish?.end;
    return end ? this.panels.filter((panel) => panel.isStale(end.panels?.[panel.name], this.wish)) : [];
  }

  // One figure a task, so that the page answers in between.
  async run() {
    if (this.isBusy || !this.stale().length) return;
    this.isBusy = true;
    try {
      const library = await plotly();
      for (let [panel] = this.stale(); panel; [panel] = this.stale()) {
        panel.draw(library, this.wish);
        await task();
      }
    } finally { this.isBusy = false; }
  }
}

class Panel {
  constructor(section) {
    this.section = section;
    this.name = section.dataset.number;
    this.plot = section.querySelector('.plot');
    this.isSeen = false;
    this.drawn = []; // panel, theme, width, height
  }

  describe(panel) {
    const title = this.section.querySelector('h4 em');
    title.textContent = title.title = panel?.title ?? '';
    this.section.querySelector('.legend').replaceChildren(...(panel?.legend ?? []).map(entry));
    this.plot.setAttribute('aria-label', `${this.section.querySelector('h4').textContent}. ${panel?.note ?? ''}`);
  }

  state(panel, { theme }) { return [panel, theme, this.plot.clientWidth, this.plot.clientHeight]; }

  isStale(panel, wish) {
    if (!panel || !this.isSeen || !this.plot.clientHeight) return false;
    return this.state(panel, wish).some((value, i) => value !== this.drawn[i]);
  }

  draw(library, wish) {
    const panel = wish.end.panels[this.name];
    this.drawn = this.state(panel, wish);
    const [, , width, height] = this.drawn;
    const { palette, template } = wish.look;
    const { data, layout } = painted(structuredClone(panel.figure), palette);
    const font = { ...template.layout?.font, color: palette.ink };
    Object.assign(layout, { template: structuredClone(template), width, height, autosize: false, font });
    library.react(this.plot, data, layout, this.plot.data ? undefined : CONFIG);
  }
}

function entry({ role, symbol, label }) {
  const item = document.createElement('li');
  const mark = document.createElement('i');
  mark.className = symbol;
  const [name, alpha] = role.split('/');
  mark.style.setProperty('--role', `var(--${name})`);
  if (alpha) mark.style.opacity = alpha;
  item.append(mark, label);
  return item;
}
