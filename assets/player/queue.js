// The place in the queue: Gradio writes it into a corner of a component that stays hidden; it
// is said where the visitor looks.  Who has the decoder may be himself, in another tab.
const PLACE = /queue: (\d+)\/(\d+)/;

export function watchQueue(block, line, say) {
  const corner = block.querySelector(':scope > .wrap');
  if (!corner) return;
  let said = '';
  new MutationObserver(() => {
    const [, place, all] = PLACE.exec(corner.textContent) ?? [];
    const text = place ? `The decoder is busy: you are number ${place} of ${all} in the queue.` : '';
    if (text !== said && (text || line.textContent === said)) say(text); // what a run said since stays
    said = text;
  }).observe(corner, { subtree: true, childList: true, characterData: true });
}
