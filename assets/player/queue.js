// The place in the queue: Gradio writes it into a corner of a component that stays hidden; it
// is said where the visitor looks, in a line of its own: what a run has said stays beside it.
// Who has the decoder may be himself, in another tab.  A wait that is over at once is no news.
const PLACE = /queue: (\d+)\/(\d+)/;
const AT_ONCE = 300; // milliseconds

const BEGIN = '#go, #race-go, #prove', END = '#stop, #race-stop, #proof-stop'; // of one's own rail
const STOPPED = 'Stopped: what waits in the queue will not begin.';

export function watchQueue(block, line) {
  const corner = block.querySelector(':scope > .wrap');
  if (!corner) return;
  let text = '', timer = 0, isStopped = false;
  const say = () => { line.textContent = text; timer = 0; };
  line.closest('#rail, .rail').addEventListener('click', ({ target }) => {
    if (target.closest(BEGIN)) isStopped = false;
    if (!target.closest(END)) return;
    isStopped = true; // also of a wait whose place is yet to come
    if (!text) return;
    text = STOPPED;
    say();
  }, true);
  new MutationObserver(() => {
    const [, place, all] = PLACE.exec(corner.textContent) ?? [];
    const busy = isStopped ? STOPPED : `The decoder is busy: you are number ${place} of ${all} in the queue.`;
    text = place ? busy : '';
    if (text && !line.textContent) timer ||= setTimeout(say, AT_ONCE); // it counts seconds meanwhile
    else if (text !== line.textContent) say();
  }).observe(corner, { subtree: true, childList: true, characterData: true });
}
