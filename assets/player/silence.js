// Work of the server's from which nothing comes any more: is it gone?  That is said then, and what
// was told until then stands.
export const SILENT_MS = 4000; // a round of a large model takes less, as a rule; else one question more is asked
const GONE = 'The server does not answer any more. What it decoded until then stands here.';

export class Silence {
  // ``isWaiting()``: more is to come; ``onGone(words)``: nothing will.
  constructor(isWaiting, onGone) {
    this.isWaiting = isWaiting;
    this.onGone = onGone;
    this.timer = 0;
    this.count = 0; // of what was heard
  }

  // To be told of everything that arrives.
  heard() {
    this.count += 1;
    clearTimeout(this.timer);
    if (this.isWaiting()) this.timer = setTimeout(() => this.ask(), SILENT_MS);
  }

  async ask() {
    const { count } = this;
    try {
      const { status } = await fetch(new URL('own/traces', document.baseURI), { method: 'HEAD', cache: 'no-store' });
      if (status >= 500) throw new Error(`${status}`); // a proxy answers for a server that is gone
      this.heard();
    } catch {
      if (count === this.count && this.isWaiting()) this.onGone(GONE);
    }
  }
}
