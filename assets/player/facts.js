// The figures that matter, each with its denominator under the pointer, or in it once it is tapped.
export class Facts {
  constructor(root) {
    this.root = root;
    this.shown = null;
    this.opened = -1; // the card that was tapped
    root.addEventListener('click', ({ target }) => this.tap([...root.children].indexOf(target.closest('#facts .cards > div'))));
  }

  show(facts) {
    if (facts === this.shown) return;
    this.shown = facts;
    this.root.replaceChildren(...facts.map((fact, at) => card(fact, at === this.opened)));
    this.root.classList.toggle('empty', !facts.length);
  }

  tap(at) {
    const { shown } = this;
    this.opened = at === this.opened ? -1 : at;
    this.shown = null;
    if (shown) this.show(shown);
  }
}

function card({ value, label, hover }, isOpened) {
  const box = document.createElement('div');
  const number = document.createElement('b');
  const words = document.createElement('small');
  number.textContent = value;
  words.textContent = label;
  box.title = hover ?? '';
  box.tabIndex = 0;
  box.setAttribute('role', 'group');
  box.setAttribute('aria-label', `${value} ${label}. ${hover ?? ''}`);
  box.append(number, words);
  if (isOpened) box.append(Object.assign(document.createElement('small'), { className: 'hint', textContent: hover ?? '' }));
  return box;
}
