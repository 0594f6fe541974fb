// Another file is opened: what was said of the one before goes. Gradio would refuse what is no
// trace in a toast over the figures; it is said where all else is said.
const ENDING = '.jsonl';

export function watchFiles(player) {
  addEventListener('change', (event) => {
    const { target } = event;
    if (!target.matches?.('#house input[type="file"]') || !target.files.length) return;
    const { name } = target.files[0];
    player.notice('', false);
    if (name.toLowerCase().endsWith(ENDING)) return;
    event.stopImmediatePropagation();
    target.value = ''; // the same one may be tried again
    player.notice(`This file cannot be opened: “${name}” is no trace; their names end in ${ENDING}.`, true);
  }, true);
}
