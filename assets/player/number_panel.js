// One figure about a whole run: where it stands on the page, and what is drawn there.
import { painted } from './figure.js';
import { meaning } from './legend.js';

const CONFIG = { displayModeBar: false, doubleClick: false, responsive: false, showTips: false };

export class NumberPanel {
  constructor(section) {
    this.section = section;
    this.plot = section.querySelector('.plot');
    this.isSeen = false;
    this.drawn = []; // panel, theme, width, height
  }

  get name() { return this.section.dataset.number; }

  // Without a panel nothing stays of the run before.
  describe(panel) {
    this.section.classList.toggle('empty', !panel);
    if (!panel) this.drawn = [];
    const title = this.section.querySelector('h4 em');
    title.textContent = title.title = panel?.title ?? '';
    this.section.querySelector('.legend').replaceChildren(...(panel?.legend ?? []).map(meaning));
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
