// Predict the verdict: p, q and the uniform before it, why it fell and the score after it.
import { share } from './share.js';

export class Question {
  constructor(root, onChoose) {
    this.root = root;
    this.laws = root.querySelector('.laws');
    this.choice = root.querySelector('.choice');
    this.told = root.querySelector('.told');
    this.choice.addEventListener('click', ({ target }) => { if (target.value) onChoose(target.value); });
  }

  show(ask, answer, score) {
    this.root.hidden = !ask;
    if (!ask) return;
    const { p, q, u, p_over_q } = ask;
    const rows = [bar('p', 'target', p), bar('q', 'draft', q), mark('u', u)];
    if (answer) rows.push(bar('p/q', 'bonus', p_over_q));
    this.laws.replaceChildren(...rows);
    for (const button of this.choice.children) {
      button.disabled = Boolean(answer);
      button.classList.toggle('right', Boolean(answer) && button.value === ask.verdict);
      button.classList.toggle('chosen', answer?.verdict === button.value);
    }
    const points = `Score: ${score.right} of ${score.of}.`;
    this.told.textContent = answer ? `${answer.isRight ? 'Right' : 'No'}: ${ask.because}, so ${ask.token} is ${ask.verdict}. ${points}` : '';
    this.root.dataset.right = answer ? answer.isRight : '';
  }
}

// A probability as a bar; what is above one fills it.
function bar(name, role, value) {
  const line = mark(name, value);
  line.classList.add('bar');
  line.style.setProperty('--role', `var(--${role})`);
  return line;
}

// A number on the line from zero to one.
function mark(name, value) {
  const line = document.createElement('div');
  const [label, track, number] = ['span', 'i', 'b'].map((kind) => document.createElement(kind));
  label.textContent = name;
  number.textContent = share(value);
  line.style.setProperty('--share', Math.min(1, value));
  line.append(label, track, number);
  return line;
}
