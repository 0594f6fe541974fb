// The one clock of a race: gives what has passed since the frame before, at the viewer's speed.
export class Timer {
  constructor(onTick) {
    this.onTick = onTick;
    this.speed = 1;
    this.frame = 0;
  }

  get isRunning() { return this.frame !== 0; }

  start() {
    if (this.isRunning) return;
    let before = performance.now();
    const tick = (now) => {
      this.frame = requestAnimationFrame(tick);
      const passed = Math.max(0, now - before) / 1000;
      before = now;
      this.onTick(passed * this.speed);
    };
    this.frame = requestAnimationFrame(tick);
  }

  stop() {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
  }
}
