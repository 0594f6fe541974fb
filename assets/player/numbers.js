// The figures about a whole run: they come with its end, and are drawn only where one sees them.
import { addImages } from './images.js';
import { NumberPanel } from './number_panel.js';
import { plotly } from './plotly.js';

const WAITING = 'These figures fill in when the run is over.';
const task = () => new Promise((resolve) => setTimeout(resolve));

export class Numbers {
  constructor() {
    this.root = null; // the tab's part of the page comes when the tab is first opened
    this.panels = [];
    this.wish = null; // { tape, end, look, theme }
    this.isBusy = false;
    const run = () => this.run();
    this.sizes = new ResizeObserver(run);
    this.sight = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) this.see(target, isIntersecting);
      run();
    }, { rootMargin: '200px' });
    document.addEventListener('numbers', ({ detail }) => this.attach(detail.querySelector('.numbers')));
  }

  show(tape, look, theme) {
    const { wish } = this;
    if (wish?.tape === tape && wish.end === tape.end && wish.theme === theme) return;
    this.wish = { tape, end: tape.end, look, theme };
    this.refresh();
  }

  refresh() {
    if (this.wish) this.describe();
    this.run();
  }

  get isSettled() { return !this.isBusy && !this.stale().length; }

  attach(root) {
    this.root = root;
    root.querySelectorAll('[data-number]').forEach((section) => this.add(section));
    addImages(root, () => this.wish.look.palette);
    if (this.wish) this.describe();
  }

  // A figure in the tab, or elsewhere on the page.
  add(section) {
    const panel = new NumberPanel(section);
    this.panels.push(panel);
    this.sizes.observe(panel.plot);
    this.sight.observe(panel.plot);
  }

  see(plot, isSeen) { for (const panel of this.panels) if (panel.plot === plot) panel.isSeen = isSeen; }

  // Words at once, figures where they are seen; without an end there is nothing to say yet.
  describe() {
    const { tape, end } = this.wish;
    const panels = end?.panels ?? {};
    this.panels.forEach((panel) => panel.describe(panels[panel.name]));
    if (!this.root) return;
    const { label, header: { method, prompt } } = tape.header;
    const [sentence, run] = this.root.querySelectorAll('.verdict > *');
    sentence.textContent = end ? panels.speed_up?.note ?? end.note ?? '' : WAITING;
    sentence.title = (end && panels.speed_up?.note_hover) || '';
    run.textContent = [sentence.title, `${label ?? method} · “${prompt.trim().slice(0, 90)}”`].filter(Boolean).join(' · ');
    this.root.classList.toggle('waiting', !end);
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
