// Where the stage stands below what is said, it would jump with every word that comes or goes: the
// room that words have had there stays theirs, until a recorded run is opened or the screen turned.
export class Told {
  constructor(box) {
    this.box = box;
    this.most = this.width = 0;
    new ResizeObserver(() => this.keep()).observe(box);
  }

  keep() {
    const { width, height } = this.box.getBoundingClientRect();
    if (width !== this.width) {
      this.width = width;
      this.forget();
    } else this.set(Math.max(this.most, height));
  }

  forget() {
    this.set(0);
    this.set(this.box.getBoundingClientRect().height); // what stands there now
  }

  set(height) {
    this.most = height;
    document.documentElement.style.setProperty('--told', `${height}px`);
  }
}
