// The fixed parts of a lane: its row among the tracks and its column of text.
export function track(index, label, settings) {
  const row = element('section', 'track');
  row.dataset.lane = index;
  const rounds = element('div', 'rounds'), done = element('div', 'done'), road = element('div', 'road');
  done.append(rounds);
  road.append(done);
  road.setAttribute('role', 'img');
  road.setAttribute('aria-label', `${label}: tokens so far, a mark a pass`);
  const name = element('div', 'name');
  name.append(element('b', '', label), element('small', '', settings));
  row.append(name, road, number('rate', 'tokens/s'), number('mean', 'tokens per pass'), element('span', 'place'));
  return row;
}

export function column(index, label, settings, onOpen) {
  const lane = element('section', 'lane');
  lane.dataset.lane = index;
  const head = element('header'), open = element('button', 'open', 'open on the stage');
  open.type = 'button';
  open.disabled = true; // until the lane has its end: the stage would wait for it
  open.addEventListener('click', onOpen);
  head.append(element('b', '', label), element('small', '', settings));
  const foot = element('footer');
  foot.append(element('p', 'difference'), open);
  const tree = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  tree.setAttribute('aria-hidden', 'true');
  tree.setAttribute('preserveAspectRatio', 'xMinYMid meet');
  const text = element('div', 'text'), title = element('h4'), words = element('div', 'words');
  words.tabIndex = 0;
  words.dir = 'auto';
  words.setAttribute('role', 'group');
  words.setAttribute('aria-label', `text of ${label}`);
  title.append(element('em'));
  text.append(title, words);
  lane.append(head, tree, element('p', 'phase'), text, foot);
  return lane;
}

function number(name, label) {
  const box = element('span', 'number');
  box.tabIndex = 0;
  box.setAttribute('role', 'img'); // so that its label is read
  box.append(element('b', name, '–'), element('small', '', label));
  return box;
}

function element(name, className = '', text = '') {
  return Object.assign(document.createElement(name), { className, textContent: text });
}
