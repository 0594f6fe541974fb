// The proof's view: shows what the messages say, and draws the bars of the newest counts.
import { Fits } from './proof_fits.js';
import { Pairs } from './proof_pairs.js';
import { Silence } from './silence.js';
import { say } from './view_notice.js';

const ENDS = ['begin', 'problem', 'verdict', 'over']; // of a proof, or another begins
const COURSE = ['fits', 'status']; // how far it is
const STOPPING = 'Stopping after the step in hand.';

export class View {
  constructor(element) {
    this.root = element.querySelector('.proof');
    this.pairs = new Pairs(this.part('.pairs'));
    this.fits = new Fits(this.part('.places'));
    this.isUnderWay = false;
    this.isStopping = false; // Stop was pressed: of the counts on their way only the last shows
    element.closest('.house').addEventListener('click', ({ target }) => { if (target.closest('#proof-stop')) this.stop(); });
    this.silence = new Silence(() => this.isUnderWay, (words) => this.breakOff(words));
    window.proof = this.outside();
  }

  part(selector) { return this.root.querySelector(selector); }

  say(selector, text) { this.part(selector).textContent = text; }

  apply(message) {
    if (message.verdict || ENDS.includes(message.kind)) this.goOn();
    if (!this.isStopping || !COURSE.includes(message.kind)) this.show(message);
    this.silence.heard();
  }

  show(message) {
    const { kind } = message;
    if (kind === 'begin') this.begin(message);
    else if (kind === 'problem') this.refuse(message.text);
    else if (kind === 'status') this.notice(message.text, false);
    else if (kind === 'tokens') this.pairs.add(message);
    else if (kind === 'subject') this.subject(message);
    else if (kind === 'fits') this.count(message);
    else if (kind === 'verdict') this.verdict(message);
    else if (kind === 'over') this.isUnderWay = false;
  }

  stop() {
    if (!this.isUnderWay) return;
    this.isStopping = true;
    this.notice(STOPPING, false);
  }

  // What was stopped has come to its end, or to that of its counts.
  goOn() {
    if (this.isStopping) this.notice('', false);
    this.isStopping = false;
  }

  begin({ proof, title, rule, warning, palette, template }) {
    this.root.dataset.kind = proof;
    this.isUnderWay = true;
    this.head(title, rule, warning);
    this.notice('', false);
    this.verdict(null);
    this.fits.clear({ palette, template });
  }

  // What is asked for now; what stood there was the answer to another question.
  head(title, rule, warning) {
    this.root.classList.toggle('broken', Boolean(warning));
    this.say('.title', title);
    this.say('.rule', rule);
    this.say('.warning', warning);
    this.pairs.clear();
    this.part('.work').hidden = this.part('.subject').hidden = true;
  }

  refuse(reason) {
    this.root.dataset.kind = 'refused';
    this.isUnderWay = false;
    this.head('Nothing was proven', '', '');
    this.fits.clear(null);
    this.verdict({ holds: null, value: 'not run', says: reason });
    this.notice(reason, true);
  }

  // Nothing more comes: what was counted until then stands.
  breakOff(words) {
    this.isUnderWay = this.isStopping = false;
    this.root.dispatchEvent(new Event('left', { bubbles: true }));
    this.notice(words, true);
  }

  notice(text, isProblem) {
    say(this.root, text, isProblem);
  }

  subject({ round, context, siblings, says, path, drafted }) {
    this.part('.subject').hidden = false;
    this.say('.context', context ? `…${context}` : 'Right behind the prompt.');
    this.say('.about', `Round ${round} of a real run. ${says}${path ? ` The bonus is counted behind “${path}”.` : ''}`);
    this.say('th', drafted);
    this.part('tbody').replaceChildren(...siblings.map(({ piece, draft, target }) => {
      const row = document.createElement('tr');
      row.append(...[piece, draft, target].map((text) => Object.assign(document.createElement('td'), { textContent: text })));
      return row;
    }));
    this.part('table').classList.toggle('none', !siblings.length);
  }

  count({ done, goal, places, verdict }) {
    this.part('.work').hidden = false;
    this.part('progress').value = done / goal;
    this.say('.done', `${done.toLocaleString('en')} of ${goal.toLocaleString('en')} verifications`);
    this.fits.show(places);
    if (verdict) this.verdict(verdict);
  }

  verdict(found) {
    const box = this.part('.verdict');
    box.dataset.holds = found?.holds ?? (found?.value ? 'open' : ''); // open: all is counted, nothing found
    this.say('.mark', { true: '✓', false: '✗' }[found?.holds] ?? '');
    this.say('.value', found?.value ?? '');
    this.say('.verdict .says', found?.says ?? '');
    if (found && 'difference' in found) this.pairs.finish(found.difference);
  }

  // What tests and the console may know.
  outside() {
    const view = this;
    return {
      get kind() { return view.root.dataset.kind; },
      get holds() { return { true: true, false: false }[view.part('.verdict').dataset.holds] ?? null; },
      get isDrawn() { return view.fits.isDrawn; },
      get done() { return view.part('.done').textContent; },
    };
  }
}
