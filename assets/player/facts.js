// The figures that matter, each with its denominator under the pointer, or in it once it is opened.
// Until the first round of a run is over; the cards have their room, or all below them would move.
const UNKNOWN = ['tokens per pass', 'of plain', 'acceptance rate', 'drafted tokens kept', 'where the time goes']
  .map((label) => ({ value: '–', label, hover: 'Known once a round is over' }));

export class Facts {
  constructor(root) {
    this.root = root;
    this.shown = null;
    new ResizeObserver(() => {
      document.documentElement.style.setProperty('--figures', `${root.offsetHeight}px`); // Decode stays above them
    }).observe(root);
    this.opened = -1; // the card that was tapped, or Enter pressed on
    const at = ({ target }) => [...root.children].indexOf(target.closest('#facts .cards > div'));
    root.addEventListener('click', (event) => this.tap(at(event)));
    root.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' && event.key !== ' ') return;
      event.preventDefault();
      this.tap(at(event));
    });
    this.show(UNKNOWN);
  }

  // Cards stay where they are: one of them may have the focus.
  show(known) {
    const facts = known.length ? known : UNKNOWN;
    if (facts === this.shown) return;
    this.shown = facts;
    while (this.root.children.length > facts.length) this.root.lastChild.remove();
    while (this.root.children.length < facts.length) this.root.append(card());
    facts.forEach((fact, at) => tell(this.root.children[at], fact, at === this.opened));
  }

  tap(at) {
    const { shown } = this;
    this.opened = at === this.opened ? -1 : at;
    this.shown = null;
    if (shown) this.show(shown);
  }
}

function card() {
  const box = document.createElement('div');
  box.tabIndex = 0;
  box.setAttribute('role', 'button');
  box.append(document.createElement('b'), document.createElement('small'));
  return box;
}

function tell(box, { value, label, hover = '' }, isOpened) {
  const [number, words] = box.children;
  number.textContent = value;
  words.textContent = label;
  box.querySelector('.hint')?.remove();
  if (isOpened) box.append(Object.assign(document.createElement('small'), { className: 'hint', textContent: hover }));
  box.title = hover;
  box.setAttribute('aria-label', `${value} ${label}. ${hover}`);
  box.setAttribute('aria-expanded', isOpened);
}
