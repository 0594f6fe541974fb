// What stands beside the stage in a lesson: the list, or a stop's text, numbers and question.
import { showByPointer } from './lesson_pointer.js';
import { Question } from './lesson_question.js';

export class Drawer {
  constructor(root, lessons) {
    const part = (selector) => root.querySelector(selector);
    this.root = root;
    this.lessons = lessons;
    this.parts = {
      name: part('.name'), all: part('.all'), wrong: part('.wrong'), list: part('.list'), article: part('article'),
      lecture: part('h1'), place: part('.place'), title: part('h2'), said: part('.said'), table: part('table'),
      nav: part('nav'), dots: part('.dots'), back: part('.back'), next: part('.next'),
    };
    this.question = new Question(part('.question'), (verdict) => lessons.predict(verdict));
    const press = (selector, action) => part(selector).addEventListener('click', action);
    press('.all', () => lessons.showList());
    press('.close', () => lessons.close());
    press('.back', () => lessons.step(-1));
    press('.next', () => lessons.step(1));
    press('.again', () => lessons.play());
    press('.lecture', () => lessons.setLecture(!lessons.isLecture));
    showByPointer(this.parts.nav);
    this.shown = '';
  }

  wait() { this.complain(''); }

  nameLecture(isOn) {
    const [textContent, title] = isOn ? ['leave', 'leave the lecture view (Esc)'] : ['lecture view', 'large type, for a room (v)'];
    Object.assign(this.root.querySelector('.more .lecture'), { textContent, title });
  }

  complain(text) {
    this.parts.wrong.textContent = text;
    this.root.classList.toggle('complains', Boolean(text));
  }

  showList(rows, problem) {
    const { name, list } = this.parts;
    this.turn(true);
    this.shown = '';
    name.textContent = 'Lessons';
    list.replaceChildren(...rows.map((row) => entry(row, () => this.lessons.open(row.number))));
    this.complain(problem);
    list.querySelector('button:enabled')?.focus({ preventScroll: true });
  }

  show({ lesson, at, stop, answer, score, next }) {
    const { name, lecture, place, title, said, table, dots, back } = this.parts;
    const isNew = this.shown !== `${lesson.number}/${at}`;
    const [isFromList, isFromDots] = [this.parts.list, dots].map((part) => part.contains(document.activeElement));
    this.shown = `${lesson.number}/${at}`;
    this.turn(false);
    if (isNew) this.complain('');
    name.textContent = lecture.textContent = lesson.title;
    place.textContent = `Lesson ${lesson.number} · stop ${at + 1} of ${lesson.stops.length}`;
    title.textContent = stop.title;
    if (said.textContent !== stop.text) said.textContent = stop.text;
    table.replaceChildren(...stop.table.map(row));
    this.question.show(stop.ask, answer, score);
    dots.replaceChildren(...lesson.stops.map((other, index) => dot(other, index, index === at, () => this.lessons.go(index))));
    back.disabled = at === 0;
    const isLast = at + 1 === lesson.stops.length;
    this.parts.next.textContent = !isLast ? 'next ›' : next ? 'next lesson ›' : 'all lessons';
    if (isFromList) title.focus({ preventScroll: true });
    if (isFromDots) dots.children[at].firstChild.focus();
    if (isNew) this.root.scrollTop = 0;
  }

  turn(isList) {
    const { all, list, article, nav } = this.parts;
    all.hidden = article.hidden = nav.hidden = isList;
    list.hidden = !isList;
  }
}

function entry({ number, title, about, stops, problem }, onOpen) {
  const item = document.createElement('li');
  const button = made('button', '', { type: 'button', disabled: Boolean(problem) });
  button.append(made('b', number ? `${number}  ${title}` : title), made('span', about));
  button.append(made('small', problem || `${stops} stops`, { className: problem ? 'problem' : '' }));
  button.addEventListener('click', onOpen);
  item.append(button);
  return item;
}

function row([name, value]) {
  const line = document.createElement('tr');
  line.append(made('th', name, { scope: 'row' }), made('td', value));
  return line;
}

function dot({ title }, index, isHere, onPick) {
  const item = document.createElement('li');
  const button = made('button', '', { type: 'button', title: `${index + 1}: ${title}` });
  button.setAttribute('aria-label', `stop ${index + 1}: ${title}`);
  if (isHere) button.setAttribute('aria-current', 'step');
  button.addEventListener('click', onPick);
  item.append(button);
  return item;
}

const made = (kind, text, more = {}) => Object.assign(document.createElement(kind), { textContent: text, ...more });
