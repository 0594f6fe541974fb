// A live run from which nothing comes any more: is the server gone?  Then the run ends where it is,
// and that is said; what was decoded stands, and can be saved.
const SILENT_MS = 4000; // a round of a large model takes less, as a rule; else one question more is asked
const GONE = 'The server does not answer any more. What it decoded until then stands here and can be saved.';

export class Silence {
  constructor(player) {
    this.player = player;
    this.timer = 0;
  }

  // To be told of everything that arrives.
  heard() {
    clearTimeout(this.timer);
    if (this.isLive) this.timer = setTimeout(() => this.ask(), SILENT_MS);
  }

  get isLive() {
    const { tape } = this.player;
    return Boolean(tape?.isLive && !tape.end);
  }

  async ask() {
    const { tape } = this.player;
    try {
      await fetch(new URL('own/traces', document.baseURI), { method: 'HEAD', cache: 'no-store' });
      this.heard();
    } catch {
      if (tape !== this.player.tape || !this.isLive) return;
      tape.close({ kind: 'end', record: null, note: GONE });
      this.player.show(false);
      this.player.notice(GONE, true);
    }
  }
}
