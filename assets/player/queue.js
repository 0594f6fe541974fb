// The place in the queue: Gradio writes it into a corner of the stage that stays hidden; it
// is said where the visitor looks.
const PLACE = /queue: (\d+)\/(\d+)/;

export function watchQueue(block, onPlace) {
  const corner = block.querySelector(':scope > .wrap');
  if (!corner) return;
  let said = '';
  new MutationObserver(() => {
    const [, place, all] = PLACE.exec(corner.textContent) ?? [];
    const text = place ? `Somebody else is decoding: you are number ${place} of ${all} in the queue.` : '';
    if (text !== said) onPlace(text, said);
    said = text;
  }).observe(corner, { subtree: true, childList: true, characterData: true });
}
