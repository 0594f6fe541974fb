// The text panel: a span a round, shown once the playhead has emitted it. What the decoder
// has written beyond the playhead stands faint (live runs only, by the style sheet).

const ROUNDED = 0.1; // of a line: more than a browser rounds where it scrolls to

export class Text {
  constructor(section, onPick) {
    this.section = section;
    this.body = section.querySelector('.words');
    this.prompt = section.querySelector('h4 em');
    this.run = section.querySelector('h4 .run'); // a lane of a race has its own heading
    this.spans = [];
    this.shown = 0; // rounds that the playhead has emitted
    this.isWhole = true; // whether the last of them is the one in hand, or one after it is
    this.asked = 0; // a frame in which to scroll: to measure at once costs a layout
    new ResizeObserver(() => this.follow()).observe(this.body); // the round in hand stays in sight
    this.body.addEventListener('click', (event) => {
      const round = event.target.closest('[data-round]');
      if (round) onPick(Number(round.dataset.round));
    });
  }

  clear(header) {
    this.body.replaceChildren();
    this.spans = [];
    this.shown = 0;
    this.section.dataset.source = header.source;
    this.prompt.textContent = `“${header.header.prompt.trim()}”`;
    this.prompt.title = header.header.prompt;
    if (this.run) this.run.textContent = [header.label, ...header.settings ?? []].filter(Boolean).join(' · ');
  }

  add(round) {
    const whole = document.createElement('span');
    whole.dataset.round = round.index;
    whole.className = 'round ahead';
    whole.title = `round ${round.index + 1}`;
    whole.append(...inHand((round.panels.text?.spans ?? []).map(word)));
    this.spans.push(whole);
    this.body.append(whole);
  }

  // Rounds before `count` are emitted; the last of them is the one in hand, unless the next one
  // is under way: that has no words yet to box.
  show(count, isWhole = true) {
    if (count === this.shown && isWhole === this.isWhole && count > 0) return;
    this.isWhole = isWhole;
    const low = Math.max(0, Math.min(count, this.shown) - 1), high = Math.max(count, this.shown);
    for (let index = low; index < high; index++) {
      this.spans[index].classList.toggle('ahead', index >= count);
      this.spans[index].classList.toggle('now', isWhole && index === count - 1);
    }
    this.shown = count;
    cancelAnimationFrame(this.asked);
    this.asked = requestAnimationFrame(() => this.follow());
  }

  // Scrolls this panel only, by whole lines; scrollIntoView would move the page of a phone.
  follow() {
    const { body } = this, span = this.spans[this.shown - 1];
    if (!span) { body.scrollTop = 0; return; }
    const line = parseFloat(getComputedStyle(body).lineHeight);
    const seen = line * Math.floor(body.getBoundingClientRect().height / line); // the mask shows whole ones
    const low = span.offsetTop, over = low + span.offsetHeight - seen;
    const top = Math.max(over, Math.min(low, body.scrollTop));
    const lines = Math.floor(top / line + ROUNDED); // also where a panel that grew has moved the text
    body.scrollTop = line * (line * (lines + ROUNDED) < over ? lines + 1 : lines);
  }
}

// The box of the round in hand stands round its words from the first letter to the last: around
// blanks it would be an empty one, at the end of a line.
function inHand(words) {
  const isLetters = ({ textContent }) => textContent.trim() !== '';
  const first = words.findIndex(isLetters), last = words.findLastIndex(isLetters);
  if (first < 0) return words;
  const hand = document.createElement('span');
  hand.className = 'hand';
  hand.append(...words.slice(first, last + 1));
  const before = blanks(words[first], /^\s+/, 'lead'), after = blanks(words[last], /\s+$/, 'tail');
  return [...words.slice(0, first), ...before, hand, ...after, ...words.slice(last + 1)];
}

// The blanks a word begins or ends with, taken from it: no word of its own, for those are counted.
function blanks(word, where, name) {
  const [found] = word.textContent.match(where) ?? [];
  if (!found || word.matches('s')) return [];
  const part = Object.assign(document.createElement('i'), { className: `word ${name}`, textContent: found });
  part.style.setProperty('--role', word.style.getPropertyValue('--role'));
  word.textContent = word.textContent.replace(where, '');
  return [part];
}

function word([text, role, struck]) {
  const span = document.createElement(struck ? 's' : 'span');
  span.className = 'word';
  if (struck) span.dir = 'auto'; // its own: which way the text runs is not for what was rejected to say
  if (role) span.style.setProperty('--role', `var(--${role})`);
  span.dataset.role = role ?? '';
  span.textContent = struck ? visible(text) : text;
  return span;
}

// A struck token stays on its line whatever it holds.
const visible = (text) => text.replace(/\n/g, '⏎').replace(/^\s+|\s+$/g, (space) => ' '.repeat(Math.min(space.length, 1)));
