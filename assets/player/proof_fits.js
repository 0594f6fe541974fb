// The counts at each place: bars by Plotly, the numbers below; the newest message wins.
import { painted } from './figure.js';
import { plotly } from './plotly.js';
import { theme } from './theme.js';

const CONFIG = { displayModeBar: false, doubleClick: false, responsive: false, showTips: false };

// As long as drawing took: what has arrived meanwhile is heard, and only the newest of it drawn.
const rest = (ms) => new Promise((done) => setTimeout(done, ms));

export class Fits {
  constructor(root) {
    this.root = root;
    this.look = null;
    this.places = [];
    this.drawn = null; // what is on the screen
    this.isBusy = false;
    new MutationObserver(() => this.again()).observe(document.body, { attributes: true, attributeFilter: ['class'] });
    new ResizeObserver(() => this.again()).observe(root);
  }

  clear(look) {
    this.look = look;
    this.places = [];
    this.root.replaceChildren();
  }

  show(places) {
    this.places = places;
    this.draw();
  }

  again() {
    this.drawn = null;
    this.draw();
  }

  get isDrawn() { return this.places.length > 0 && this.drawn === this.places && !this.isBusy; }

  async draw() {
    if (this.isBusy) return;
    this.isBusy = true;
    try {
      const library = await plotly();
      while (this.drawn !== this.places && this.places.length && this.root.clientWidth) {
        const { places } = this, start = performance.now();
        for (const place of places) await this.one(library, place);
        for (const section of this.root.children) section.hidden = !places.some(({ place }) => place === section.dataset.place);
        this.drawn = places;
        await new Promise(requestAnimationFrame);
        await rest(performance.now() - start);
      }
    } finally { this.isBusy = false; }
  }

  async one(library, { place, title, refuted, facts, figure }) {
    const section = this.section(place, title);
    section.classList.toggle('refuted', refuted);
    section.querySelector('.facts').replaceChildren(...facts.map(fact));
    const plot = section.querySelector('.plot');
    plot.setAttribute('aria-label', `${title}: ${facts.map(({ value, label }) => `${label} ${value}`).join(', ')}`);
    const palette = this.look.palette[theme()];
    const { data, layout } = painted(structuredClone(figure), palette);
    const template = painted(structuredClone(this.look.template), palette);
    // Upright labels where they would run into each other.
    const letters = Math.max(0, ...layout.xaxis.ticktext.map((text) => text.length));
    if (plot.clientWidth / layout.xaxis.tickvals.length < 7 * letters) Object.assign(layout, { margin: { ...layout.margin, b: 8 + 7 * letters }, xaxis: { ...layout.xaxis, tickangle: -90 } });
    Object.assign(layout, { template, width: plot.clientWidth, height: plot.clientHeight, autosize: false });
    await library.react(plot, data, layout, plot.data ? undefined : CONFIG);
  }

  section(place, title) {
    const known = this.root.querySelector(`[data-place="${place}"]`);
    if (known) return known;
    const section = document.createElement('section');
    section.dataset.place = place;
    section.innerHTML = '<h3></h3><div class="plot" role="img"></div><dl class="facts"></dl>';
    section.querySelector('h3').textContent = title;
    this.root.append(section);
    return section;
  }
}

function fact({ value, label, hover }) {
  const box = document.createElement('div');
  box.title = hover;
  box.tabIndex = 0;
  const word = document.createElement('dt');
  const number = document.createElement('dd');
  word.textContent = label;
  number.textContent = value;
  number.setAttribute('aria-label', `${value}, ${hover}`);
  box.append(word, number);
  return box;
}
