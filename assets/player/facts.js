// The figures that matter, each with its denominator under the pointer.
export class Facts {
  constructor(root) {
    this.root = root;
    this.shown = null;
  }

  show(facts) {
    if (facts === this.shown) return;
    this.shown = facts;
    this.root.replaceChildren(...facts.map(card));
    this.root.classList.toggle('empty', !facts.length);
  }
}

function card({ value, label, hover }) {
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
  return box;
}
