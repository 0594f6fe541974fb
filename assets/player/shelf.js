// Recorded runs that ship with the page, and the file a run is saved to.
const url = (path) => new URL(`own/${path}`, document.baseURI).href;

export async function fillShelf(select, onPick) {
  const runs = await (await fetch(url('traces'))).json();
  select.append(...runs.map(({ name, title }) => new Option(label(title), name)));
  select.addEventListener('change', () => select.value && onPick(select.value));
  return runs;
}

// The temperature before the prompt: a box that is too narrow for all cuts the end.
const label = (title) => title.replace(/^([^:]+): (.*) · (T \S+)$/, '$1 · $3: $2');

// The messages of a recorded run, the same as those of a live one.
export async function fetchRun(name) {
  const answer = await fetch(url(`traces/${encodeURIComponent(name)}`));
  if (!answer.ok) throw new Error(`the recorded run ${name} could not be read`);
  return answer.text();
}

export function save(tape) {
  const { method, created } = tape.header.header;
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([tape.lines()], { type: 'application/jsonl' }));
  link.download = `speculoscope-${method}-${created.replace(/[^0-9T]/g, '').slice(0, 15)}.jsonl`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
