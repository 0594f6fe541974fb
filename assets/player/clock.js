// The pace of the viewer: how long each step stays, and the timer that asks for the next.
export const SPEEDS = [0.25, 0.5, 1, 2, 4, 8];
const STAY_MS = { draft: 260, verify: 360, judge: 420, commit: 320, emit: 420 };

export class Clock {
  constructor(onTick) {
    this.onTick = onTick; // returns the phase it moved to, or nothing where it has to wait
    this.timer = 0;
    this.speed = 1;
    this.isRunning = false;
  }

  stay(phase) { return (STAY_MS[phase] ?? 300) / this.speed; }

  start() {
    if (this.isRunning) return;
    this.isRunning = true;
    this.tick();
  }

  stop() {
    this.isRunning = false;
    clearTimeout(this.timer);
  }

  tick() {
    clearTimeout(this.timer);
    if (!this.isRunning) return;
    const phase = this.onTick();
    if (this.isRunning) this.timer = setTimeout(() => this.tick(), phase ? this.stay(phase) : 100);
  }
}
