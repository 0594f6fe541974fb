// The keys of lessons. They are asked before the player's: in the lecture view arrows mean stops.
const EVERYWHERE = {
  n: ['next stop of the lesson, or the lessons', (lessons) => lessons.step(1)],
  p: ['previous stop', (lessons) => lessons.lesson && lessons.step(-1)],
  v: ['lecture view, and back', (lessons) => lessons.lesson && lessons.setLecture(!lessons.isLecture)],
  a: ['', (lessons) => lessons.predict('accepted')],
  r: ['', (lessons) => lessons.predict('rejected')],
  Escape: ['leave the lecture view, close the lessons', (lessons) => (lessons.isLecture ? lessons.setLecture(false) : lessons.close())],
};
const LECTURE = {
  ArrowRight: (lessons) => lessons.step(1),
  PageDown: (lessons) => lessons.step(1),
  ArrowLeft: (lessons) => lessons.step(-1),
  PageUp: (lessons) => lessons.step(-1),
  ArrowDown: (lessons) => lessons.player.stepPhase(1),
  ArrowUp: (lessons) => lessons.player.stepPhase(-1),
  ' ': (lessons) => lessons.play(),
  Home: (lessons) => lessons.go(0),
  End: (lessons) => lessons.go(lessons.lesson.stops.length - 1),
};

export function listenToLessons(lessons) {
  window.addEventListener('keydown', (event) => {
    if (lessons.house.offsetParent === null) return; // another tab is in sight
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event)) return;
    const action = actionOf(event.key, lessons);
    if (!action) return;
    event.preventDefault();
    event.stopPropagation();
    action(lessons);
  }, true);
  const told = Object.entries(EVERYWHERE).filter(([, [words]]) => words);
  document.querySelector('#keys table').append(...told.map(([key, [words]]) => row(key, words)),
    row('a or r', 'where a lesson asks: accepted, rejected'), row('→ ←', 'in the lecture view: stops'), row('↓ ↑', 'in the lecture view: phases'));
}

function actionOf(key, lessons) {
  if (lessons.isLecture && lessons.lesson && LECTURE[key]) return LECTURE[key];
  if (!lessons.isOpen) return key === 'n' ? EVERYWHERE.n[1] : null;
  if ((key === 'a' || key === 'r') && !lessons.stop?.ask) return null;
  return EVERYWHERE[key]?.[1];
}

// Whoever types, chooses or presses a focused button means that, not the lesson.
const isTyping = ({ target, key }) => Boolean(target.closest?.('dialog, input:not(.scrub), textarea, select, [contenteditable], [role="listbox"]')
  || (key === ' ' && target.closest?.('button, summary, a, [role="tab"], [role="button"]')));

function row(key, words) {
  const line = document.createElement('tr');
  const [name, cell] = [document.createElement('th'), document.createElement('td')];
  name.append(Object.assign(document.createElement('kbd'), { textContent: key === 'Escape' ? 'Esc' : key }));
  cell.textContent = words;
  line.append(name, cell);
  return line;
}
