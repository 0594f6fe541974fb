// The run as one HTML file: the page's own template, with the run's messages put into it.
import { PENDING } from './tape.js';

const SLOT = 'THE-RUN';
const UNFINISHED = 'Saved before the run was over: what only its end tells is missing.';
const UNMEASURED = 'Saved before plain decoding was measured.';

export function addExport(save, player) {
  const made = document.createElement('button');
  made.type = 'button';
  made.className = 'export';
  made.textContent = '⤓ export';
  made.title = 'save this run as a page that plays without a network';
  made.addEventListener('click', () => write(player));
  save.after(made);
  return made;
}

async function write(player) {
  const { tape } = player;
  if (!tape?.size) return;
  if (tape.lack) return void player.notice(tape.lack, true);
  try {
    const answer = await fetch(new URL('own/export', document.baseURI));
    if (!answer.ok) throw new Error(`it answered ${answer.status}`);
    const page = (await answer.text()).replace(SLOT, await packed(lines(tape)));
    const { method, created } = tape.header.header;
    download(page, `speculoscope-${method}-${created.replace(/[^0-9T]/g, '').slice(0, 15)}.html`);
  } catch (error) {
    player.notice(`The run could not be exported: ${error.message}.`, true);
  }
}

// Messages as they came: what the page keeps beside them is left out.
export function lines({ header, rounds, end }) {
  const last = end?.panels ? measured(end) : unfinished(header.run, rounds);
  const messages = [{ ...header, looks: undefined, source: 'file' }, ...rounds, last];
  return messages.map((message) => JSON.stringify(message)).join('\n');
}

// In place of an end that has not come.
function unfinished(run, rounds) {
  const { facts } = rounds.at(-1).panels;
  return { kind: 'end', run, record: null, note: UNFINISHED, panels: { facts: known(facts, UNFINISHED) } };
}

function measured(end) {
  return { ...end, panels: { ...end.panels, facts: known(end.panels.facts, UNMEASURED) } };
}

// What was still to come is not promised any more.
export function known(facts, hover) {
  const unknown = { value: '–', label: 'of plain, not measured', hover };
  return facts?.map((fact) => (fact.value === PENDING ? { ...fact, ...unknown } : fact));
}

async function packed(text) {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream('deflate'));
  const reader = new FileReader();
  const done = new Promise((resolve, reject) => { reader.onload = resolve; reader.onerror = reject; });
  reader.readAsDataURL(await new Response(stream).blob());
  await done;
  return reader.result.slice(reader.result.indexOf(',') + 1);
}

function download(text, name) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type: 'text/html' }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
