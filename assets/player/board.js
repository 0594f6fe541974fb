// Draws the panels that are figures, one at a time: the tree first, the others where the newest
// wish still stands a frame later. A panel whose state has not changed is left alone.
import { Panel } from './panel.js';
import { plotly } from './plotly.js';

const frame = () => new Promise(requestAnimationFrame);
const task = () => new Promise((resolve) => setTimeout(resolve));

export class Board {
  constructor(root) {
    this.panels = [...root.querySelectorAll('[data-panel]')].map((section) => new Panel(section));
    this.wish = null; // { tape, index, step, smooth, theme, palette }
    this.isBusy = false;
    this.drawings = 0; // of the tree
    const sizes = new ResizeObserver((entries) => {
      for (const { target } of entries) this.panels.find(({ plot }) => plot === target).measure();
      this.run();
    });
    this.panels.forEach((panel) => sizes.observe(panel.plot));
  }

  show(wish) {
    this.wish = wish;
    this.run();
  }

  // Nothing of the last run shows while the next one's first round is waited for.
  clear() {
    this.wish = null;
    this.panels.forEach((panel) => panel.clear());
  }

  get isSettled() { return !this.isBusy && !(this.wish && this.panels.some((panel) => panel.isStale(this.wish))); }

  async run() {
    if (this.isBusy || !this.wish) return;
    this.isBusy = true;
    try { await this.drawAll(await plotly()); } finally { this.isBusy = false; }
  }

  async drawAll(library) {
    for (;;) {
      const { wish } = this;
      if (!wish) return;
      const stale = this.panels.filter((panel) => panel.isStale(wish));
      if (!stale.length) {
        const moving = this.panels.find(({ isMoving }) => isMoving);
        if (!moving) return;
        await moving.motion;
        continue;
      }
      const panel = stale.find(({ isMoving }) => !isMoving);
      if (!panel) { await stale[0].motion; continue; }
      panel.draw(library, wish);
      if (panel.isTree) this.drawings += 1;
      // While something moves every frame counts; a hand that scrubs asks again with the next one.
      await (panel.isTree || wish.smooth ? frame() : task());
    }
  }
}
