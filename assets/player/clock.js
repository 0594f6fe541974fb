// The pace of the viewer: how long each step stays, and the timer that asks for the next.
// In true time steps last as long as they were measured; many may pass between two frames.
export const SPEEDS = [0.25, 0.5, 1, 2, 4, 8];
const STAY_MS = { draft: 260, verify: 360, judge: 420, commit: 320, emit: 420 };
const FRAME_MS = 16;

export class Clock {
  constructor({ onTick, onTime }) {
    this.onTick = onTick; // returns the phase it moved to, or nothing where it has to wait
    this.onTime = onTime; // is given milliseconds to spend, returns those it spent, all where it waits
    this.timer = 0;
    this.speed = 1;
    this.isTrue = false;
    this.isRunning = false;
  }

  stay(phase) { return this.isTrue ? 0 : (STAY_MS[phase] ?? 300) / this.speed; }

  start() {
    if (this.isRunning) return;
    this.isRunning = true;
    this.restart();
  }

  stop() {
    this.isRunning = false;
    clearTimeout(this.timer);
  }

  // Goes on at the speed that is set now.
  restart() {
    this.owed = 0;
    this.last = performance.now();
    this.tick();
  }

  tick() {
    clearTimeout(this.timer);
    if (!this.isRunning) return;
    const wait = this.isTrue ? this.spend() : this.step();
    if (this.isRunning) this.timer = setTimeout(() => this.tick(), wait);
  }

  step() {
    const phase = this.onTick();
    return phase ? this.stay(phase) : 100;
  }

  spend() {
    const now = performance.now();
    this.owed += now - this.last;
    this.last = now;
    this.owed -= this.onTime(this.owed);
    return FRAME_MS;
  }
}
