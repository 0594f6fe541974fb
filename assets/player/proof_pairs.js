// Both texts token by token: the method's above, plain decoding's below, a tick between.
export class Pairs {
  constructor(root) {
    this.root = root;
    this.clear();
  }

  clear() {
    this.cells = [];
    this.root.replaceChildren();
  }

  add({ side, start, tokens }) {
    for (const [place, [token, text, origin]] of tokens.entries()) {
      const cell = this.cell(start + place);
      const word = cell.querySelector(`.${side}`);
      word.textContent = text;
      word.style.setProperty('--role', `var(--${origin})`);
      word.title = `${side === 'plain' ? 'plain decoding' : 'the method'}: ${origin}`;
      cell[side] = token;
      this.judge(cell);
    }
  }

  cell(index) {
    if (this.cells[index]) return this.cells[index];
    const cell = document.createElement('span');
    cell.className = 'pair';
    for (const name of ['method', 'tick', 'plain']) {
      cell.append(Object.assign(document.createElement('span'), { className: name }));
    }
    this.cells.push(cell);
    this.root.append(cell);
    return cell;
  }

  judge(cell) {
    if (cell.method === undefined || cell.plain === undefined) return;
    const isSame = cell.method === cell.plain;
    cell.classList.add(isSame ? 'same' : 'other');
    cell.querySelector('.tick').textContent = isSame ? '✓' : '≠';
  }

  finish(difference) {
    const cell = this.cells[difference];
    if (!cell) return;
    cell.classList.add('first', 'other');
    cell.querySelector('.tick').textContent = '≠';
    this.root.scrollTop = Math.max(0, cell.offsetTop - this.root.offsetTop - 40);
  }
}
