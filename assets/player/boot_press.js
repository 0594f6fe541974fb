// Stands before a view's own script, so that no press comes before it. The button that begins work
// is off until that is over or stopped: what a second press would ask for is under way already.
{
  let [pressed, over, stopped] = [0, 0, 0]; // how many presses; they end in their order
  const show = () => { document.querySelector('#BEGIN').disabled = pressed > Math.max(over, stopped); };
  const stop = () => { stopped = pressed; show(); };
  addEventListener('click', ({ target }) => { // on the window: Gradio's listeners are through by then
    if (target.closest?.('#BEGIN')) { pressed += 1; show(); } else if (target.closest?.('#END')) stop();
  });
  const end = () => { over = Math.min(over + 1, pressed); show(); };
  document.addEventListener('over:BEGIN', () => receive(end)); // once all that has come is shown
  element.addEventListener('left', stop); // the server is silent: nobody knows when it will be over
}
