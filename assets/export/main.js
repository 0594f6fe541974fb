// An exported run: the page's player without the page, fed from the file.
import { inflated } from './unpack.js';
import { Player } from './player.js';

const find = (selector) => document.querySelector(selector);
const views = { stage: find('#house'), numbers: find('#numbers') };

function turn(name) {
  for (const [each, part] of Object.entries(views)) {
    part.hidden = each !== name;
    find(`#views [value="${each}"]`).setAttribute('aria-selected', each === name);
  }
}

find('#views').addEventListener('click', ({ target }) => target.value && turn(target.value));
turn('stage');
const player = new Player(find('#stage'));
document.dispatchEvent(new CustomEvent('numbers', { detail: find('#numbers') }));
player.receive(await inflated('run'));
const { label, header: { prompt, created } } = player.tape.header;
document.title = `Speculoscope: ${label}, ${prompt.trim().slice(0, 60)}`;
find('#rail .prompt').textContent = prompt;
find('#rail .run').textContent = `${label} · ${created.slice(0, 10)}`;
